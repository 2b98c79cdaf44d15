"""Where to jump: the chance that a new minimum lies there, and that it is a low one."""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr

from explorer.strategy.energy_model import TorsionGaussianProcess
from explorer.strategy.growing_array import GrowingArray

# Σ 1 - cos f(τ - τ') to the nearest minimum, and to where a relaxation began, at which two of three end elsewhere
UNLIKE_MINIMUM, UNLIKE_TRIED = 0.28, 2.8
ANYHOW = 0.02  # share of those that end elsewhere although they begin where another one began
WINDOW = 0.13  # eV above the lowest minimum; what is below counts as low
DOUBT = 0.1  # eV, of a guess

LogProbability = Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n"]]


class AcquisitionFunction:
    """What is known of the torsions of a molecule: its minima, and where jumps have led from.

    A jump to torsions τ finds something new with the chance (1 - exp(-(ν / 0.28)²)) (1 - 0.98 exp(-(μ / 2.8)³)), where
    ν is Σ 1 - cos f(τ - τ') to the nearest minimum and μ that to the nearest start of a relaxation, since that has
    ended in a minimum already; and something below E0 + 0.13 eV, E0 the lowest minimum, with the chance
    Φ((E0 + 0.13 eV - E(τ)) / 0.1 eV), E(τ) a guess.

    The numbers are near the most likely ones for 6,600 jumps of Trp-Gly: whether a jump finds a new low minimum
    depends on μ alone, for such a minimum is often one turn of some 60° away from another one (ν = 0.4); of 430 jumps
    with μ < 1 whose guess was low 2 found one, of 1150 with a larger μ 40.

    Args:
        n_features: cosine and sine of each torsion.
    """

    def __init__(self, n_features: int):
        nothing = np.empty((0, n_features), np.float32)
        self._minima, self._energies = GrowingArray(nothing), GrowingArray(np.empty(0))
        self._tried = GrowingArray(nothing)
        self._ended, self._ends = (
            GrowingArray(nothing),
            GrowingArray(np.empty(0)),
        )  # those of them that are known to end, and where
        self._energy_model = TorsionGaussianProcess()

    def add_minima(self, features: Float[np.ndarray, "n d"], energies: Float[np.ndarray, "n"]) -> None:
        """Take in minima, energies in eV, in order of discovery."""
        self._minima.add(features)
        self._energies.add(energies)

    def add_starts(self, features: Float[np.ndarray, "n d"], energies: Float[np.ndarray, "n"]) -> None:
        """Take in where relaxations of jumps began: they would end where they ended before.

        Args:
            features: where they began.
            energies: where they ended, eV; NaN for those that did not converge.
        """
        ended = np.isfinite(energies)
        self._tried.add(features)
        self._ended.add(features[ended])
        self._ends.add(energies[ended])

    @property
    def energies(self) -> Float[np.ndarray, "n"]:
        """Of the minima, eV, in order of discovery."""
        return self._energies.rows

    def is_low(self, energy: float) -> bool:
        """Whether a minimum of this energy, eV, is a low one."""
        return energy <= self._highest

    @property
    def _highest(self) -> float:
        return self.energies.min(initial=np.inf) + WINDOW

    def log_probability(self, under_way: Float[np.ndarray, "w d"], is_deep: bool) -> LogProbability:
        """A function of features: the logarithm of the chance that a jump there is of use.

        Args:
            under_way: features of jumps that have not ended.
            is_deep: whether only low minima are of use.
        """
        if is_deep:
            self._energy_model.fit((self._minima.rows, self.energies), (self._ended.rows, self._ends.rows))
        minima, tried = self._minima.rows, self._tried.rows

        def chance(features: np.ndarray) -> np.ndarray:
            elsewhere = ANYHOW + (1 - ANYHOW) * _unlike(features, (tried, under_way), UNLIKE_TRIED, power=3)
            of_new = np.log(_unlike(features, (minima,), UNLIKE_MINIMUM, power=2) * elsewhere)
            return of_new + log_ndtr((self._highest - self._energy_model(features)) / DOUBT) if is_deep else of_new

        return chance


def _unlike(features: np.ndarray, known: Iterable[np.ndarray], length: float, power: int) -> Float[np.ndarray, "n"]:
    """The chance that something else is reached than from the nearest of what is known."""
    nearest = [(features @ some.T).max(axis=1) for some in known if len(some)]
    if not nearest:
        return np.ones(len(features))
    distance = np.maximum(features.shape[1] / 2 - np.max(nearest, axis=0), 1e-4)
    return -np.expm1(-((distance / length) ** power))
