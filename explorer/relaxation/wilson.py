"""Values of internal coordinates and their analytic derivatives (Wilson's B matrix); autodiff costs ten times more.

All functions take arrays of NumPy or of JAX, with any number of leading axes, and return arrays of the same library.
"""

from typing import Any

import numpy as np
from jaxtyping import Array, Float

from explorer.arrays import AnyArray
from explorer.relaxation.coordinates import Coordinates

_MIN_SINE = 1e-2  # lower bound of sines, so that derivatives of straight angles stay finite; not tuned


def internal_values(coordinates: Coordinates, positions: Float[AnyArray, "*B N 3"]) -> Float[AnyArray, "*B M"]:
    """Compute all internal coordinates: Å for distances and anchors, rad for angles, pure numbers for linear bends.

    A linear bend i-j-k is the vector sum of the unit vectors from j to i and from j to k. It is zero for a straight
    angle, and its length is the deviation from it in rad. It rotates with the molecule, but near zero this is an
    effect of second order.

    Args:
        coordinates: Internal coordinates of the molecule.
        positions: Positions, Å.
    """
    xp = positions.__array_namespace__()
    i, j = _of_atoms(positions, coordinates.distances)
    u, v, _, _ = _units(positions, coordinates.angles)
    p, q, _, _ = _units(positions, coordinates.linear)
    (anchors,) = _of_atoms(positions, coordinates.anchors[:, None])
    _, g, h, a, b = _dihedral_vectors(positions, coordinates)
    leading = positions.shape[:-2]
    parts = [
        _length(i - j)[..., 0],
        xp.arctan2(_length(xp.cross(u, v)), _dot(u, v))[..., 0],
        (p + q).reshape(*leading, 3 * len(coordinates.linear)),
        anchors.reshape(*leading, 3 * len(coordinates.anchors)),
        # (b x a)·g / |g| = |g| h·a is the sine times |a| |b|
        xp.arctan2(_length(g) * _dot(h, a), _dot(a, b))[..., 0],
    ]
    return xp.concatenate(parts, axis=-1)


def internal_difference(
    coordinates: Coordinates, new: Float[AnyArray, "*B M"], old: Float[AnyArray, "*B M"]
) -> Float[AnyArray, "*B M"]:
    """Compute new - old, with differences of dihedrals wrapped into (-π, π]."""
    xp = new.__array_namespace__()
    difference = new - old
    is_dihedral = np.arange(len(coordinates.stiffness)) >= len(coordinates.stiffness) - coordinates.n_dihedrals
    turns = 2 * np.pi * is_dihedral.astype(difference.dtype)
    return difference - turns * xp.round(difference / (2 * np.pi))


def straightness(coordinates: Coordinates, positions: Float[Array, "N 3"]) -> Float[Array, ""]:
    """Compute the largest of -cos θ over all angles and of |cos θ| over angles inside dihedrals; 1 if one is straight.

    Args:
        coordinates: Internal coordinates of the molecule.
        positions: Positions, Å.
    """
    xp = positions.__array_namespace__()
    u, v, _, _ = _units(positions, coordinates.angles)
    f, g, h, _, _ = _dihedral_vectors(positions, coordinates)
    inside = [xp.abs(_dot(leg, g)) / (_length(leg) * _length(g)) for leg in (f, h)]
    return xp.max(xp.concatenate([-_dot(u, v), *inside]), initial=-1.0)


def b_matrix(coordinates: Coordinates, positions: Float[AnyArray, "*B N 3"]) -> Float[AnyArray, "*B M 3N"]:
    """Compute B = ∂q/∂x as a dense matrix with the columns x, y, z of atom 0, then of atom 1, ...

    Source: Wilson, Decius & Cross, Molecular Vibrations (1955); dihedrals by Blondel & Karplus,
    J. Comput. Chem. 17, 1132 (1996), doi:10.1002/(SICI)1096-987X(19960715)17:9<1132::AID-JCC5>3.0.CO;2-T.
    """
    xp, n_atoms = positions.__array_namespace__(), coordinates.n_atoms
    parts = [
        (coordinates.distances, _distance_rows(coordinates, positions)),
        (coordinates.angles, _angle_rows(coordinates, positions)),
        (xp.repeat(coordinates.linear, 3, axis=0), _linear_rows(coordinates, positions)),
        (xp.repeat(coordinates.anchors, 3)[:, None], _anchor_rows(coordinates, positions)),
        (coordinates.dihedrals, _dihedral_rows(coordinates, positions)),
    ]
    return xp.concatenate([_placed(atoms, rows, n_atoms) for atoms, rows in parts if len(atoms)], axis=-2)


