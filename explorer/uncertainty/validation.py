"""Whether a network knows where it is wrong, on frames that take no part in its calibration."""

from math import ceil

import numpy as np
from jaxtyping import Bool, Float

from explorer.evaluate.evaluation import UncertaintyQuality
from explorer.evaluate.relative_energies import rank_correlation, relative_to_mean
from explorer.uncertainty.calibration import TrustLevel
from explorer.uncertainty.fit import FEWEST, calibrated
from explorer.uncertainty.predictions import CommitteePredictions

EXTREME = 0.01  # share of frames that a verdict must not miss


def uncertainty_quality(
    judged: CommitteePredictions, asked: Bool[np.ndarray, "F"], name: str
) -> UncertaintyQuality | None:
    """Calibrate without one molecule at a time and compare what is expected of its frames with what is true.

    Args:
        judged: frames that the network was not trained on, all of which may calibrate those of other molecules.
        asked: which of them are compared.
        name: of these, for the record.

    Returns:
        None where too few frames of other molecules are left.
    """
    expected, trusted = np.full(len(asked), np.nan), np.zeros(len(asked), bool)
    for molecule in np.unique(judged.molecule[asked]).tolist():
        own = judged.molecule == molecule
        if np.sum(~own) < FEWEST:
            return None
        law = calibrated(judged.select(~own))
        expected[own] = law.expected_error(judged.force_spread[own], judged.distance[own])
        verdicts = law.verdicts(judged.force_spread[own], judged.distance[own])
        trusted[own] = [verdict == TrustLevel.TRUSTED for verdict in verdicts]
    frames, expected, trusted = judged.select(asked), expected[asked], trusted[asked]
    return UncertaintyQuality(
        frames=name,
        n_frames=len(expected),
        force_correlation=rank_correlation(expected, frames.force_error),
        energy_correlation=_energy_correlation(frames),
        trusted=float(trusted.mean()),
        farthest_flagged=_flagged(frames.distance, trusted),
        worst_flagged=_flagged(frames.force_error, trusted),
    )


def _energy_correlation(judged: CommitteePredictions) -> float | None:
    """Of the members' spread and the true error, both of energies relative to their mean over a molecule.

    What the members are wrong about in all conformers of a molecule alike is in no energy difference.
    """
    if judged.energies.shape[1] < 2:
        return None
    error = relative_to_mean(judged.molecule, judged.energies.mean(axis=1) - judged.label)
    spread = relative_to_mean(judged.molecule, judged.energies).std(axis=1, ddof=1)
    return rank_correlation(spread, np.abs(error))


def _flagged(extent: Float[np.ndarray, "F"], trusted: Bool[np.ndarray, "F"]) -> float:
    """Share of the frames of largest extent that are not trusted."""
    most = np.argsort(-extent, kind="stable")[: ceil(EXTREME * len(extent))]
    return float(1 - trusted[most].mean())
