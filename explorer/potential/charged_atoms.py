"""Atoms that tell a calculator their total charge and spin in every way that calculators ask."""

import numpy as np
from ase import Atoms
from jaxtyping import Float


def tell_charge_and_spin(
    atoms: Atoms, charge: int, multiplicity: int, formal_charges: Float[np.ndarray, "N"] | None = None
) -> None:
    """Some calculators read charge and multiplicity from `info`, others sum charges and magnetic moments over atoms.

    Args:
        atoms: changed in place.
        charge: of the molecule, e.
        multiplicity: 2 S + 1.
        formal_charges: of the atoms, e, with this sum; the charge spread evenly where they are not known.
    """
    n_atoms = max(len(atoms), 1)
    atoms.info |= {"charge": charge, "multiplicity": multiplicity}
    atoms.set_initial_charges(np.full(len(atoms), charge / n_atoms) if formal_charges is None else formal_charges)
    atoms.set_initial_magnetic_moments(np.full(len(atoms), (multiplicity - 1) / n_atoms))
