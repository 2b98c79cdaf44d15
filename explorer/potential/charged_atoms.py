"""ASE atoms that carry total charge and spin in all conventions of calculators."""

import numpy as np
from ase import Atoms
from jaxtyping import Float

from explorer.records.molecule import Molecule


def set_charge_and_spin(
    atoms: Atoms, charge: int, multiplicity: int, formal_charges: Float[np.ndarray, "N"] | None = None
) -> None:
    """Set total charge and multiplicity of atoms.

    Some calculators read them from `info`, others sum initial charges and magnetic moments over the atoms.

    Args:
        atoms: Atoms, changed in place.
        charge: Total charge, e.
        multiplicity: 2 S + 1.
        formal_charges: Charges of the atoms with this sum, e; by default the charge is distributed evenly.
    """
    n_atoms = max(len(atoms), 1)
    atoms.info |= {"charge": charge, "multiplicity": multiplicity}
    atoms.set_initial_charges(np.full(len(atoms), charge / n_atoms) if formal_charges is None else formal_charges)
    atoms.set_initial_magnetic_moments(np.full(len(atoms), (multiplicity - 1) / n_atoms))


def atoms_of(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Atoms:
    """Create ASE atoms of a molecule at given positions (Å), with its bonds in `info` for force fields."""
    names = ("bonds", "bond_orders", "formal_charges")
    atoms = Atoms(molecule.atomic_numbers, positions=positions, info={name: getattr(molecule, name) for name in names})
    formal = molecule.formal_charges  # those of a dataset are not known
    has_sum = formal.sum() == molecule.total_charge
    set_charge_and_spin(atoms, molecule.total_charge, molecule.multiplicity, formal if has_sum else None)
    return atoms
