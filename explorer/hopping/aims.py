"""Where to jump: the chance that a new minimum lies there, and that it is a low one."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr

from explorer.hopping.guess import Guess

UNLIKE = 0.2  # Σ 1 - cos f(τ - τ') to the nearest minimum at which two of three jumps end elsewhere
MANY, LOSS = 2.0, 2.5  # so many relaxations that began near by make something new 2^-2.5 times as likely
COUNTED = 3000  # of these are looked at, each for as many as it takes
WINDOW = 0.13  # eV above the lowest minimum; what is below counts as low
DOUBT = 0.12  # eV, of a guess

Chances = Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n"]]


class Aims:
    """What is known of the torsions of a molecule: its minima, and where jumps have led from.

    A jump to torsions τ finds something new with the chance (1 + n / 2)^-2.5 (1 - exp(-(ν / 0.2)²)), where n is the
    number of relaxations that began near by, each with the weight exp(-Σ 1 - cos f(τ - τ')), and ν is
    Σ 1 - cos f(τ - τ') to the nearest minimum; and something below E0 + 0.13 eV, E0 the lowest minimum, with the chance
    Φ((E0 + 0.13 eV - E(τ)) / 0.12 eV), E(τ) a guess.

    The numbers are near the most likely ones for 9,700 jumps of Trp-Gly. How many began near by tells more than how
    near the nearest one began: of the fifth of late jumps with the largest chance 7 % found a new low minimum instead
    of 5.5 %, of all of them 3 %.

    Args:
        n_features: cosine and sine of each torsion.
    """

    def __init__(self, n_features: int):
        self._minima = np.empty((0, n_features), np.float32)
        self.energies = np.empty(0)  # of the minima, eV, in order of discovery
        self._tried = np.empty((0, n_features), np.float32)
        self._ended = np.empty((0, n_features), np.float32)  # those of them that are known to end at
        self._ends = np.empty(0)  # eV
        self._guess = Guess()

    def learn(self, features: Float[np.ndarray, "n d"], energies: Float[np.ndarray, "n"]) -> None:
        """Take in minima, energies in eV, in order of discovery."""
        self._minima = np.concatenate([self._minima, features.astype(np.float32)])
        self.energies = np.concatenate([self.energies, energies])

    def try_elsewhere(self, features: Float[np.ndarray, "n d"], energies: Float[np.ndarray, "n"]) -> None:
        """Take in where relaxations of jumps began: they would end where they ended before.

        Args:
            features: where they began.
            energies: where they ended, eV; NaN for those that did not converge.
        """
        ended = np.isfinite(energies)
        self._tried = np.concatenate([self._tried, features.astype(np.float32)])
        self._ended = np.concatenate([self._ended, features[ended].astype(np.float32)])
        self._ends = np.concatenate([self._ends, energies[ended]])

    def is_low(self, energy: float) -> bool:
        """Whether a minimum of this energy, eV, is a low one."""
        return energy <= self._highest

    @property
    def _highest(self) -> float:
        return self.energies.min(initial=np.inf) + WINDOW

    def chances(self, under_way: Float[np.ndarray, "w d"], is_deep: bool) -> Chances:
        """A function of features: the logarithm of the chance that a jump there is of use.

        Args:
            under_way: features of jumps that have not ended.
            is_deep: whether only low minima are of use.
        """
        if is_deep:
            self._guess.fit((self._minima, self.energies), (self._ended, self._ends))
        stands_for = -(-len(self._tried) // COUNTED) or 1
        tried = self._tried[stands_for - 1 :: stands_for]

        def chance(features: np.ndarray) -> np.ndarray:
            n = stands_for * _near(features, tried) + _near(features, under_way)
            of_new = np.log(_unlike(features, self._minima)) - LOSS * np.log1p(n / MANY)
            return of_new + log_ndtr((self._highest - self._guess(features)) / DOUBT) if is_deep else of_new

        return chance


def _near(features: np.ndarray, others: np.ndarray) -> Float[np.ndarray, "n"]:
    """Of how many others each is in the vicinity."""
    logarithms = features @ others.T
    logarithms -= features.shape[1] / 2
    return np.exp(logarithms, out=logarithms).sum(axis=1)


def _unlike(features: np.ndarray, minima: np.ndarray) -> Float[np.ndarray, "n"]:
    """The chance that something else is reached than the nearest minimum."""
    if not len(minima):
        return np.ones(len(features))
    distance = np.maximum(features.shape[1] / 2 - (features @ minima.T).max(axis=1), 1e-4)
    return -np.expm1(-((distance / UNLIKE) ** 2))
