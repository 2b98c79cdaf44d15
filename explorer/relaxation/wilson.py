"""Values of internal coordinates and their analytic derivatives (Wilson's B matrix); autodiff costs ten times more."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.relaxation.coordinates import Coordinates

_MIN_SINE = 1e-2  # lower bound of sines, so that derivatives of straight angles stay finite; not tuned


def _dot(a: Float[Array, "n 3"], b: Float[Array, "n 3"]) -> Float[Array, "n 1"]:
    return jnp.sum(a * b, axis=-1, keepdims=True)


def _units(coordinates, positions, atoms):
    """Unit vectors from the middle atom j of i-j-k to both ends, and the two distances."""
    i, j, k = atoms.T
    u, v = positions[i] - positions[j], positions[k] - positions[j]
    a, b = jnp.sqrt(_dot(u, u)), jnp.sqrt(_dot(v, v))
    return u / a, v / b, a, b


def internal_values(coordinates: Coordinates, positions: Float[Array, "N 3"]) -> Float[Array, "M"]:
    """Compute all internal coordinates: Å for distances and anchors, rad for angles, pure numbers for linear bends.

    A linear bend i-j-k is the vector sum of the unit vectors from j to i and from j to k. It is zero for a straight
    angle, and its length is the deviation from it in rad. It rotates with the molecule, but near zero this is an
    effect of second order.

    Args:
        coordinates: Internal coordinates of the molecule.
        positions: Å.
    """
    i, j = coordinates.distances.T
    u, v, _, _ = _units(coordinates, positions, coordinates.angles)
    angles = jnp.arctan2(jnp.linalg.norm(jnp.cross(u, v), axis=-1), jnp.sum(u * v, axis=-1))
    p, q, _, _ = _units(coordinates, positions, coordinates.linear)
    f, g, h = _legs(coordinates, positions)
    a, b = jnp.cross(f, g), jnp.cross(h, g)
    sine = jnp.sum(jnp.cross(b, a) * g, axis=-1) / jnp.linalg.norm(g, axis=-1)
    dihedrals = jnp.arctan2(sine, jnp.sum(a * b, axis=-1))
    distances, anchors = jnp.linalg.norm(positions[i] - positions[j], axis=-1), positions[coordinates.anchors]
    return jnp.concatenate([distances, angles, (p + q).reshape(-1), anchors.reshape(-1), dihedrals])


def internal_difference(coordinates: Coordinates, new: Float[Array, "M"], old: Float[Array, "M"]) -> Float[Array, "M"]:
    """Compute new - old, with differences of dihedrals wrapped into (-π, π]."""
    difference = new - old
    n = len(coordinates.stiffness) - coordinates.n_dihedrals
    n_turns = jnp.round(difference[n:] / (2 * jnp.pi))
    return difference.at[n:].add(-2 * jnp.pi * n_turns)


def _legs(coordinates, positions):
    i, j, k, m = coordinates.dihedrals.T
    return positions[i] - positions[j], positions[j] - positions[k], positions[m] - positions[k]


def straightness(coordinates: Coordinates, positions: Float[Array, "N 3"]) -> Float[Array, ""]:
    """Compute the largest of -cos θ over all angles and of |cos θ| over angles inside dihedrals; 1 if one is straight.

    Args:
        coordinates: Internal coordinates of the molecule.
        positions: Å.
    """
    u, v, _, _ = _units(coordinates, positions, coordinates.angles)
    f, g, h = _legs(coordinates, positions)
    inside = [_dot(a, g) / jnp.sqrt(_dot(a, a) * _dot(g, g)) for a in (f, h)]
    return jnp.max(jnp.concatenate([-_dot(u, v), *map(jnp.abs, inside)]), initial=-1.0)


def b_matrix(coordinates: Coordinates, positions: Float[Array, "N 3"]) -> Float[Array, "M 3N"]:
    """Compute B = ∂q/∂x as a dense matrix with the columns x, y, z of atom 0, then of atom 1, ...

    Source: Wilson, Decius & Cross, Molecular Vibrations (1955); dihedrals by Blondel & Karplus,
    J. Comput. Chem. 17, 1132 (1996), doi:10.1002/(SICI)1096-987X(19960715)17:9<1132::AID-JCC5>3.0.CO;2-T.
    """
    parts = [
        _place(_distance_rows(coordinates, positions), coordinates.distances, coordinates.n_atoms),
        _place(_angle_rows(coordinates, positions), coordinates.angles, coordinates.n_atoms),
        _place(_linear_rows(coordinates, positions), np.repeat(coordinates.linear, 3, axis=0), coordinates.n_atoms),
        _place(_anchor_rows(coordinates, positions), np.repeat(coordinates.anchors, 3)[:, None], coordinates.n_atoms),
        _place(_dihedral_rows(coordinates, positions), coordinates.dihedrals, coordinates.n_atoms),
    ]
    return jnp.concatenate(parts, axis=0)


def _place(rows: Float[Array, "n width 3"], atoms: np.ndarray, n_atoms: int) -> Float[Array, "n 3N"]:
    """Derivatives with respect to the atoms of each coordinate, placed into the columns of all atoms."""
    zeros = jnp.zeros((len(atoms), n_atoms, 3), rows.dtype)
    placed = zeros.at[np.arange(len(atoms))[:, None], atoms].set(rows, unique_indices=True)
    return placed.reshape(len(atoms), 3 * n_atoms)


def _distance_rows(coordinates, positions):
    i, j = coordinates.distances.T
    u = positions[i] - positions[j]
    u = u / jnp.sqrt(_dot(u, u))
    return jnp.stack([u, -u], axis=1)


def _angle_rows(coordinates, positions):
    u, v, a, b = _units(coordinates, positions, coordinates.angles)
    cosine = _dot(u, v)
    sine = jnp.maximum(jnp.sqrt(jnp.maximum(1 - cosine**2, 0)), _MIN_SINE)
    at_i, at_k = (cosine * u - v) / (a * sine), (cosine * v - u) / (b * sine)
    return jnp.stack([at_i, -at_i - at_k, at_k], axis=1)


def _linear_rows(coordinates, positions):
    u, v, a, b = _units(coordinates, positions, coordinates.linear)
    across_u = (jnp.eye(3, dtype=u.dtype) - u[:, :, None] * u[:, None, :]) / a[:, :, None]
    across_v = (jnp.eye(3, dtype=u.dtype) - v[:, :, None] * v[:, None, :]) / b[:, :, None]
    return jnp.stack([across_u, -across_u - across_v, across_v], axis=2).reshape(-1, 3, 3)


def _anchor_rows(coordinates, positions):
    axes = jnp.eye(3, dtype=positions.dtype)
    return jnp.tile(axes, (len(coordinates.anchors), 1))[:, None, :]


def _dihedral_rows(coordinates, positions):
    f, g, h = _legs(coordinates, positions)
    length = jnp.sqrt(_dot(g, g))
    a, b = jnp.cross(f, g), jnp.cross(h, g)
    smallest = _MIN_SINE**2 * length**2
    a = a / jnp.maximum(_dot(a, a), smallest * _dot(f, f))
    b = b / jnp.maximum(_dot(b, b), smallest * _dot(h, h))
    twist = _dot(f, g) / length * a - _dot(h, g) / length * b
    return jnp.stack([-length * a, length * a + twist, -length * b - twist, length * b], axis=1)
