"""Gaussian process over torsions that predicts the energy where a relaxation ends."""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve

KERNEL_LENGTH = 5.0  # in units of Σ (1 - cos f(τ - τ')) over torsions; evidence in the class below
ENERGY_NOISE = 0.1  # eV, standard deviation of the part of the energy that torsions do not determine; not tuned
MIN_ENERGY_SPREAD = 0.05  # eV, floor of the standard deviation σ of the energies; not tuned
MAX_TRAINING_ENERGIES = 1500  # energies of the fit, whose cost grows with their cube; evidence in the class below
REFIT_GROWTH = 1.1  # factor by which the number of energies must grow before the next fit; not tuned

# features and energies (eV) in order of discovery
TrainingSet = tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n"]]


class TorsionGaussianProcess:
    """Predict the energy where a relaxation ends from the torsions where it starts.

    It is trained on the energies of minima and of finished relaxations. The energies are modelled as a Gaussian process
    with noise and with covariance

        σ² exp(-Σ (1 - cos f(τ - τ')) / 5)

    over torsions τ of symmetry number f. Trained on minima alone, the correlation of prediction and outcome is 0.60
    to 0.65 for Trp-Gly and 0.7 to 0.75 for Gly-Gly-Phe. Trained on the starts of jumps as well, it is 0.7 to 0.75
    and 0.8. Separate lengths for each torsion, fitted by likelihood, make it worse.

    If there are more than 1500 energies, half of those used are the lowest ones and half are drawn evenly from all
    others. For 1075 jumps of Ac-Phe-Gly-Gly-NHMe among some 3000 energies, the correlation of prediction and outcome
    is then 0.76. It is 0.77 with all 3000 energies, and 0.52 with the 1500 lowest ones, since then no training
    energy shows how high the others are.

    Source: Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), ISBN 026218253X, chapter 2.
    """

    def __init__(self):
        self._n_fitted: list[int] = []
        self._features = np.empty((0, 0))
        self._weights = np.empty(0)
        self._mean = 0.0

    def fit(self, *training_sets: TrainingSet) -> None:
        """Fit to energies if one of the sets has grown by a tenth since the last fit.

        Of each set, only a number of first energies is used that depends on its size alone. So the prediction does
        not depend on how often it was asked for, and a resumed run makes the same choices.

        Args:
            training_sets: Sets of features and energies (eV). Features are cos fτ and sin fτ of all torsions.
        """
        sizes = [_last_size(len(energies)) for _, energies in training_sets]
        if not sum(sizes) or sizes == self._n_fitted:
            return
        self._n_fitted = sizes
        features, energies = (
            np.concatenate([part[:n] for part, n in zip(parts, sizes, strict=True)])
            for parts in zip(*training_sets, strict=True)
        )
        chosen = _representative(energies)
        features, energies = features[chosen], energies[chosen]
        self._features = features / KERNEL_LENGTH
        self._mean, spread = energies.mean(), max(energies.std(), MIN_ENERGY_SPREAD)
        # covariance of equal torsions before scaling: the constant is divided out afterwards, once per matrix, so that
        # each of the many pairs costs an exponential and nothing else
        peak = math.exp(features.shape[1] / 2 / KERNEL_LENGTH)
        covariance = self._unscaled_covariance(features)
        covariance /= peak
        covariance[np.diag_indices_from(covariance)] += (ENERGY_NOISE / spread) ** 2
        # the noise keeps it well-conditioned, so that the float32 of the features is enough
        deviations = (energies - self._mean).astype(covariance.dtype)
        # LAPACK works in place on columns: the transpose, which is the same matrix
        factor = cho_factor(covariance.T, overwrite_a=True, check_finite=False)
        self._weights = cho_solve(factor, deviations, check_finite=False) / peak

    def __call__(self, features: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m"]:
        """Predict energies, eV; 0 before the first fit.

        Args:
            features: cos fτ and sin fτ of all torsions of each start.
        """
        if not len(self._weights):
            return np.zeros(len(features))
        return self._mean + self._unscaled_covariance(features) @ self._weights

    def _unscaled_covariance(self, features: np.ndarray) -> np.ndarray:
        """Return exp(Σ cos f(τ - τ') / 5) of every pair of given and fitted features."""
        products = features @ self._features.T
        return np.exp(products, out=products)


def _representative(energies: Float[np.ndarray, "n"]) -> Int[np.ndarray, "k"]:
    """Return the ascending indices of the lowest energies and of a sample spread evenly over all others."""
    order = np.argsort(energies, kind="stable")
    if len(order) > MAX_TRAINING_ENERGIES:
        n_lowest = MAX_TRAINING_ENERGIES // 2
        lowest, others = order[:n_lowest], order[n_lowest:]
        even = np.linspace(0, len(others) - 1, MAX_TRAINING_ENERGIES - n_lowest).astype(int)
        order = np.concatenate([lowest, others[even]])
    return np.sort(order)


def _last_size(n: int) -> int:
    """Return the largest number not above n of the series 1, 2, 3, … that grows by a tenth."""
    size = 0
    while (larger := max(size + 1, int(size * REFIT_GROWTH))) <= n:
        size = larger
    return size
