"""The softest vibration of a structure by a dozen Hessian-vector products instead of 3 N.

Davidson's method on the mass-weighted Hessian. The relaxer's model Hessian A, mass-weighted as K, knows bonds from
torsions: with K as preconditioner a peptide of 22 atoms needs 17 products where none at all needs 59 of 60.
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
from explorer.relax.coordinates import internal_coordinates
from explorer.relax.internal import InternalFrame, internal_chart, solve
from explorer.system import System
from explorer.vibrations.hessian import hessian_product
from explorer.vibrations.modes import curvature, standard_masses

MAX_PRODUCTS = 48  # where a full Hessian takes fewer, it is the better choice
N_STARTS = 4  # directions to begin with: one alone could miss a mode by symmetry
TOLERANCE = 0.1  # residual over eigenvalue; the error of the eigenvalue goes with its square
FLAT = curvature(10.0)  # eV/Å²/amu, eigenvalues below it need not be known more closely
UNUSED = 1e6  # eV/Å²/amu, far above every vibration: places of the subspace that are not filled yet


class Lowest(NamedTuple):
    """Lowest eigenpair of a mass-weighted Hessian without rigid motions.

    Attributes:
        eigenvalue: eV/Å²/amu.
        mode: of length 1, mass-weighted.
        converged: whether the residual is small enough.
        n_products: Hessian-vector products.
    """

    eigenvalue: Float[Array, ""]
    mode: Float[Array, "3N"]
    converged: Bool[Array, ""]
    n_products: Int[Array, ""]


class _Subspace(NamedTuple):
    basis: Float[Array, "M 3N"]  # V, orthonormal rows; zero where there is none yet
    images: Float[Array, "M 3N"]  # V H
    n_filled: Int[Array, ""]
    eigenvalue: Float[Array, ""]
    mode: Float[Array, "3N"]
    residual: Float[Array, "3N"]


def lowest_modes_fn(molecule: Molecule) -> Callable[..., Lowest]:
    """A compiled function of (potential, system, positions [B], rigid motions [B]) for conformers of a molecule.

    Args:
        molecule: any conformer; it must have bonds.

    Source: Davidson, J. Comput. Phys. 17, 87 (1975), doi:10.1016/0021-9991(75)90065-0.
    """
    frame = internal_chart(internal_coordinates(molecule)).frame
    root = np.repeat(np.sqrt(standard_masses(molecule.atomic_numbers)), 3)

    def of_one(potential: Potential, system: System, positions: Float[Array, "N 3"], rigid: Float[Array, "3N 6"]):
        product = hessian_product(potential, system.replace(positions=positions))
        return _davidson(lambda v: product(v / root) / root, partial(_precondition, frame(positions), root), rigid)

    return jax.jit(lambda potential, system, *rows: over_rows(of_one, (potential, system), *rows))


def _precondition(frame: InternalFrame, root: np.ndarray, vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
    """K⁻¹ v with K = M^(-1/2) A M^(-1/2)."""
    return jnp.asarray(root) * solve(frame, jnp.asarray(root) * vector)


def _davidson(product: Callable, precondition: Callable, rigid: Float[Array, "3N 6"]) -> Lowest:
    """Expand a subspace by the preconditioned residual of its lowest Ritz vector until that is an eigenvector."""

    def project(vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
        return vector - rigid @ (rigid.T @ vector)

    def unfinished(space: _Subspace) -> Bool[Array, ""]:
        return ~_is_converged(space) & (space.n_filled < MAX_PRODUCTS)

    def expand(space: _Subspace) -> _Subspace:
        k = space.n_filled
        wanted = jnp.where(k < N_STARTS, noise[jnp.minimum(k, N_STARTS - 1)], space.residual)
        new = project(precondition(wanted))
        for _ in range(2):  # once is not enough in floating point
            new = new - space.basis.T @ (space.basis @ new)
        new = new / jnp.linalg.norm(new)
        return _ritz(space.basis.at[k].set(new), space.images.at[k].set(project(product(new))), k + 1)

    noise = jax.random.normal(jax.random.key(0), (N_STARTS, len(rigid)), rigid.dtype)
    empty = jnp.zeros((MAX_PRODUCTS, len(rigid)), rigid.dtype)
    space = jax.lax.while_loop(unfinished, expand, _ritz(empty, empty, jnp.asarray(0)))
    return Lowest(space.eigenvalue, space.mode, _is_converged(space), space.n_filled)


def _ritz(basis: Float[Array, "M 3N"], images: Float[Array, "M 3N"], n_filled: Int[Array, ""]) -> _Subspace:
    """The lowest eigenpair within the subspace, V H Vᵀ c = θ c, and what is left: r = H x - θ x, x = Vᵀ c."""
    unused = jnp.where(jnp.arange(len(basis)) < n_filled, 0.0, UNUSED)
    values, vectors = jnp.linalg.eigh(basis @ images.T + jnp.diag(unused))
    mode = basis.T @ vectors[:, 0]
    return _Subspace(basis, images, n_filled, values[0], mode, images.T @ vectors[:, 0] - values[0] * mode)


def _is_converged(space: _Subspace) -> Bool[Array, ""]:
    wanted = TOLERANCE * jnp.maximum(jnp.abs(space.eigenvalue), FLAT)
    return (space.n_filled >= N_STARTS) & (jnp.linalg.norm(space.residual) <= wanted)
