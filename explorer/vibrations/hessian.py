"""Second derivatives of a potential: products with a vector, and the whole matrix, many structures at a time."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.devices import over_rows
from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential, evaluate
from explorer.system import System

STEP = 0.005  # Å; the error of a stretch's curvature is 1e-4 of it, noise of 1e-6 eV/Å (SCF) adds 1e-4 eV/Å²
Product = Callable[[Float[Array, "3N"]], Float[Array, "3N"]]


def hessian_product(potential: Potential, system: System) -> Product:
    """v -> H v = -∂F/∂x · v at the positions of a system, by forward-mode over reverse-mode differentiation.

    The list of pairs is that of the positions: a potential is smooth where pairs come and go. Forces are
    linearised once for all products. Where the potential cannot be differentiated twice, by central differences
    H v ≈ [F(x - h v) - F(x + h v)] / 2 h of forces, h such that one atom moves 0.005 Å and the others less.

    Args:
        potential: on which surface.
        system: one molecule; H is in eV/Å².

    Source: Pearlmutter, Neural Comput. 6, 147 (1994), doi:10.1162/neco.1994.6.1.147.
    """

    def forces(flat: Float[Array, "3N"]) -> Float[Array, "3N"]:
        return evaluate(potential, system.replace(positions=flat.reshape(-1, 3))).forces.reshape(-1)

    if not potential.has_hessian:
        return partial(_difference, forces, system.positions.reshape(-1))
    _, linear = jax.linearize(forces, system.positions.reshape(-1))
    return lambda vector: -linear(vector)


def _difference(forces: Product, at: Float[Array, "3N"], vector: Float[Array, "3N"]) -> Float[Array, "3N"]:
    largest = jnp.sqrt(jnp.max(jnp.sum(vector.reshape(-1, 3) ** 2, axis=1)))
    h = STEP / jnp.where(largest > 0, largest, 1)
    return (forces(at - h * vector) - forces(at + h * vector)) / (2 * h)


def hessian(potential: Potential, system: System) -> Float[Array, "3N 3N"]:
    """The whole matrix ∂²E/∂x∂x, eV/Å², by 3 N products."""
    product = hessian_product(potential, system)
    n = system.positions.size
    return jax.lax.map(product, jnp.eye(n, dtype=system.positions.dtype))


def hessians(
    potential: Potential, system: System, positions: Float[np.ndarray, "B N 3"]
) -> Float[np.ndarray, "B 3N 3N"]:
    """`hessian` of many structures, symmetrised, eV/Å².

    Args:
        potential: on which surface.
        system: the molecule; its dtype is that of the arithmetic.
        positions: Å.
    """
    potential = with_capacity_for(potential, positions)
    rows = jnp.asarray(positions, system.positions.dtype)
    matrices = np.asarray(_hessians(potential, system, rows))
    return (matrices + np.swapaxes(matrices, 1, 2)) / 2


@jax.jit
def _hessians(potential: Potential, system: System, positions: Float[Array, "B N 3"]) -> Float[Array, "B 3N 3N"]:
    return over_rows(lambda p, s, x: hessian(p, s.replace(positions=x)), (potential, system), positions)
