"""Where to jump: the chance that a new minimum lies there, and that it is a low one."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr

from explorer.hopping.guess import Guess

# Σ 1 - cos f(τ - τ') to the nearest minimum, and to where a relaxation began, at which two of three end elsewhere
UNLIKE_MINIMUM, UNLIKE_TRIED = 0.75, 3.0
WINDOW = 0.13  # eV above the lowest minimum; what is below counts as low
DOUBT = 0.12  # eV, of a guess

Chances = Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n"]]


class Aims:
    """What is known of the torsions of a molecule: its minima, and where jumps have led from.

    A jump to torsions τ finds something new with the chance (1 - exp(-(ν / 0.75)²)) (1 - exp(-(μ / 3)²)), where ν is
    Σ 1 - cos f(τ - τ') to the nearest minimum and μ that to the nearest start of a relaxation, since that has ended in
    a minimum already (the most likely lengths for 700 jumps on Gly-Gly-Phe); and something below E0 + 0.13 eV, E0 the
    lowest minimum, with the chance Φ((E0 + 0.13 eV - E(τ)) / 0.12 eV), E(τ) a guess.

    Args:
        n_features: cosine and sine of each torsion.
    """

    def __init__(self, n_features: int):
        self._minima = np.empty((0, n_features), np.float32)
        self._energies = np.empty(0)
        self._tried = np.empty((0, n_features), np.float32)
        self._guess = Guess()

    def learn(self, features: Float[np.ndarray, "n d"], energies: Float[np.ndarray, "n"]) -> None:
        """Take in minima, energies in eV, in order of discovery."""
        self._minima = np.concatenate([self._minima, features.astype(np.float32)])
        self._energies = np.concatenate([self._energies, energies])

    def try_elsewhere(self, features: Float[np.ndarray, "n d"]) -> None:
        """Take in where relaxations of jumps began: they would end where they ended before."""
        self._tried = np.concatenate([self._tried, features.astype(np.float32)])

    def is_low(self, energy: float) -> bool:
        """Whether a minimum of this energy, eV, is a low one."""
        return energy <= self._highest

    @property
    def _highest(self) -> float:
        return self._energies.min(initial=np.inf) + WINDOW

    def chances(self, under_way: Float[np.ndarray, "w d"], is_deep: bool) -> Chances:
        """A function of features: the logarithm of the chance that a jump there is of use.

        Args:
            under_way: features of jumps that have not ended.
            is_deep: whether only low minima are of use.
        """
        if is_deep:
            self._guess.fit(self._minima, self._energies)
        tried = np.concatenate([self._tried, under_way])

        def chance(features: np.ndarray) -> np.ndarray:
            of_new = _unlike(features, self._minima, UNLIKE_MINIMUM) + _unlike(features, tried, UNLIKE_TRIED)
            return of_new + log_ndtr((self._highest - self._guess(features)) / DOUBT) if is_deep else of_new

        return chance


def _unlike(features: np.ndarray, known: np.ndarray, length: float) -> Float[np.ndarray, "n"]:
    """Logarithm of the chance that something else is reached than from the nearest of what is known."""
    if not len(known):
        return np.zeros(len(features))
    distance = np.maximum(features.shape[1] / 2 - (features @ known.T).max(axis=1), 1e-6)
    return np.log(-np.expm1(-((distance / length) ** 2)))
