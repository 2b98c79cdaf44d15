"""Calibration: expected errors from spread and distance, and their classification into trust levels."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.records.uncertainty import TrustLevel
from explorer.statistics import rank_correlation

# Percentiles of held-out frames where `uncertain` and `out-of-distribution` begin; not tuned.
_UNCERTAIN_PERCENTILE, _OUT_OF_DISTRIBUTION_PERCENTILE = 90.0, 99.0
_MIN_LOGARITHM_ARGUMENT = 1e-6  # eV/Å or standard deviations, so that logarithms stay finite


class Calibration(NamedTuple):
    """Law of expected errors, and limits of the trust levels. The field names are the keys of `calibration.json`.

    log(expected error) = offset + slope_spread · log(spread) + slope_distance · log(distance)

    Attributes:
        offset: Offset for errors and spreads in eV/Å.
        slope_spread: Exponent of the spread; 0 without a committee.
        slope_distance: Exponent of the distance.
        error_limits: Expected errors where `uncertain` and `out-of-distribution` begin, eV/Å.
        distance_limits: Distances where they begin, in standard deviations of the features.
        rank_correlation: Spearman's rank correlation of the expected and the true error of the frames.
        n_frames: Number of frames of the calibration.
    """

    offset: float
    slope_spread: float
    slope_distance: float
    error_limits: tuple[float, float]
    distance_limits: tuple[float, float]
    rank_correlation: float
    n_frames: int

    def expected_error(
        self, spread: Float[np.ndarray, "n"], distance: Float[np.ndarray, "n"]
    ) -> Float[np.ndarray, "n"]:
        """Return the expected root mean square error of a force vector of each structure, eV/Å.

        Args:
            spread: Spread of the forces, eV/Å; NaN without a committee.
            distance: Distance of the atom farthest from the training data, in standard deviations.
        """
        finite_spread = np.where(np.isnan(spread), 1.0, spread)  # without a committee, the slope is 0
        terms = self.slope_spread * _log(finite_spread) + self.slope_distance * _log(distance)
        return np.exp(self.offset + terms)

    def trust_levels(self, spread: Float[np.ndarray, "n"], distance: Float[np.ndarray, "n"]) -> list[TrustLevel]:
        """Return the trust level of each structure: the worse one of its expected error and its distance.

        Args:
            spread: Spread of the forces, eV/Å; NaN without a committee.
            distance: Distance of the atom farthest from the training data, in standard deviations.
        """
        error = self.expected_error(spread, distance)
        level = np.maximum(np.searchsorted(self.error_limits, error), np.searchsorted(self.distance_limits, distance))
        return [list(TrustLevel)[k] for k in level]


def calibrate(
    error: Float[np.ndarray, "n"], spread: Float[np.ndarray, "n"], distance: Float[np.ndarray, "n"]
) -> Calibration:
    """Fit the law of expected errors to frames that were not used for training, by least squares of logarithms.

    Args:
        error: True root mean square error of a force vector, eV/Å.
        spread: Spread of the forces, eV/Å; NaN without a committee, whose slope is then 0.
        distance: Distance of the atom farthest from the training data, in standard deviations.
    """
    columns = [np.ones(len(error)), _log(spread), _log(distance)]
    if np.isnan(spread).any():
        columns[1] = np.zeros(len(error))
    fitted, *_ = np.linalg.lstsq(np.column_stack(columns), _log(error), rcond=None)
    offset, slope_spread, slope_distance = fitted.tolist()
    law = Calibration(
        offset=offset,
        slope_spread=slope_spread,
        slope_distance=slope_distance,
        error_limits=(0.0, 0.0),
        distance_limits=(0.0, 0.0),
        rank_correlation=0.0,
        n_frames=len(error),
    )
    expected = law.expected_error(spread, distance)
    return law._replace(
        error_limits=_limits(expected),
        distance_limits=_limits(distance),
        rank_correlation=rank_correlation(expected, error),
    )


def _limits(x: Float[np.ndarray, "n"]) -> tuple[float, float]:
    percentiles = (_UNCERTAIN_PERCENTILE, _OUT_OF_DISTRIBUTION_PERCENTILE)
    uncertain, out_of_distribution = np.percentile(x, percentiles).tolist()
    return uncertain, out_of_distribution


def _log(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.log(np.maximum(x, _MIN_LOGARITHM_ARGUMENT))
