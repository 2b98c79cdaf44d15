"""Default settings of a training by the amount of data, for those who name no settings."""

from dataclasses import replace

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.settings import FitSettings

# Frames that a training sees, each as often as it takes. MD17 ethanol needed 228,000 for a force error of
# 0.045 kcal/mol/Å (reports/bench/md17-ethanol); the errors of longer trainings were not compared.
_FRAMES_SEEN = 160_000
_FEWEST_PASSES = 3  # over all frames of large data; not tuned
_LONGEST_EPOCH = 10_000  # frames; the state of a training is kept after every epoch
_MOST_EPOCHS = 400  # not tuned
_DECAY_SHARE = 0.25  # of the epochs; not tuned
_FEW_FRAMES = 500  # fewer leave no test split that tells anything; not tuned


def with_sized_defaults(
    molecules: dict[str, MoleculeData], model: Hyperparameters, fit: FitSettings
) -> tuple[Hyperparameters, FitSettings]:
    """Return default settings for a data set.

    The network is a committee of eight members, so that it has an uncertainty, with two layers, which learn most in a
    given time (reports/bench/training-search.json). The number of epochs is such that the training sees 160,000 frames,
    or all frames three times.

    Args:
        molecules: Labelled frames by molecule; the number of those of the split `train` is used.
        model: Settings of the network to start from.
        fit: Settings of the training to start from.
    """
    n_frames = sum(int((data.split == "train").sum()) for data in molecules.values())
    epoch = max(1, min(n_frames, _LONGEST_EPOCH))
    n_epochs = min(_MOST_EPOCHS, max(2, round(max(_FRAMES_SEEN, _FEWEST_PASSES * n_frames) / epoch)))
    decay = max(1, round(_DECAY_SHARE * n_epochs))
    sized = replace(
        fit,
        epochs=n_epochs - decay,
        decay_epochs=decay,
        epoch_frames=0 if n_frames <= _LONGEST_EPOCH else _LONGEST_EPOCH,
        batch_size=max(1, min(fit.batch_size, n_frames // 4)),
    )
    return replace(model, n_members=8, n_layers=2), sized


def small_data_notes(molecules: dict[str, MoleculeData]) -> list[str]:
    """Return a warning if a data set is too small for a network, and nothing otherwise.

    Args:
        molecules: Labelled frames by molecule.
    """
    n_frames = sum(len(data.split) for data in molecules.values())
    if n_frames >= _FEW_FRAMES:
        return []
    return [f"{n_frames} frames are few: the network will be a demonstration. Use {_FEW_FRAMES} frames or more."]
