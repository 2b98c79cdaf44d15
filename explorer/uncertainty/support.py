"""Where the training data are in the space of atomic features, and how far from them an atom is."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist

from explorer.dataset.farthest_points import farthest_points

PER_ELEMENT = 256  # atoms that stand for all of an element
NARROWEST = 1e-3  # times the widest standard deviation: a feature that hardly varies tells no distance


class Cloud(NamedTuple):
    """Atoms of one element, farthest from each other."""

    points: Float[np.ndarray, "k F"]  # from the mean, in units of the scale
    mean: Float[np.ndarray, "F"]  # of each feature in the training data
    scale: Float[np.ndarray, "F"]  # its standard deviation there


class Support:
    """A small set of training atoms for each element.

    Args:
        clouds: by atomic number.
    """

    def __init__(self, clouds: dict[int, Cloud]):
        self.clouds = clouds

    @classmethod
    def of(cls, numbers: Int[np.ndarray, "n"], features: Float[np.ndarray, "n F"], seed: int = 0) -> "Support":
        """Choose atoms by farthest-point sampling, those of each element apart.

        Args:
            numbers: atomic numbers of training atoms.
            features: their invariant features.
            seed: of the first atom of each element.
        """
        clouds = {}
        for number in np.unique(numbers).tolist():
            of_element = features[numbers == number].astype(float)
            mean, scale = of_element.mean(axis=0), of_element.std(axis=0)
            scale = np.maximum(scale, NARROWEST * max(scale.max(), 1e-12))
            scaled = (of_element - mean) / scale
            chosen = farthest_points(scaled, PER_ELEMENT, np.random.default_rng([seed, number]))
            clouds[number] = Cloud(scaled[chosen], mean, scale)
        return cls(clouds)

    def distances(
        self, numbers: Int[np.ndarray, "N"], features: Float[np.ndarray, "B N F"]
    ) -> Float[np.ndarray, "B N"]:
        """Distance of each atom to the nearest training atom of its element, in standard deviations of a feature.

        d_i = min_r √(1/F Σ_f ((x_if - r_f) / s_f)²); infinite for an element without training atoms.

        Args:
            numbers: atomic numbers of one molecule.
            features: of its atoms in many structures.
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
