"""Atoms that tell a calculator their total charge and spin in every way that calculators ask."""

import numpy as np
from ase import Atoms
from jaxtyping import Float

from explorer.records.molecule import Molecule


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


def atoms_of(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Atoms:
    """Atoms of a molecule that tell all that is known of it, bonds too, which force fields ask for; Å."""
    known = ("bonds", "bond_orders", "formal_charges")
    atoms = Atoms(molecule.atomic_numbers, positions=positions, info={name: getattr(molecule, name) for name in known})
    tell_charge_and_spin(atoms, molecule.total_charge, molecule.multiplicity, molecule.formal_charges)
    return atoms
