"""Hessian of a potential: its products with vectors, and the whole matrix of many structures."""

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

_FORCE_DIFFERENCE_STEP = 0.005  # Å; a stretch then has a relative error of 1e-4, SCF noise of 1e-6 eV/Å adds 1e-4 eV/Å²
Product = Callable[[Float[Array, "3N"]], Float[Array, "3N"]]


def hessian_product(potential: Potential, system: System) -> Product:
    """Return the function v -> H v = -∂F/∂x · v at the positions of a system.

    The product is computed by forward-mode over reverse-mode differentiation, with the forces linearised once for all
    products. The pair list is that of these positions, since the potential is smooth where pairs enter or leave it. If
    the potential cannot be differentiated twice, the product is the central difference H v ≈ [F(x - h v) - F(x + h v)]
    / 2 h with h such that the atom that moves most moves by 0.005 Å.

    Args:
        potential: Potential to evaluate.
        system: One molecule.

    Returns:
        The product function; H is in eV/Å².

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
    h = _FORCE_DIFFERENCE_STEP / jnp.where(largest > 0, largest, 1)
    return (forces(at - h * vector) - forces(at + h * vector)) / (2 * h)


def hessian(potential: Potential, system: System) -> Float[Array, "3N 3N"]:
    """Compute the whole matrix ∂²E/∂x∂x by 3 N products, eV/Å².

    Args:
        potential: Potential to evaluate.
        system: One molecule.
    """
    product = hessian_product(potential, system)
    n = system.positions.size
    return jax.lax.map(product, jnp.eye(n, dtype=system.positions.dtype))


def hessians(
    potential: Potential, system: System, positions: Float[np.ndarray, "B N 3"]
) -> Float[np.ndarray, "B 3N 3N"]:
    """Compute the symmetrised `hessian` of many structures, eV/Å².

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        positions: Positions, Å.
    """
    potential = with_capacity_for(potential, positions)
    rows = jnp.asarray(positions, system.positions.dtype)
    matrices = np.asarray(_hessians(potential, system, rows))
    return (matrices + np.swapaxes(matrices, 1, 2)) / 2


@jax.jit
def _hessians(potential: Potential, system: System, positions: Float[Array, "B N 3"]) -> Float[Array, "B 3N 3N"]:
    return over_rows(lambda p, s, x: hessian(p, s.replace(positions=x)), (potential, system), positions)
