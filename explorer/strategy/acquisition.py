"""Acquisition function of torsion moves: probability that a jump finds a new minimum, or a new low one."""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr

from explorer.strategy.energy_model import TorsionGaussianProcess
from explorer.strategy.growing_array import GrowingArray
from explorer.units import LOW_ENERGY_WINDOW

# Fitted to 6,600 jumps of Trp-Gly (see `AcquisitionFunction`). Lengths are in units of Σ (1 - cos f(τ - τ')).
NOVELTY_LENGTH_MINIMA = 0.28  # distance to the nearest minimum at which two of three jumps end elsewhere
NOVELTY_LENGTH_STARTS = 2.8  # distance to the nearest start of a relaxation at which two of three jumps end elsewhere
RESIDUAL_NOVELTY = 0.02  # share of jumps that end elsewhere although they start where another jump started
PREDICTION_ERROR = 0.1  # eV, standard deviation of a predicted energy

# eV above the lowest minimum. The fit above used 0.13 eV, so the exact 3 kcal/mol (0.13009 eV) is rounded.
SEARCH_WINDOW = round(LOW_ENERGY_WINDOW, 2)

_MIN_DISTANCE = 1e-4  # floor of a distance, which float32 may make negative; keeps the logarithm finite

LogProbability = Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n"]]


class AcquisitionFunction:
    """Probability that a jump to given torsions finds a new minimum, and that this minimum is low.

    The probability that a jump to torsions τ ends in a new minimum is

        P_new = (1 - exp(-(ν / 0.28)²)) (1 - 0.98 exp(-(μ / 2.8)³)),

    where ν is the distance Σ (1 - cos f(τ - τ')) to the nearest minimum, summed over torsions of symmetry number f, and
    μ is the distance to the nearest start of an earlier relaxation. A relaxation that starts near an earlier one tends
    to end in the same minimum. The probability that the jump ends within 0.13 eV of the lowest minimum energy E0 is

        P_low = Φ((E0 + 0.13 eV - E(τ)) / 0.1 eV),

    where E(τ) is predicted by a Gaussian process.

    The numbers are close to the maximum of the likelihood for 6,600 jumps of Trp-Gly. In these data, whether a jump
    finds a new low minimum depends on μ and not on ν, since such a minimum is often one rotation of about 60° away
    from another one (ν = 0.4). Of 430 jumps with μ < 1 and a low predicted energy 2 found one; of 1150 with a larger
    μ, 40 did.

    Args:
        n_features: Number of features: cosine and sine of each torsion.
    """

    def __init__(self, n_features: int):
        empty = np.empty((0, n_features), np.float32)
        self._minima, self._energies = GrowingArray(empty), GrowingArray(np.empty(0))
        self._starts = GrowingArray(empty)
        # the starts whose relaxation converged, and the energies that they reached
        self._converged_starts, self._end_energies = GrowingArray(empty), GrowingArray(np.empty(0))
        self._energy_model = TorsionGaussianProcess()

    def add_minima(self, features: Float[np.ndarray, "n d"], energies: Float[np.ndarray, "n"]) -> None:
        """Add minima in order of discovery.

        Args:
            features: Features of their torsions.
            energies: Energies, eV; NaN for minima that the model does not know, which no prediction may rest on.
        """
        self._minima.add(features)
        self._energies.add(energies)

    def add_starts(self, features: Float[np.ndarray, "n d"], energies: Float[np.ndarray, "n"]) -> None:
        """Add the starts of relaxations after jumps: another relaxation from there would end in the same minimum.

        Args:
            features: Features of the torsions where the relaxations started.
            energies: Energies where they ended, eV; NaN for those that did not converge.
        """
        converged = np.isfinite(energies)
        self._starts.add(features)
        self._converged_starts.add(features[converged])
        self._end_energies.add(energies[converged])

    @property
    def energies(self) -> Float[np.ndarray, "n"]:
        """Energies of the minima in order of discovery, eV; NaN for those that the model does not know."""
        return self._energies.rows

    def is_low(self, energy: float) -> bool:
        """Return whether an energy is within the window above the lowest minimum.

        Args:
            energy: Energy, eV.
        """
        return energy <= self._highest_low_energy

    @property
    def _highest_low_energy(self) -> float:
        return np.min(self.energies[np.isfinite(self.energies)], initial=np.inf) + SEARCH_WINDOW

    def log_probability(self, pending: Float[np.ndarray, "w d"], targets_low_energy: bool) -> LogProbability:
        """Return a function of features: the logarithm of the probability that a jump there is useful.

        Args:
            pending: Features of the targets of jumps that have not ended yet. They count as starts.
            targets_low_energy: Whether only a new low minimum is useful, or any new minimum.
        """
        if targets_low_energy:
            known = np.isfinite(self.energies)
            self._energy_model.fit(
                (self._minima.rows[known], self.energies[known]),
                (self._converged_starts.rows, self._end_energies.rows),
            )
        minima, starts = self._minima.rows, self._starts.rows

        def log_probability(features: np.ndarray) -> np.ndarray:
            from_starts = _novelty(features, (starts, pending), NOVELTY_LENGTH_STARTS, power=3)
            from_starts = RESIDUAL_NOVELTY + (1 - RESIDUAL_NOVELTY) * from_starts
            log_new = np.log(_novelty(features, (minima,), NOVELTY_LENGTH_MINIMA, power=2) * from_starts)
            if not targets_low_energy:
                return log_new
            below = self._highest_low_energy - self._energy_model(features)
            return log_new + log_ndtr(below / PREDICTION_ERROR)

        return log_probability


def _novelty(
    features: np.ndarray, known_sets: Iterable[np.ndarray], length: float, power: int
) -> Float[np.ndarray, "n"]:
    """Return 1 - exp(-(distance / length)^power), with the distance to the nearest known point."""
    nearest = [(features @ known.T).max(axis=1) for known in known_sets if len(known)]
    if not nearest:
        return np.ones(len(features))
    distance = np.maximum(features.shape[1] / 2 - np.max(nearest, axis=0), _MIN_DISTANCE)
    return -np.expm1(-((distance / length) ** power))
