"""Input of potentials: one molecule as a pytree of device arrays; a batch has a leading axis on every leaf."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.records.molecule import Molecule


class System(struct.PyTreeNode):
    """Atoms, charge and spin of one molecule, with padding.

    Attributes:
        atomic_numbers: Atomic numbers; 0 on padding.
        positions: Positions, Å.
        total_charge: Total charge, e.
        num_unpaired_electrons: Multiplicity - 1.
        atom_mask: False on padding.
    """

    atomic_numbers: Int[Array, "N"]
    positions: Float[Array, "N 3"]
    total_charge: Float[Array, ""]
    num_unpaired_electrons: Float[Array, ""]
    atom_mask: Bool[Array, "N"]


def from_arrays(
    atomic_numbers: Int[np.ndarray, "N"],
    positions: Float[np.ndarray, "N 3"],
    total_charge: float = 0.0,
    num_unpaired_electrons: float = 0.0,
    dtype: jnp.dtype = jnp.float32,
) -> System:
    """Create a system without padding; its positions are centred, so that float32 keeps its digits.

    Args:
        atomic_numbers: Atomic numbers.
        positions: Positions, Å.
        total_charge: Total charge, e.
        num_unpaired_electrons: Multiplicity - 1.
        dtype: Floating-point type of all evaluations.
    """
    centred = np.asarray(positions, dtype=float)
    centred = centred - centred.mean(axis=-2, keepdims=True)
    # converted on the host: every conversion on a device is a program of its own
    arrays = dict(
        atomic_numbers=np.asarray(atomic_numbers, np.int32),
        positions=np.asarray(centred, dtype),
        total_charge=np.asarray(total_charge, dtype),
        num_unpaired_electrons=np.asarray(num_unpaired_electrons, dtype),
        atom_mask=np.asarray(atomic_numbers) > 0,
    )
    return System(**jax.tree.map(jnp.asarray, arrays))


def system_of(molecule: Molecule, dtype: jnp.dtype = jnp.float32) -> System:
    """Create the system of a molecule at its positions."""
    return from_arrays(
        molecule.atomic_numbers, molecule.positions, molecule.total_charge, molecule.multiplicity - 1, dtype
    )
