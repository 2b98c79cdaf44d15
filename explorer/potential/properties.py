"""Parts of the energy, charges and dipoles of many structures of a molecule."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Components, Potential, components
from explorer.records.properties import Properties
from explorer.system import System


def properties_of(potential: Potential, system: System, positions: Float[np.ndarray, "n N 3"]) -> Properties | None:
    """Compute properties of structures beside their energy; None for a model without charges.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        positions: Å; the dipole of an ion refers to their origin.
    """
    if potential.components_fn is None or not len(positions):
        return None
    parts = _components(with_capacity_for(potential, positions), system, jnp.asarray(positions, system.positions.dtype))
    if parts.charges is None:
        return None
    arrays = {
        "local": parts.local,
        "zbl": parts.zbl,
        "electrostatic": parts.electrostatic,
        "dispersion": parts.dispersion,
        "charges": parts.charges,
        "dipoles": parts.dipole,
    }
    return Properties(**{name: np.asarray(part, float) for name, part in arrays.items()})


@jax.jit
def _components(potential: Potential, system: System, positions: Float[Array, "n N 3"]) -> Components:
    def of_one(positions: Float[Array, "N 3"]) -> Components:
        return components(potential, system.replace(positions=positions))

    return jax.lax.map(of_one, positions)
