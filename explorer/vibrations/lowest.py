"""Softest vibrations of a structure from at most 48 Hessian-vector products instead of 3 N.

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
# Random start vectors for each mode. With 4, a vibration of -15 cm⁻¹ was missed at one of 588 saddles of Ac-Ala3-NHMe;
# with 6 or 8, none was.
_N_START_VECTORS = 8
_RESIDUAL_TOLERANCE = 0.1  # residual over eigenvalue, whose relative error is about the square of this; not tuned
_FLAT_CURVATURE = curvature(10.0)  # eV/Å²/amu, of 10 cm⁻¹; smaller eigenvalues need no smaller residual; not tuned
_UNUSED_EIGENVALUE = 1e6  # eV/Å²/amu, of empty entries of the subspace; far above every vibration


class Lowest(NamedTuple):
    """Lowest eigenpairs of a mass-weighted Hessian without rigid motions.

    Attributes:
        eigenvalues: Ascending, eV/Å²/amu.
        modes: Mass-weighted eigenvectors of length 1.
        converged: Whether all residuals are below the tolerance.
        n_products: Number of Hessian-vector products.
    """

    eigenvalues: Float[Array, "n"]
    modes: Float[Array, "n 3N"]
    converged: Bool[Array, ""]
    n_products: Int[Array, ""]


class _Subspace(NamedTuple):
    basis: Float[Array, "M 3N"]  # V, orthonormal rows; empty ones are zero
    images: Float[Array, "M 3N"]  # V H
    n_filled: Int[Array, ""]
    eigenvalues: Float[Array, "n"]
    modes: Float[Array, "n 3N"]
    residuals: Float[Array, "n 3N"]


def lowest_modes_fn(molecule: Molecule, n_modes: int = 1) -> Callable[..., Lowest]:
    """Build the compiled function (potential, system, positions [B], rigid motions [B]) -> `Lowest` of a molecule.

    Args:
        molecule: Molecule with bonds; its positions may be those of any conformer.
        n_modes: Number of modes.

    Source: Davidson, J. Comput. Phys. 17, 87 (1975), doi:10.1016/0021-9991(75)90065-0.
    """
    frame = internal_chart(internal_coordinates(molecule)).frame
    root = np.repeat(np.sqrt(molecule.masses), 3)

    def of_one(potential: Potential, system: System, positions: Float[Array, "N 3"], rigid: Float[Array, "3N 6"]):
        product = hessian_product(potential, system.replace(positions=positions))
        precondition = partial(_precondition, frame(positions), root)
        return _davidson(lambda v: product(v / root) / root, precondition, rigid, n_modes)

    return jax.jit(lambda potential, system, *rows: over_rows(of_one, (potential, system), *rows))


def _precondition(frame: InternalFrame, root: np.ndarray, vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
    """Return K⁻¹ v with K = M^(-1/2) A M^(-1/2)."""
    return jnp.asarray(root) * solve(frame, jnp.asarray(root) * vector)


def _davidson(product: Callable, precondition: Callable, rigid: Float[Array, "3N 6"], n_modes: int) -> Lowest:
    """Expand a subspace by preconditioned residuals of its lowest Ritz vectors until these are eigenvectors.

    The residual that is largest in relation to its limit comes next.
    """

    def project(vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
        return vector - rigid @ (rigid.T @ vector)

    def unfinished(space: _Subspace) -> Bool[Array, ""]:
        return ((space.n_filled < n_start) | ~_is_converged(space)) & (space.n_filled < MAX_PRODUCTS)

    def expand(space: _Subspace) -> _Subspace:
        k = space.n_filled
        residual = space.residuals[jnp.argmax(_misses(space))]
        expansion = jnp.where(k < n_start, noise[jnp.minimum(k, n_start - 1)], residual)
        new = project(precondition(expansion))
        for _ in range(2):  # one Gram-Schmidt pass is not enough in floating point
            new = new - space.basis.T @ (space.basis @ new)
        new = new / jnp.linalg.norm(new)
        return _ritz(space.basis.at[k].set(new), space.images.at[k].set(project(product(new))), k + 1, n_modes)

    n_start = n_modes * _N_START_VECTORS
    noise = jax.random.normal(jax.random.key(0), (n_start, len(rigid)), rigid.dtype)
    empty = jnp.zeros((MAX_PRODUCTS, len(rigid)), rigid.dtype)
    space = jax.lax.while_loop(unfinished, expand, _ritz(empty, empty, jnp.asarray(0), n_modes))
    return Lowest(space.eigenvalues, space.modes, _is_converged(space), space.n_filled)


def _ritz(
    basis: Float[Array, "M 3N"], images: Float[Array, "M 3N"], n_filled: Int[Array, ""], n_modes: int
) -> _Subspace:
    """Return the lowest eigenpairs in the subspace, V H Vᵀ c = θ c, and residuals r = H x - θ x with x = Vᵀ c."""
    unused = jnp.where(jnp.arange(len(basis)) < n_filled, 0.0, _UNUSED_EIGENVALUE)
    values, vectors = jnp.linalg.eigh(basis @ images.T + jnp.diag(unused))
    lowest, weights = values[:n_modes], vectors[:, :n_modes].T
    modes = weights @ basis
    return _Subspace(basis, images, n_filled, lowest, modes, weights @ images - lowest[:, None] * modes)


def _misses(space: _Subspace) -> Float[Array, "n"]:
    """Return the length of each residual in relation to its limit."""
    limits = _RESIDUAL_TOLERANCE * jnp.maximum(jnp.abs(space.eigenvalues), _FLAT_CURVATURE)
    return jnp.linalg.norm(space.residuals, axis=1) / limits


def _is_converged(space: _Subspace) -> Bool[Array, ""]:
    return jnp.all(_misses(space) <= 1)
