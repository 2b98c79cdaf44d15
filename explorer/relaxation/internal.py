"""Chart of redundant internal coordinates with their model Hessian."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from explorer.arrays import AnyArray
from explorer.relaxation.chart import Chart
from explorer.relaxation.coordinates import Coordinates
from explorer.relaxation.wilson import b_matrix, internal_difference, internal_values

jax.tree_util.register_dataclass(
    Coordinates,
    data_fields=["distances", "angles", "linear", "anchors", "dihedrals", "stiffness", "is_atom"],
    meta_fields=[],
)


class InternalFrame(NamedTuple):
    """B = ∂q/∂x and the Cholesky factor of A = Bᵀ D B + R Rᵀ + λ 1, with the six rigid motions R."""

    b: Float[Array, "M 3N"]
    factor: Float[Array, "3N 3N"]


def internal_chart(coordinates: Coordinates) -> Chart:
    """Build the chart of internal coordinates with their model Hessian.

    Args:
        coordinates: Internal coordinates of the molecule.
    """

    def stiff(vector: Float[Array, "M"]) -> Float[Array, "M"]:
        return jnp.asarray(coordinates.stiffness, vector.dtype) * vector

    def frame(positions: Float[Array, "N 3"]) -> InternalFrame:
        b, hessian = model_hessian(coordinates, positions)
        return InternalFrame(b, jax.lax.linalg.cholesky(hessian, symmetrize_input=False))

    n_cartesian = 3 * coordinates.n_atoms
    size = len(coordinates.stiffness)
    return Chart(
        size=size,
        stiffness=jnp.asarray(coordinates.stiffness),
        no_frame=lambda dtype: InternalFrame(
            jnp.zeros((size, n_cartesian), dtype), jnp.zeros((n_cartesian, n_cartesian), dtype)
        ),
        values=lambda at, positions: internal_values(coordinates, positions),
        difference=lambda at, new, old: internal_difference(coordinates, new, old),
        frame=frame,
        gradient=lambda at, gradient: stiff(at.b @ solve(at, gradient)),
        inverse_model_hessian=lambda at, p: at.b @ solve(at, at.b.T @ p),
        pull_back=lambda at, change: solve(at, at.b.T @ stiff(change)),
        push_forward=lambda at, shift: at.b @ shift,
        curved=True,
        scaled=False,
    )


def model_hessian(
    coordinates: Coordinates, positions: Float[AnyArray, "N 3"]
) -> tuple[Float[AnyArray, "M 3N"], Float[AnyArray, "3N 3N"]]:
    """Compute B and A = Bᵀ D B + R Rᵀ + λ 1 of one structure, as arrays of the library of the positions.

    Args:
        coordinates: Internal coordinates of the molecule.
        positions: Positions, Å.
    """
    b = b_matrix(coordinates, positions)
    root = b * coordinates.stiffness.astype(b.dtype)[:, None] ** 0.5
    rigid = rigid_motions(positions, coordinates.is_atom)
    return b, root.T @ root + rigid @ rigid.T + _shift(b.dtype) * np.eye(b.shape[1], dtype=b.dtype)


def rigid_motions(positions: Float[AnyArray, "N 3"], is_atom: Bool[np.ndarray | Array, "N"]) -> Float[AnyArray, "3N 6"]:
    """Compute translations and rotations, of about unit length; internal coordinates have no stiffness along them.

    Args:
        positions: Positions, Å.
        is_atom: False on padding, which does not move.

    Returns:
        Three translations and three rotations as columns, not orthogonal in general.
    """
    xp, n = positions.__array_namespace__(), len(positions)
    weights = is_atom.astype(positions.dtype)[:, None]
    n_atoms = weights.sum()
    centred = weights * (positions - (weights * positions).sum(axis=0) / n_atoms)
    axes = np.eye(3, dtype=positions.dtype)
    shifts = weights[:, None] * axes / n_atoms**0.5
    # row x of atom i holds the displacements along x by rotations about the three axes: ε_xyz r_z
    rotations = xp.stack([xp.cross(axes, centred[:, None, :])[..., x] for x in range(3)], axis=1)
    rotations = rotations / xp.sqrt((centred**2).sum())
    return xp.concatenate([shifts, rotations], axis=-1).reshape(3 * n, 6)


def _shift(dtype: jnp.dtype) -> float:
    """λ, eV/Å²: keeps A positive definite and is far below the softest torsion (0.004 for 42 atoms)."""
    return 1e-4 if dtype == jnp.float32 else 1e-6


def solve(frame: InternalFrame, vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
    """Solve A w = v for w = A⁻¹ v by the Cholesky factor of a frame."""
    return jax.scipy.linalg.cho_solve((frame.factor, True), vector)
