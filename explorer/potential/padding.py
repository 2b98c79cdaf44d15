"""Padding of molecules to sizes that others share, so that another peptide finds its programs in the cache."""

from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.potential.potential import Potential
from explorer.sizes import rounded_size
from explorer.system import System


def receives_padding(potential: Potential) -> bool:
    """Return whether molecules are padded for a potential: for a network, not for a calculator or a formula."""
    return potential.components_fn is not None


def with_padding(potential: Potential, system: System) -> System:
    """Return the system with padding, as arrays of NumPy.

    Args:
        potential: Potential to evaluate.
        system: One molecule, with or without padding.
    """
    n_atoms = len(system.atomic_numbers)
    missing = rounded_size(n_atoms) - n_atoms if receives_padding(potential) else 0
    return system.replace(
        atomic_numbers=np.pad(system.atomic_numbers, (0, missing)),
        positions=with_padded_atoms(system.positions, missing),
        atom_mask=np.pad(system.atom_mask, (0, missing)),
    )


def with_padded_atoms(vectors: Any, missing: int) -> Float[np.ndarray, "*B N 3"]:
    """Return vectors of atoms followed by zeros for some more atoms.

    Args:
        vectors: Positions, velocities or other vectors of atoms, shape (..., N, 3).
        missing: Number of atoms to add.
    """
    return np.pad(vectors, np.array([(0, 0)] * (np.ndim(vectors) - 2) + [(0, missing), (0, 0)]))
