"""Molecules from PDB, XYZ, extended XYZ, SDF and MOL files, with atom order and positions unchanged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from rdkit import Chem

from explorer.errors import InputError
from explorer.io import check
from explorer.io.build import from_rdkit, to_rdkit
from explorer.io.pdb import parse_pdb
from explorer.io.perceive import bonded_pairs, is_cluster, perceive, perceive_with_charge
from explorer.io.sdf import parse_sdf
from explorer.io.structure import Structure
from explorer.io.xyz import parse_xyz
from explorer.records.molecule import Molecule

READABLE_SUFFIXES = (".pdb", ".xyz", ".extxyz", ".sdf", ".mol")


def read_molecule(path: str | Path, charge: int | None = None, multiplicity: int | None = None) -> Molecule:
    """Read the molecule of a file. Atom order and positions are those of the file.

    Args:
        path: .pdb, .xyz, .extxyz, .sdf or .mol file with all hydrogens.
        charge: Total charge, e. It takes precedence over a charge in the file. Without both, the charge is derived
            from bonds and hydrogens.
        multiplicity: 2 S + 1; 1 unless the file states it.

    Raises:
        InputError: If the file cannot be read or does not contain exactly one molecule.
    """
    structures = _parse(Path(path))
    if len(structures) > 1:
        raise InputError(
            f"{Path(path).name}: one structure was expected, received {len(structures)} models, frames or records. "
            "Write the initial structure to a separate file."
        )
    return _molecule(*structures[0], Path(path), charge, multiplicity)


def read_structures(path: str | Path, charge: int | None = None) -> list[Molecule]:
    """Read all structures of a file: frames, models or records.

    Args:
        path: File as in `read_molecule`.
        charge: Total charge of each structure, e; None as in `read_molecule`.

    Raises:
        InputError: If a structure cannot be read.
    """
    molecules: list[Molecule] = []
    for structure, mol in _parse(Path(path)):
        last = molecules[-1] if molecules else None
        if last is not None and mol is None and _same_bonds(structure, last, charge):
            molecules.append(replace(last, positions=structure.positions, atom_names=structure.atom_names))
        else:
            molecules.append(_molecule(structure, mol, Path(path), charge, None))
    return molecules


def read_ensemble(path: str | Path) -> tuple[list[Molecule], Float[np.ndarray, "n"]]:
    """Read all structures of a file and their energies.

    A structure without valid valences, such as a fragmented one among relaxed structures, is kept. Its bonds are
    determined by distances and are all single, which is sufficient for comparisons.

    Args:
        path: File as in `read_molecule`.

    Returns:
        Structures, and the energies stated in the file, eV; NaN where there is none.

    Raises:
        InputError: If the file cannot be read.
    """
    molecules: list[Molecule] = []
    energies = []
    for structure, mol in _parse(Path(path)):
        last = molecules[-1] if molecules else None
        if last is not None and mol is None and _same_bonds(structure, last, None):
            molecules.append(replace(last, positions=structure.positions, atom_names=structure.atom_names))
        else:
            molecules.append(_any_molecule(structure, mol, Path(path)))
        energies.append(np.nan if structure.energy is None else structure.energy)
    return molecules, np.array(energies)


def molecule_from_atoms(
    numbers: Int[np.ndarray, "N"],
    positions: Float[np.ndarray, "N 3"],
    name: str = "",
    charge: int | None = None,
    multiplicity: int | None = None,
) -> Molecule:
    """Build a molecule from atoms; bonds and charges are perceived as for a file without them.

    Args:
        numbers: Atomic number of each atom.
        positions: Positions, Å.
        name: Name of the molecule.
        charge: Total charge, e; None to derive it from bonds and hydrogens.
        multiplicity: 2 S + 1; None for 1.

    Raises:
        InputError: If the atoms are not exactly one complete molecule.
    """
    names = tuple(f"{chemical_symbols[z]}{i + 1}" for i, z in enumerate(numbers))
    structure = Structure(
        title=name or "molecule",
        atomic_numbers=np.asarray(numbers),
        positions=np.asarray(positions, float),
        atom_names=names,
        lines=tuple(range(1, len(names) + 1)),
    )
    return _molecule(structure, None, Path(name or "molecule"), charge, multiplicity)


def _any_molecule(structure: Structure, mol: Chem.Mol | None, path: Path) -> Molecule:
    try:
        return _molecule(structure, mol, path, None, None)
    except InputError:
        bonds = bonded_pairs(structure.atomic_numbers, structure.positions)
        bare = _cluster(structure, path, structure.charge or 0, structure.multiplicity or 1)
        return replace(bare, bonds=bonds, bond_orders=np.ones(len(bonds)))


def _same_bonds(structure: Structure, last: Molecule, charge: int | None) -> bool:
    """Return whether the bonds perceived for the last frame also apply to this one, as in most ensembles."""
    stated = structure.charge if charge is None else charge
    return (
        np.array_equal(structure.atomic_numbers, last.atomic_numbers)
        and stated in (None, last.total_charge)
        and structure.multiplicity in (None, last.multiplicity)
        and len(last.bonds) > 0
        and np.array_equal(bonded_pairs(structure.atomic_numbers, structure.positions), last.bonds)
    )


def _parse(path: Path) -> Sequence[tuple[Structure, Chem.Mol | None]]:
    suffix = path.suffix.lower()
    if suffix not in READABLE_SUFFIXES:
        raise InputError(
            f"{path.name}: a file ending in {' '.join(READABLE_SUFFIXES)} was expected, "
            f"received {suffix or 'no ending'!r}. "
            "Convert it, or use --smiles or --sequence for a molecule without a file."
        )
    text = _text(path)
    records: Sequence[tuple[Structure, Chem.Mol | None]]
    if suffix in (".sdf", ".mol"):
        records = parse_sdf(text, path.name)
    else:
        parse = parse_pdb if suffix == ".pdb" else parse_xyz
        records = [(structure, None) for structure in parse(text, path.name)]
    if not records:
        raise InputError(
            f"{path.name}: atoms were expected, received none. Check that it is the right file and complete."
        )
    return records


def _text(path: Path) -> str:
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise InputError(
            f"No file {path}. Check the path, or use --smiles or --sequence for a molecule without a file."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        cause = "it is not text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise InputError(f"{path} could not be read: {cause}. Pass a readable text file.") from None
    if not text.strip():
        raise InputError(f"{path.name} is empty. Pass a file with one molecule.")
    return text


def _molecule(
    structure: Structure, mol: Chem.Mol | None, path: Path, charge: int | None, multiplicity: int | None
) -> Molecule:
    check.check_overlap(structure)
    stated = structure.charge if charge is None else charge
    if mol is not None:
        molecule = from_rdkit(mol, structure.positions, name=path.stem, source=path.name)
        check.check_one_molecule(structure, molecule.bonds)
        if stated not in (None, molecule.total_charge):
            raise _wrong_charge(structure, stated, molecule.total_charge)
    elif is_cluster(structure.atomic_numbers):
        return _cluster(structure, path, stated or 0, multiplicity or structure.multiplicity or 1)
    else:
        molecule = _perceived(structure, path, stated)
    multiplicity = multiplicity or structure.multiplicity or molecule.multiplicity
    check.check_electrons(structure.title, molecule.atomic_numbers, molecule.total_charge, multiplicity)
    return replace(molecule, multiplicity=multiplicity, atom_names=structure.atom_names)


def _cluster(structure: Structure, path: Path, charge: int, multiplicity: int) -> Molecule:
    return Molecule(
        name=path.stem,
        atomic_numbers=structure.atomic_numbers,
        positions=structure.positions,
        bonds=np.empty((0, 2), dtype=int),
        bond_orders=np.empty(0),
        formal_charges=np.zeros(len(structure.atomic_numbers), dtype=int),
        total_charge=charge,
        multiplicity=multiplicity,
        atom_names=structure.atom_names,
        source=path.name,
    )


def _perceived(structure: Structure, path: Path, stated: int | None) -> Molecule:
    numbers, positions = structure.atomic_numbers, structure.positions
    check.check_one_molecule(structure, bonded_pairs(numbers, positions))
    perception = perceive(numbers, positions)
    total = int(perception.charges.sum())
    if stated is not None and (perception.unsaturated or stated != total):
        mol = perceive_with_charge(numbers, positions, stated)
        if mol is not None:
            return from_rdkit(mol, positions, name=path.stem, source=path.name)
    check.check_hydrogens(structure, perception, stated)
    if stated not in (None, total):
        raise _wrong_charge(structure, stated, total)
    molecule = replace(
        _cluster(structure, path, total, 1),
        bonds=perception.bonds,
        bond_orders=perception.orders,
        formal_charges=perception.charges,
    )
    try:
        to_rdkit(molecule)
    except ValueError as error:  # RDKit's valence errors
        raise InputError(
            f"{structure.title}: {str(error).strip()}. Correct the positions, or pass an SDF file."
        ) from None
    return molecule


def _wrong_charge(structure: Structure, stated: int, derived: int) -> InputError:
    return InputError(
        f"{structure.title}: bonds and hydrogens imply a charge of {derived}, but {stated} was given. "
        f"Pass --charge {derived}, or add or remove hydrogens."
    )
