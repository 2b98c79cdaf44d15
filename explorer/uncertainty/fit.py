"""An assessor from labelled frames: training frames show where the data are, held-out ones what errors to expect."""

from collections.abc import Callable
from functools import partial
from typing import Any

from explorer.dataset.dataset import MoleculeData
from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.uncertainty.assessor import Assessor
from explorer.uncertainty.calibration import Calibration, calibrate
from explorer.uncertainty.predictions import CommitteePredictions, committee_predictions, find_support

FEWEST = 20  # frames to calibrate from


def fit_assessor(
    molecules: dict[str, MoleculeData],
    hp: Hyperparameters,
    params: Any,
    heldout: dict[str, MoleculeData],
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> tuple[Assessor, CommitteePredictions]:
    """Choose the support from training frames and calibrate on others.

    Args:
        molecules: labelled frames; those of the split `train` are used.
        hp: of the network.
        params: its parameters.
        heldout: labelled frames that the network was not trained on, all of which are used.
        progress: called with what is counted, how many are done, and of how many.

    Returns:
        The assessor, and what it was calibrated from.

    Raises:
        ConfigError: when there are too few held-out frames.
    """
    n_frames = sum(len(data.energy) for data in heldout.values())
    if n_frames < FEWEST:
        raise ConfigError(f"At least {FEWEST} held-out frames were wanted to calibrate with, received {n_frames}.")
    support = find_support(molecules, hp, params, partial(progress, "training frames seen again"))
    judged = committee_predictions(heldout, hp, params, support, partial(progress, "other frames judged"))
    return Assessor(support, calibrated(judged)), judged


def calibrated(judged: CommitteePredictions) -> Calibration:
    """The law between what a network betrays and how wrong it is, from frames that it was not trained on."""
    return calibrate(judged.force_error, judged.force_spread, judged.distance)
