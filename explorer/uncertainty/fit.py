"""Fit of an uncertainty model: support from training frames, calibration from held-out frames."""

from collections.abc import Callable
from functools import partial
from typing import Any

from explorer.dataset.dataset import MoleculeData
from explorer.errors import ConfigError
from explorer.potential.network_committee import CommitteeFunctions
from explorer.potential.so3krates import NetworkFunctions
from explorer.uncertainty.assessor import Assessor
from explorer.uncertainty.calibration import Calibration, calibrate
from explorer.uncertainty.predictions import CommitteePredictions, committee_predictions, find_support

MIN_CALIBRATION_FRAMES = 20  # frames of a calibration; not tuned


def fit_assessor(
    molecules: dict[str, MoleculeData],
    network: NetworkFunctions | CommitteeFunctions,
    params: Any,
    held_out: dict[str, MoleculeData],
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> tuple[Assessor, CommitteePredictions]:
    """Select the support from training frames and calibrate on other frames.

    Args:
        molecules: Labelled frames by molecule; only the split `train` is used.
        network: Functions of a network, or of a committee of networks.
        params: Its parameters.
        held_out: Labelled frames by molecule that were not used for training; all of them are used.
        progress: Called with the name of the step and the numbers of finished and of all frames.

    Returns:
        The uncertainty model, and the predictions for the held-out frames.

    Raises:
        ConfigError: When there are too few held-out frames.
    """
    n_frames = sum(len(data.energy) for data in held_out.values())
    if n_frames < MIN_CALIBRATION_FRAMES:
        raise ConfigError(
            f"A calibration needs at least {MIN_CALIBRATION_FRAMES} held-out frames, received {n_frames}. "
            "Label more frames."
        )
    support = find_support(molecules, network, params, partial(progress, "training frames for the support"))
    predictions = committee_predictions(
        held_out, network, params, support, partial(progress, "held-out frames predicted")
    )
    return Assessor(support, calibrate_predictions(predictions)), predictions


def calibrate_predictions(predictions: CommitteePredictions) -> Calibration:
    """Fit the law of expected errors to predictions for frames that were not used for training."""
    return calibrate(predictions.force_error, predictions.force_spread, predictions.distance)
