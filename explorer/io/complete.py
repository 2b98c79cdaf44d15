"""Complete molecule of a structure: the bonds and charges of the file, or those that its positions imply."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from explorer.errors import InputError
from explorer.io import check
from explorer.io.build import from_rdkit, to_rdkit
from explorer.io.handedness import handedness_remarks
from explorer.io.perceive import Perception, bonded_pairs, is_cluster, perceive, perceive_with_charge
from explorer.io.structure import Structure
from explorer.records.molecule import Molecule


def complete_molecule(
    structure: Structure, name: str, source: str, charge: int | None = None, multiplicity: int | None = None
) -> Molecule:
    """Return the molecule of a structure.

    A stated charge must agree with complete bonds. It decides only where these are doubtful: at atoms that may lack a
    hydrogen, be charged or have an unpaired electron. There the formal charges of atoms in the file decide without it.

    Args:
        structure: Structure of a file.
        name: Name of the molecule.
        source: Origin of the molecule.
        charge: Total charge, e. It takes precedence over a charge in the file. Without both, the charge is derived
            from bonds and hydrogens.
        multiplicity: 2 S + 1; 1 unless the file states it.

    Raises:
        InputError: If the structure is not exactly one complete molecule, or contradicts the charge.
    """
    check.check_atom_count(structure)
    check.check_distances(structure)
    charge = structure.charge if charge is None else charge
    multiplicity = structure.multiplicity if multiplicity is None else multiplicity
    if structure.mol is not None:
        molecule = from_rdkit(structure.mol, structure.positions, name=name, source=source)
        check.check_one_molecule(structure, molecule.bonds)
        if charge not in (None, molecule.total_charge):
            raise _wrong_charge(structure, charge, molecule.total_charge)
    elif is_cluster(structure.atomic_numbers):
        check.check_cluster_charge(structure, charge or 0)
        molecule = _cluster(structure, name, source, charge or 0)
    elif charge is None and structure.sum_of_formal_charges is not None:
        molecule = _perceived_with_hint(structure, name, source, structure.sum_of_formal_charges, multiplicity or 1)
    else:
        molecule = _perceived(structure, name, source, charge, multiplicity or 1)
    multiplicity = molecule.multiplicity if multiplicity is None else multiplicity
    check.check_electrons(structure.title, molecule.atomic_numbers, molecule.total_charge, multiplicity)
    molecule = replace(
        molecule,
        multiplicity=multiplicity,
        atom_names=structure.atom_names,
        isotopes=structure.isotopes if molecule.isotopes is None else molecule.isotopes,
    )
    return replace(molecule, remarks=(*structure.remarks, *molecule.remarks, *handedness_remarks(molecule)))


def bare_molecule(structure: Structure, name: str, source: str) -> Molecule:
    """Return the atoms of a structure without bonds and charges.

    Args:
        structure: Structure of a file.
        name: Name of the molecule.
        source: Origin of the molecule.
    """
    return Molecule(
        name=name,
        atomic_numbers=structure.atomic_numbers,
        positions=structure.positions,
        bonds=np.empty((0, 2), dtype=int),
        bond_orders=np.empty(0),
        formal_charges=np.zeros(len(structure.atomic_numbers), dtype=int),
        atom_names=structure.atom_names,
        source=source,
    )


def _cluster(structure: Structure, name: str, source: str, charge: int) -> Molecule:
    """Return a cluster with the lowest multiplicity that its number of electrons allows."""
    n_electrons = int(structure.atomic_numbers.sum()) - charge
    return replace(bare_molecule(structure, name, source), total_charge=charge, multiplicity=1 + n_electrons % 2)


def _perceived(structure: Structure, name: str, source: str, charge: int | None, multiplicity: int) -> Molecule:
    numbers, positions = structure.atomic_numbers, structure.positions
    check.check_one_molecule(structure, bonded_pairs(numbers, positions))
    perception = _with_unpaired(perceive(numbers, positions), multiplicity - 1)
    total = int(perception.charges.sum())
    doubtful = np.array([*perception.unsaturated, *perception.ambiguous], dtype=int)
    if (
        charge is not None
        and abs(charge) <= len(numbers)
        and len(doubtful)
        and (perception.unsaturated or charge != total)
    ):
        mol = perceive_with_charge(numbers, positions, charge)
        charges = None if mol is None else np.array([atom.GetFormalCharge() for atom in mol.GetAtoms()])
        if mol is not None and set(np.flatnonzero(charges != perception.charges)) <= _around(doubtful, perception):
            return from_rdkit(mol, positions, name=name, source=source)
    check.check_hydrogens(structure, perception, charge)
    if charge not in (None, total):
        raise _wrong_charge(structure, charge, total)
    molecule = replace(
        bare_molecule(structure, name, source),
        bonds=perception.bonds,
        bond_orders=perception.orders,
        formal_charges=perception.charges,
        total_charge=total,
    )
    try:
        to_rdkit(molecule)
    except ValueError as error:  # RDKit's valence errors
        raise InputError(
            f"{structure.title}: {str(error).strip()}. Correct the positions, or pass an SDF file."
        ) from None
    return molecule


def _perceived_with_hint(structure: Structure, name: str, source: str, hint: int, multiplicity: int) -> Molecule:
    """Return the molecule with the charge that a file implies, or without it where bonds contradict it.

    Files of the Protein Data Bank state the charges of some atoms and leave those of others out.
    """
    try:
        return _perceived(structure, name, source, hint, multiplicity)
    except InputError:
        molecule = _perceived(structure, name, source, None, multiplicity)
    remark = (
        f"The formal charges in the file add up to {hint}, but bonds and hydrogens imply {molecule.total_charge}, "
        "which is used."
    )
    return replace(molecule, remarks=(remark,))


def _with_unpaired(perception: Perception, n_unpaired: int) -> Perception:
    """Return the perception of a radical if the unpaired electrons account for all doubtful atoms."""
    open_atoms = [i for i in perception.unsaturated if perception.n_open[i] > 0]
    n_possible = int(perception.n_open[open_atoms].sum()) + len(perception.ambiguous)
    if not n_unpaired or n_unpaired != n_possible or len(open_atoms) < len(perception.unsaturated):
        return perception
    charges = perception.charges.copy()
    charges[list(perception.ambiguous)] += 1  # they were taken as anions
    return perception._replace(charges=charges, unsaturated=(), ambiguous=())


def _around(atoms: Int[np.ndarray, "n"], perception: Perception) -> set[int]:
    """Return atoms and their neighbours."""
    touching = perception.bonds[np.isin(perception.bonds, atoms).any(axis=1)]
    return {*atoms.tolist(), *touching.ravel().tolist()}


def _wrong_charge(structure: Structure, stated: int | None, derived: int) -> InputError:
    return InputError(
        f"{structure.title}: bonds and hydrogens imply a charge of {derived}, but {stated} was given. "
        f"Pass --charge {derived}, add or remove hydrogens, or give an SDF file with the bonds and charges you mean."
    )
