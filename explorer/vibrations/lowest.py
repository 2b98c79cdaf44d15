"""Softest vibration of a structure from at most 48 Hessian-vector products instead of 3 N.

Davidson's method is applied to the mass-weighted Hessian. The preconditioner K is the mass-weighted model Hessian A of
the relaxer, which separates stiff bonds from soft torsions. With it a peptide of 22 atoms needs 17 products; without a
preconditioner it needs 59 of 60.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.devices import over_rows
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.internal import InternalFrame, internal_chart, solve
from explorer.system import System
from explorer.vibrations.hessian import hessian_product
from explorer.vibrations.modes import curvature

MAX_PRODUCTS = 48  # products of one structure; a molecule with no more vibrations gets its whole Hessian; not tuned
_N_START_VECTORS = 4  # random start vectors, since a single one could miss a mode by symmetry; not tuned
_RESIDUAL_TOLERANCE = 0.1  # residual over eigenvalue, whose relative error is about the square of this; not tuned
_FLAT_CURVATURE = curvature(10.0)  # eV/Å²/amu, of 10 cm⁻¹; smaller eigenvalues need no smaller residual; not tuned
_UNUSED_EIGENVALUE = 1e6  # eV/Å²/amu, of empty entries of the subspace; far above every vibration


class Lowest(NamedTuple):
    """Lowest eigenpair of a mass-weighted Hessian without rigid motions.

    Attributes:
        eigenvalue: eV/Å²/amu.
        mode: Mass-weighted eigenvector of length 1.
        converged: Whether the residual is below the tolerance.
        n_products: Number of Hessian-vector products.
    """

    eigenvalue: Float[Array, ""]
    mode: Float[Array, "3N"]
    converged: Bool[Array, ""]
    n_products: Int[Array, ""]


class _Subspace(NamedTuple):
    basis: Float[Array, "M 3N"]  # V, orthonormal rows; empty ones are zero
    images: Float[Array, "M 3N"]  # V H
    n_filled: Int[Array, ""]
    eigenvalue: Float[Array, ""]
    mode: Float[Array, "3N"]
    residual: Float[Array, "3N"]


def lowest_modes_fn(molecule: Molecule) -> Callable[..., Lowest]:
    """Build the compiled function (potential, system, positions [B], rigid motions [B]) -> `Lowest` of a molecule.

    Args:
        molecule: Molecule with bonds; its positions may be those of any conformer.

    Source: Davidson, J. Comput. Phys. 17, 87 (1975), doi:10.1016/0021-9991(75)90065-0.
    """
    frame = internal_chart(internal_coordinates(molecule)).frame
    root = np.repeat(np.sqrt(molecule.masses), 3)

    def of_one(potential: Potential, system: System, positions: Float[Array, "N 3"], rigid: Float[Array, "3N 6"]):
        product = hessian_product(potential, system.replace(positions=positions))
        return _davidson(lambda v: product(v / root) / root, partial(_precondition, frame(positions), root), rigid)

    return jax.jit(lambda potential, system, *rows: over_rows(of_one, (potential, system), *rows))


def _precondition(frame: InternalFrame, root: np.ndarray, vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
    """Return K⁻¹ v with K = M^(-1/2) A M^(-1/2)."""
    return jnp.asarray(root) * solve(frame, jnp.asarray(root) * vector)


def _davidson(product: Callable, precondition: Callable, rigid: Float[Array, "3N 6"]) -> Lowest:
    """Expand a subspace by the preconditioned residual of its lowest Ritz vector until this is an eigenvector."""

    def project(vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
        return vector - rigid @ (rigid.T @ vector)

    def unfinished(space: _Subspace) -> Bool[Array, ""]:
        return ~_is_converged(space) & (space.n_filled < MAX_PRODUCTS)

    def expand(space: _Subspace) -> _Subspace:
        k = space.n_filled
        expansion = jnp.where(k < _N_START_VECTORS, noise[jnp.minimum(k, _N_START_VECTORS - 1)], space.residual)
        new = project(precondition(expansion))
        for _ in range(2):  # one Gram-Schmidt pass is not enough in floating point
            new = new - space.basis.T @ (space.basis @ new)
        new = new / jnp.linalg.norm(new)
        return _ritz(space.basis.at[k].set(new), space.images.at[k].set(project(product(new))), k + 1)

    noise = jax.random.normal(jax.random.key(0), (_N_START_VECTORS, len(rigid)), rigid.dtype)
    empty = jnp.zeros((MAX_PRODUCTS, len(rigid)), rigid.dtype)
    space = jax.lax.while_loop(unfinished, expand, _ritz(empty, empty, jnp.asarray(0)))
    return Lowest(space.eigenvalue, space.mode, _is_converged(space), space.n_filled)


def _ritz(basis: Float[Array, "M 3N"], images: Float[Array, "M 3N"], n_filled: Int[Array, ""]) -> _Subspace:
    """Return the lowest eigenpair in the subspace, V H Vᵀ c = θ c, and its residual r = H x - θ x with x = Vᵀ c."""
    unused = jnp.where(jnp.arange(len(basis)) < n_filled, 0.0, _UNUSED_EIGENVALUE)
    values, vectors = jnp.linalg.eigh(basis @ images.T + jnp.diag(unused))
    mode = basis.T @ vectors[:, 0]
    return _Subspace(basis, images, n_filled, values[0], mode, images.T @ vectors[:, 0] - values[0] * mode)


def _is_converged(space: _Subspace) -> Bool[Array, ""]:
    limit = _RESIDUAL_TOLERANCE * jnp.maximum(jnp.abs(space.eigenvalue), _FLAT_CURVATURE)
    return (space.n_filled >= _N_START_VECTORS) & (jnp.linalg.norm(space.residual) <= limit)
