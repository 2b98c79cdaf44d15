"""Coordinates of a saddle search: scaled internal coordinates of molecules, scaled Cartesian ones of clusters."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float

from explorer.relaxation.chart import Chart
from explorer.relaxation.internal import internal_chart, rigid_motions
from explorer.relaxation.lbfgs import cartesian_chart
from explorer.saddles.curvature import MAX_RANK, Curvature

_COLLINEAR = 1e-6  # squared length of a rotation over the largest one, below which atoms are collinear; not tuned
_SAME_AS_MODEL = 1e-9  # difference of an eigenvalue from 1 below which its vector is left out; not tuned


class SaddleCoordinates(struct.PyTreeNode, eq=False):
    """Coordinates q and the stiffness D that scales them to u = D^(1/2) q.

    Attributes:
        internal: Internal coordinates of a molecule; None for Cartesian ones.
        cartesian_stiffness: Mean curvature of the surface, eV/Å²; it scales Cartesian coordinates.
    """

    internal: Any
    cartesian_stiffness: Float[np.ndarray | Array, ""]

    def chart(self, n_atoms: int) -> Chart:
        """Return the chart of the coordinates.

        Args:
            n_atoms: Number of atoms, with padding.
        """
        if self.internal is not None:
            return internal_chart(self.internal)
        stiffness = jnp.full(3 * n_atoms, jnp.asarray(self.cartesian_stiffness))
        return cartesian_chart(None, n_atoms)._replace(
            stiffness=stiffness,
            frame=_rigid_basis,
            no_frame=lambda dtype: jnp.zeros((3 * n_atoms, 6), dtype),
            pull_back=lambda basis, change: change - basis @ (basis.T @ change),
        )


def _rigid_basis(positions: Float[Array, "N 3"]) -> Float[Array, "3N 6"]:
    """Compute orthonormal translations and rotations, along which a free cluster has no curvature.

    Away from stationary points rotations have a small one, which may be negative: a step must not follow it. A single
    particle feels an outer potential and has none.

    Args:
        positions: Positions, Å.
    """
    n_atoms = len(positions)
    if n_atoms == 1:
        return jnp.zeros((3, 6), positions.dtype)
    motions = rigid_motions(positions, np.ones(n_atoms, bool))
    squares: Array
    vectors: Array
    squares, vectors = jnp.linalg.eigh(motions.T @ motions)
    exists = squares > _COLLINEAR * jnp.max(squares)
    return motions @ (vectors * jnp.where(exists, 1 / jnp.sqrt(jnp.where(exists, squares, 1)), 0))


def hessian_in_u(
    hessian: Float[np.ndarray, "3N 3N"], positions: Float[np.ndarray, "N 3"], stiffness: float
) -> Curvature:
    """Return a Cartesian Hessian in scaled coordinates, without rigid motions, as arrays of NumPy.

    Args:
        hessian: eV/Å².
        positions: Positions, Å.
        stiffness: Stiffness that scales the coordinates, eV/Å².
    """
    basis = np.asarray(_rigid_basis(jnp.asarray(positions)))
    inside = np.eye(len(basis)) - basis @ basis.T
    values, vectors = np.linalg.eigh(inside @ (hessian / stiffness - np.eye(len(basis))) @ inside)
    kept = np.argsort(-np.abs(values))[:MAX_RANK]
    is_kept = np.abs(values[kept]) > _SAME_AS_MODEL
    return Curvature(np.where(is_kept[:, None], vectors.T[kept], 0), np.where(is_kept, 1 + values[kept], 1))


class Scales:
    """Conversion between q and u = D^(1/2) q; coordinates without stiffness, such as padding, are left out.

    Args:
        chart: Chart of the coordinates.
        dtype: Type of the numbers.
    """

    def __init__(self, chart: Chart, dtype: jnp.dtype):
        stiffness = jnp.asarray(chart.stiffness, dtype)
        self._root = jnp.sqrt(stiffness)
        self._inverse = jnp.where(stiffness > 0, 1 / jnp.where(stiffness > 0, self._root, 1), 0)

    def step(self, change: Float[Array, "M"]) -> Float[Array, "M"]:
        """Convert a change of q to u."""
        return self._root * change

    def change(self, step: Float[Array, "M"]) -> Float[Array, "M"]:
        """Convert a step in u to q."""
        return self._inverse * step

    def gradient(self, gradient: Float[Array, "M"]) -> Float[Array, "M"]:
        """Convert ∂E/∂q to ∂E/∂u."""
        return self._inverse * gradient
