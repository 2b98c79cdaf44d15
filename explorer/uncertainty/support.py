"""Support of the training data in the space of atomic features, and distances of atoms from it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from explorer.dataset.farthest_points import farthest_points

SUPPORT_ATOMS_PER_ELEMENT = 256  # not tuned
_MIN_RELATIVE_SCALE = 1e-3  # smallest scale of a feature relative to the largest one: constant features do not count


class Cloud(NamedTuple):
    """Selected training atoms of one element. The field names are the keys of `support.safetensors`."""

    points: Float[np.ndarray, "k F"]  # features relative to the mean, in units of the scale
    mean: Float[np.ndarray, "F"]  # of each feature over the training atoms
    scale: Float[np.ndarray, "F"]  # standard deviation of each feature over the training atoms


def feature_scale(features: Float[np.ndarray, "n F"]) -> Float[np.ndarray, "F"]:
    """Return the standard deviation of each feature; small ones are raised, so that constant features do not count.

    Args:
        features: Features, one sample in each row.
    """
    scale = features.std(axis=0)
    return np.maximum(scale, _MIN_RELATIVE_SCALE * max(scale.max(), 1e-12))


class Support:
    """A small set of training atoms for each element.

    Args:
        clouds: Selected atoms by atomic number.
    """

    def __init__(self, clouds: dict[int, Cloud]):
        self.clouds = clouds

    @classmethod
    def of(cls, numbers: Int[np.ndarray, "n"], features: Float[np.ndarray, "n F"], seed: int = 0) -> "Support":
        """Select atoms of each element by farthest-point sampling.

        Args:
            numbers: Atomic numbers of training atoms.
            features: Invariant features of these atoms.
            seed: Seed of the first atom of each element.
        """
        clouds = {}
        for number in np.unique(numbers).tolist():
            element_features = features[numbers == number].astype(float)
            mean, scale = element_features.mean(axis=0), feature_scale(element_features)
            scaled = (element_features - mean) / scale
            selected = farthest_points(scaled, SUPPORT_ATOMS_PER_ELEMENT, np.random.default_rng([seed, number]))
            clouds[number] = Cloud(scaled[selected], mean, scale)
        return cls(clouds)

    def distances(
        self, numbers: Int[np.ndarray, "N"], features: Float[np.ndarray, "B N F"]
    ) -> Float[np.ndarray, "B N"]:
        """Return the distance of each atom to the nearest selected atom of its element.

        d_i = min_r √(1/F Σ_f ((x_if - r_f) / s_f)²) in standard deviations s_f of the features; infinite for an element
        without training atoms.

        Args:
            numbers: Atomic numbers of one molecule.
            features: Features x of its atoms in each structure.
        """
        result = np.full(features.shape[:2], np.inf)
        for number in np.unique(numbers).tolist():
            if number not in self.clouds:
                continue
            cloud, atoms = self.clouds[number], np.flatnonzero(numbers == number)
            scaled = (features[:, atoms].reshape(-1, features.shape[-1]) - cloud.mean) / cloud.scale
            nearest = cdist(scaled, cloud.points).min(axis=1) / np.sqrt(features.shape[-1])
            result[:, atoms] = nearest.reshape(len(features), len(atoms))
        return result
