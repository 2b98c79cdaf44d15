"""Agreement of expected and true errors on frames that are left out of the calibration."""

from math import ceil

import numpy as np
from jaxtyping import Bool, Float

from explorer.evaluate.evaluation import UncertaintyQuality
from explorer.evaluate.relative_energies import relative_to_mean
from explorer.statistics import median_rank_correlation
from explorer.uncertainty.calibration import TrustLevel
from explorer.uncertainty.fit import MIN_CALIBRATION_FRAMES, calibrate_predictions
from explorer.uncertainty.predictions import CommitteePredictions

_EXTREME_SHARE = 0.01  # share of the frames with the largest errors or distances that should not be trusted


def uncertainty_quality(
    predictions: CommitteePredictions, tested: Bool[np.ndarray, "F"], name: str
) -> UncertaintyQuality | None:
    """Compare expected and true errors of each molecule with a calibration on the other molecules.

    Args:
        predictions: Predictions for frames that were not used for training; all may be used for calibrations.
        tested: Whether each frame is compared.
        name: Origin of the compared frames, for the record.

    Returns:
        The comparison, or None where too few frames of other molecules are left.
    """
    expected, trusted = np.full(len(tested), np.nan), np.zeros(len(tested), bool)
    for molecule in np.unique(predictions.molecule[tested]).tolist():
        own = predictions.molecule == molecule
        if np.sum(~own) < MIN_CALIBRATION_FRAMES:
            return None
        calibration = calibrate_predictions(predictions.select(~own))
        spread, distance = predictions.force_spread[own], predictions.distance[own]
        expected[own] = calibration.expected_error(spread, distance)
        trusted[own] = [level == TrustLevel.TRUSTED for level in calibration.trust_levels(spread, distance)]
    frames, expected, trusted = predictions.select(tested), expected[tested], trusted[tested]
    return UncertaintyQuality(
        frames=name,
        n_frames=len(expected),
        force_correlation=median_rank_correlation(frames.molecule, expected, frames.force_error),
        energy_correlation=_energy_correlation(frames),
        trusted=float(trusted.mean()),
        farthest_flagged=_flagged(frames.distance, trusted),
        worst_flagged=_flagged(frames.force_error, trusted),
    )


def _energy_correlation(predictions: CommitteePredictions) -> float:
    """Rank correlation of the spread and the true error of energies relative to their mean over a molecule.

    A common error of all conformers of a molecule cancels in energy differences.
    """
    if predictions.energies.shape[1] < 2:
        return float("nan")
    error = relative_to_mean(predictions.molecule, predictions.energies.mean(axis=1) - predictions.label)
    spread = relative_to_mean(predictions.molecule, predictions.energies).std(axis=1, ddof=1)
    return median_rank_correlation(predictions.molecule, spread, np.abs(error))


def _flagged(values: Float[np.ndarray, "F"], trusted: Bool[np.ndarray, "F"]) -> float:
    """Share of the frames with the largest values that are not trusted."""
    largest = np.argsort(-values, kind="stable")[: ceil(_EXTREME_SHARE * len(values))]
    return float(1 - trusted[largest].mean())
