"""Two-dimensional maps of structures by principal components."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Projection:
    """Plane in the space of features. Calling it projects structures onto the plane.

    Attributes:
        centre: Mean features.
        axes: Orthonormal directions of the plane.
        share: Share of the total variance along each direction.
        periodic: Whether the input values are angles.
    """

    centre: Float[np.ndarray, "d"]
    axes: Float[np.ndarray, "2 d"]
    share: tuple[float, float]
    periodic: bool

    def __call__(self, values: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, "n 2"]:
        """Return coordinates on the map, in units of the features.

        Args:
            values: Structures as in `project`: torsions in degrees, or any vectors.
        """
        return (_features(values, self.periodic) - self.centre) @ self.axes.T


def project(*values: Float[np.ndarray, "n ..."], periodic: bool = True) -> Projection:
    """Return the plane that preserves the distances within all given sets together as well as possible.

    It is spanned by the first two principal components, as in classical multidimensional scaling of Euclidean
    distances. Torsions enter by their cosine and sine, so that -180° and 180° coincide. An undefined torsion (NaN) has
    no influence.

    Args:
        values: Sets of structures (minima, training frames) with the same trailing shape: torsions in degrees, or,
            with `periodic=False`, any vectors such as fingerprints.
        periodic: Whether the values are angles.
    """
    features = np.concatenate([_features(one, periodic) for one in values])
    centre = features.mean(axis=0)
    # d is small, so the covariance is cheaper to diagonalise than thousands of rows are to decompose
    variances, directions = np.linalg.eigh(np.cov((features - centre).T, bias=True).reshape(len(centre), -1))
    axes = np.zeros((2, len(centre)))
    axes[: min(2, len(centre))] = directions.T[::-1][:2]
    # an eigenvector's sign is arbitrary; fixing it makes maps comparable between runs
    axes *= np.where(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1) < 0, -1.0, 1.0)
    shares = np.append(np.maximum(variances[::-1], 0), 0.0) / (np.maximum(variances, 0).sum() or 1.0)
    return Projection(centre, axes, (float(shares[0]), float(shares[1])), periodic)


def _features(values: Float[np.ndarray, "n ..."], periodic: bool) -> Float[np.ndarray, "n d"]:
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    if not periodic:
        return values
    radians = np.deg2rad(values)
    return np.nan_to_num(np.concatenate([np.cos(radians), np.sin(radians)], axis=1))