def _placed(atoms: Any, rows: list[Float[Array, "*B n 3"]], n_atoms: int) -> Float[Array, "*B n 3N"]:
    """Place the derivatives with respect to the atoms of each coordinate into the columns of all atoms."""
    # a sum of products is one fused loop; a scatter is a loop over its elements
    is_atom = atoms[:, :, None] == np.arange(n_atoms)
    placed = sum(is_atom[:, k, :, None] * row[..., None, :] for k, row in enumerate(rows))
    return placed.reshape(*placed.shape[:-2], 3 * n_atoms)  # type: ignore[union-attr]  # there are rows


def _distance_rows(coordinates: Coordinates, positions: Any) -> list[Any]:
    i, j = _of_atoms(positions, coordinates.distances)
    u = (i - j) / _length(i - j)
    return [u, -u]


def _angle_rows(coordinates: Coordinates, positions: Any) -> list[Any]:
    xp = positions.__array_namespace__()
    u, v, a, b = _units(positions, coordinates.angles)
    cosine = _dot(u, v)
    sine = xp.maximum(xp.sqrt(xp.maximum(1 - cosine**2, 0)), _MIN_SINE)
    at_i, at_k = (cosine * u - v) / (a * sine), (cosine * v - u) / (b * sine)
    return [at_i, -at_i - at_k, at_k]


def _linear_rows(coordinates: Coordinates, positions: Any) -> list[Any]:
    u, v, a, b = _units(positions, coordinates.linear)
    unit = np.eye(3, dtype=positions.dtype)
    across_u = (unit - u[..., :, None] * u[..., None, :]) / a[..., None]
    across_v = (unit - v[..., :, None] * v[..., None, :]) / b[..., None]
    shape = (*positions.shape[:-2], 3 * len(coordinates.linear), 3)
    return [rows.reshape(shape) for rows in (across_u, -across_u - across_v, across_v)]


def _anchor_rows(coordinates: Coordinates, positions: Any) -> list[Any]:
    xp = positions.__array_namespace__()
    axes = np.tile(np.eye(3, dtype=positions.dtype), (len(coordinates.anchors), 1))
    return [xp.broadcast_to(axes, (*positions.shape[:-2], *axes.shape))]


def _dihedral_rows(coordinates: Coordinates, positions: Any) -> list[Any]:
    xp = positions.__array_namespace__()
    f, g, h, a, b = _dihedral_vectors(positions, coordinates)
    length = _length(g)
    smallest = _MIN_SINE**2 * length**2
    a = a / xp.maximum(_dot(a, a), smallest * _dot(f, f))
    b = b / xp.maximum(_dot(b, b), smallest * _dot(h, h))
    twist = _dot(f, g) / length * a - _dot(h, g) / length * b
    return [-length * a, length * a + twist, -length * b - twist, length * b]


def _of_atoms(positions: Any, atoms: Any) -> list[Any]:
    """Return the positions of the first atom of each coordinate, of the second, and so on."""
    if isinstance(positions, np.ndarray):
        return [positions[..., column, :] for column in atoms.T]
    return [positions.at[..., column, :].get(mode="promise_in_bounds") for column in atoms.T]


def _units(positions: Any, atoms: Any) -> tuple[Any, Any, Any, Any]:
    """Return the unit vectors from the middle atom j of i-j-k to both ends, and the two distances."""
    i, j, k = _of_atoms(positions, atoms)
    a, b = _length(i - j), _length(k - j)
    return (i - j) / a, (k - j) / b, a, b


def _dihedral_vectors(positions: Any, coordinates: Coordinates) -> tuple[Any, Any, Any, Any, Any]:
    """Return f = i - j, g = j - k, h = m - k, and the normals f x g and h x g of each dihedral i-j-k-m."""
    xp = positions.__array_namespace__()
    i, j, k, m = _of_atoms(positions, coordinates.dihedrals)
    f, g, h = i - j, j - k, m - k
    return f, g, h, xp.cross(f, g), xp.cross(h, g)


def _dot(a: Any, b: Any) -> Any:
    return (a * b).sum(axis=-1, keepdims=True)


def _length(a: Any) -> Any:
    return a.__array_namespace__().sqrt(_dot(a, a))
