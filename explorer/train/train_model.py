"""Training and fine-tuning of a network: from a dataset to a checkpoint folder."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.config_file import keep_settings, read_toml
from explorer.dataset.dataset import MoleculeData, file_digest, load_dataset, load_meta
from explorer.errors import ConfigError
from explorer.files import without_nan, write_json
from explorer.overrides import with_overrides
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import Network, read_model
from explorer.potential.pairs import count_pairs
from explorer.train.baseline import with_shifted_atomic_energies
from explorer.train.buckets import N_SHAPES
from explorer.train.grow import with_channels, with_value_filter
from explorer.train.learning_curve import write_learning_curve
from explorer.train.phases import train_phases
from explorer.train.settings import FitSettings
from explorer.train.sized_defaults import small_data_notes, with_sized_defaults
from explorer.train.widen import with_features

_EXTENDABLE = ("epochs", "decay_epochs", "minutes")  # settings that may change when a training is resumed
# This network is small enough to be trained on two cores in an hour.
DEFAULT_ARCHITECTURE = Hyperparameters(n_features=64, n_radial=24, radial_filter="linear", charge_spin_embedding=False)


def load_training_config(
    path: Path | None,
    overrides: Mapping[str, str],
    model: Hyperparameters = DEFAULT_ARCHITECTURE,
    fit: FitSettings = FitSettings(),
) -> tuple[Hyperparameters, FitSettings]:
    """Return the settings of a training from defaults, the TOML tables `[model]` and `[fit]`, and overrides.

    Later sources take precedence over earlier ones.

    Args:
        path: TOML file; None for none.
        overrides: Values by dotted name, such as `fit.epochs`.
        model: Default hyperparameters of the network.
        fit: Default settings of the training.

    Raises:
        ConfigError: For an unknown table or key, or a value of the wrong type.
    """
    parts: dict[str, Any] = {"model": model, "fit": fit}
    changes = list(read_toml(path).items()) if path else []
    changes += [(key.partition(".")[0], {key.partition(".")[2]: value}) for key, value in overrides.items()]
    for table, values in changes:
        if table not in parts or not isinstance(values, dict):
            raise ConfigError(f"Settings of a training are model.NAME or fit.NAME, received {table!r}.")
        parts[table] = with_overrides(parts[table], values, f"{table}.")
    return parts["model"], parts["fit"]


def defaults_for(data: Path) -> tuple[Hyperparameters, FitSettings]:
    """Return the default settings of a network and of its training for a dataset.

    Args:
        data: Dataset written by `pes-explore label`.

    Raises:
        InputError: When the dataset is missing or cannot be read.
    """
    return with_sized_defaults(load_dataset(data), DEFAULT_ARCHITECTURE, FitSettings())


def small_data_warning(data: Path) -> list[str]:
    """Return a warning if a dataset has too few frames for a network, and nothing otherwise.

    Args:
        data: Dataset written by `pes-explore label`.
    """
    return small_data_notes(load_dataset(data))


def load_fine_tuning_config(
    path: Path | None, overrides: Mapping[str, str], before: str
) -> tuple[Network, FitSettings]:
    """Return the initial network of a fine-tuning and the settings of the training.

    The network is enlarged where the settings ask for more features or channels, or for value filters.

    Args:
        path: TOML file; None for none.
        overrides: Values by dotted name.
        before: Name or folder of the initial network.

    Raises:
        ConfigError: For the reasons of `load_training_config`, and when other hyperparameters differ from those of the
            network.
    """
    given = read_model(before)
    model, settings = load_training_config(path, overrides, given.hyperparameters)
    hp, params = with_features(given.hyperparameters, given.params, model.n_features)
    hp, params = with_channels(hp, params, model.n_channels, model.filter_channels)
    if model.value_filter:
        hp, params = with_value_filter(hp, params)
    given = given._replace(hyperparameters=hp, params=params)
    for field in fields(model):
        old, new = getattr(given.hyperparameters, field.name), getattr(model, field.name)
        if old != new:
            raise ConfigError(
                f"A training that begins with {before} keeps its network: model.{field.name} is {old}, received {new}. "
                "Leave this setting out, or train a new network."
            )
    return given, settings


def complete_hyperparameters(
    hp: Hyperparameters, molecules: dict[str, MoleculeData], reference: str, data: str
) -> Hyperparameters:
    """Fill in the hyperparameters that follow from the data: elements, atomic energies and mean number of neighbours.

    Args:
        hp: Hyperparameters of the network.
        molecules: Labelled frames by molecule.
        reference: Name of the reference method.
        data: Name and digest of the file of the data.
    """
    elements = tuple(sorted({int(z) for d in molecules.values() for z in d.atomic_numbers}))
    energies = tuple(float(e) for e in atomic_energies(molecules, elements))
    neighbors = np.mean(
        [_mean_neighbors(d.positions[:: max(1, len(d.energy) // 100)], hp.cutoff) for d in molecules.values()]
    )
    return replace(
        hp,
        trained_elements=elements,
        atomic_energies=energies,
        average_neighbors=round(float(neighbors), 1),
        reference=reference,
        training_data=data,
    )


def atomic_energies(molecules: dict[str, MoleculeData], elements: tuple[int, ...]) -> np.ndarray:
    """Return the energies of the elements that fit the training energies best (least squares, smallest norm), eV.

    Args:
        molecules: Labelled frames by molecule; only the split `train` is used.
        elements: Atomic numbers.
    """
    counts, energies = [], []
    for data in molecules.values():
        training_energies = data.energy[data.split == "train"]
        if len(training_energies):
            counts.append([(data.atomic_numbers == z).sum() for z in elements])
            energies.append(training_energies.mean())
    return np.linalg.lstsq(np.array(counts, float), np.array(energies), rcond=None)[0]


def _mean_neighbors(positions: np.ndarray, cutoff: float) -> float:
    return float(np.mean([2 * count_pairs(frame, cutoff) / positions.shape[1] for frame in positions]))


def train_model(
    data: Path, folder: Path, hp: Hyperparameters, settings: FitSettings, report: Callable[[dict], None]
) -> None:
    """Train a network, or resume its training, and write the checkpoint folder.

    `explorer.workflows.evaluate_model` measures the errors of the result.

    Args:
        data: Dataset written by `pes-explore label`.
        folder: Folder of the checkpoint, of `learning_curve.svg` and of `history.json`. The state of the training
            stays in its subfolder `training.part`: an interrupted training resumes there, and a finished one can be
            prolonged by more epochs.
        hp: Hyperparameters of the network; elements and atomic energies are taken from the data.
        settings: Settings of the training.
        report: Called after each epoch with its record.

    Raises:
        ConfigError: When the folder holds a training with other settings or data, or when the training diverges.
        InputError: When the dataset is missing or cannot be read.
    """
    molecules, meta = load_dataset(data), load_meta(data)
    hp = complete_hyperparameters(hp, molecules, meta["reference"], _named(data))
    return _train(molecules, folder, hp, settings, report)


def fine_tune_model(
    data: Path,
    folder: Path,
    before: Network,
    settings: FitSettings,
    report: Callable[[dict], None],
    n_shapes: int = N_SHAPES,
) -> None:
    """Train a network further, or resume this training, and write the checkpoint folder.

    The mean number of neighbours stays that of the network, because the parameters depend on it. Atomic energies change
    where the molecules have a composition that is new to the network, or labels of another reference method
    (`with_shifted_atomic_energies`).

    Args:
        data: Dataset written by `pes-explore label`, by any reference method. The new network is one of that method.
        folder: As in `train_model`.
        before: Network to begin with.
        settings: Settings of the training.
        report: Called after each epoch with its record.
        n_shapes: Largest number of shapes that frames are padded to. Each is compiled.

    Raises:
        ConfigError: When the network does not know an element of the data, and for the reasons of `train_model`.
        InputError: When the dataset is missing or cannot be read.
    """
    molecules, meta = load_dataset(data), load_meta(data)
    hp, params, digest, _ = before
    unknown = sorted({int(z) for d in molecules.values() for z in d.atomic_numbers} - {*hp.trained_elements})
    if unknown:
        raise ConfigError(
            f"{data} has atoms of atomic numbers {unknown}, which the network was not trained on. Train a new network."
        )
    hp = with_shifted_atomic_energies(hp, params, molecules)
    hp = replace(hp, reference=meta["reference"], training_data=_named(data), tuned_from=digest)
    return _train(molecules, folder, hp, settings, report, params, n_shapes)


def _named(data: Path) -> str:
    return f"{data.name} {file_digest(data)}"


def _train(
    molecules: dict[str, MoleculeData],
    folder: Path,
    hp: Hyperparameters,
    settings: FitSettings,
    report: Callable[[dict], None],
    params: Any = None,
    n_shapes: int = N_SHAPES,
) -> None:
    part = folder / "training.part"
    kept = {k: v for k, v in asdict(settings).items() if k not in _EXTENDABLE}
    keep_settings(
        part,
        {"model": asdict(hp), "fit": kept},
        f"{part} holds a training with other settings or data than requested. "
        "Repeat the call that started it, remove that folder to start again, or choose another --out.",
    )
    params, history = train_phases(molecules, hp, settings, part, report, params, n_shapes)
    save_checkpoint(folder, hp, params)
    write_json(without_nan(history), folder / "history.json")
    write_learning_curve(folder / "learning_curve.svg", history)
