"""From spread and distance to an expected error, and to a verdict: trusted, uncertain or outside."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

from explorer.records.uncertainty import TrustLevel

TRUSTED, INSIDE = 90.0, 99.0  # percentiles of held-out frames where the next verdict begins
LEAST = 1e-6  # eV/Å or standard deviations, so that logarithms stay finite


class Calibration(NamedTuple):
    """log(expected error) = offset + slope_spread · log(spread) + slope_distance · log(distance), and its limits.

    Attributes:
        offset, slope_spread, slope_distance: for errors and spreads in eV/Å.
        error_limits: expected errors where `uncertain` and `outside` begin, eV/Å.
        distance_limits: distances where they begin.
        rank_correlation: Spearman's, of expected and true error of the frames.
        n_frames: it was made from.
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
        """Root mean square length of the error of a force that spread (eV/Å) and distance let expect, eV/Å."""
        known = np.where(np.isnan(spread), 1.0, spread)  # without a committee its slope is 0
        terms = self.slope_spread * _log(known) + self.slope_distance * _log(distance)
        return np.exp(self.offset + terms)

    def verdicts(self, spread: Float[np.ndarray, "n"], distance: Float[np.ndarray, "n"]) -> list[TrustLevel]:
        """One for each structure."""
        error = self.expected_error(spread, distance)
        level = np.maximum(np.searchsorted(self.error_limits, error), np.searchsorted(self.distance_limits, distance))
        return [list(TrustLevel)[k] for k in level]


def calibrate(
    error: Float[np.ndarray, "n"], spread: Float[np.ndarray, "n"], distance: Float[np.ndarray, "n"]
) -> Calibration:
    """Fit the expected error to frames that the network was not trained on, by least squares of logarithms.

    Args:
        error: true root mean square length of the error of a force, eV/Å.
        spread: of the members' forces, eV/Å; NaN without a committee, which then counts for nothing.
        distance: of the atom that is farthest from the training data.
    """
    columns = [np.ones(len(error)), _log(spread), _log(distance)]
    if np.isnan(spread).any():
        columns[1] = np.zeros(len(error))
    fitted, *_ = np.linalg.lstsq(np.column_stack(columns), _log(error), rcond=None)
    offset, slope_spread, slope_distance = fitted.tolist()
    made = Calibration(offset, slope_spread, slope_distance, (0.0, 0.0), (0.0, 0.0), 0.0, len(error))
    expected = made.expected_error(spread, distance)
    correlation = np.asarray(spearmanr(expected, error))[0]
    return made._replace(
        error_limits=_limits(expected), distance_limits=_limits(distance), rank_correlation=float(correlation)
    )


def _limits(x: Float[np.ndarray, "n"]) -> tuple[float, float]:
    trusted, inside = np.percentile(x, (TRUSTED, INSIDE)).tolist()
    return trusted, inside


def _log(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.log(np.maximum(x, LEAST))
