"""Reader of SDF and MOL files; bonds, bond orders and formal charges are those of the file."""

import re

import numpy as np
from rdkit import Chem
from rdkit.rdBase import BlockLogs

from explorer.errors import InputError
from explorer.io.structure import Structure, atomic_number

_ENERGY_FIELD = re.compile(r"^>.*<energy>.*\n\s*([-+]?\d+\.?\d*(?:e[-+]?\d+)?)\s*$", re.IGNORECASE | re.MULTILINE)


def parse_sdf(text: str, name: str) -> list[tuple[Structure, Chem.Mol | None]]:
    """Read every record with its RDKit molecule.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.

    Returns:
        Structures and RDKit molecules; None in place of the molecule for a record without bonds.

    Raises:
        InputError: If a record cannot be read, is two-dimensional, or lacks hydrogens.
    """
    records = []
    start = 0
    for block in _blocks(text):
        title = f"{name}, record {len(records) + 1}" if records else name
        records.append(_record(block, start, title))
        start += block.count("\n") + 1
    return records


def _blocks(text: str) -> list[str]:
    parts = text.replace("\r\n", "\n").split("$$$$\n")
    return [part for part in parts if part.strip()]


def _record(block: str, start: int, title: str) -> tuple[Structure, Chem.Mol | None]:
    with BlockLogs():
        mol = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    if mol is None or mol.GetNumAtoms() == 0:
        _check_symbols(block, start, title)
        raise InputError(
            f"{title}, line {start + 1}: the record that starts here cannot be read. "
            "Check that it has three header lines, the counts line and all atom and bond lines."
        )
    # the atom block of V3000 starts three lines later than that of V2000
    first = start + (8 if "V3000" in block else 5)
    positions = mol.GetConformer().GetPositions()
    energy = _ENERGY_FIELD.search(block)
    structure = Structure(
        title=title,
        atomic_numbers=np.array([a.GetAtomicNum() for a in mol.GetAtoms()]),
        positions=positions,
        atom_names=tuple(f"{a.GetSymbol()}{a.GetIdx() + 1}" for a in mol.GetAtoms()),
        lines=tuple(range(first, first + mol.GetNumAtoms())),
        energy=float(energy.group(1)) if energy else None,
    )
    if (structure.atomic_numbers == 0).any():
        atom = int(np.flatnonzero(structure.atomic_numbers == 0)[0])
        raise InputError(f"{title}: {structure.where(atom)} is not a chemical element. Correct the symbol.")
    if mol.GetNumBonds() == 0:
        return structure, None
    _sanitise(mol, structure)
    if not mol.GetConformer().Is3D() and np.ptp(positions[:, 2]) == 0:
        raise InputError(
            f"{title}: a 3D structure was expected, received a 2D drawing. Pass the molecule with --smiles."
        )
    return structure, mol


def _check_symbols(block: str, start: int, title: str) -> None:
    """Raise an error for the first unknown element of a V2000 atom block that RDKit could not read."""
    lines = block.split("\n")
    count = lines[3][:3].strip() if len(lines) > 3 else ""
    for k, line in enumerate(lines[4 : 4 + (int(count) if count.isdigit() else 0)], start=start + 5):
        atomic_number(line[31:34], f"{title}, line {k}")


def _sanitise(mol: Chem.Mol, structure: Structure) -> None:
    try:
        with BlockLogs():
            Chem.SanitizeMol(mol)
    except ValueError as error:  # RDKit's valence and kekulisation errors are ValueErrors
        raise InputError(
            f"{structure.title}: the bonds do not fit the valences ({str(error).strip()}). "
            "Correct the bonds or the M  CHG lines."
        ) from None
    lacking = [a.GetIdx() for a in mol.GetAtoms() if a.GetTotalNumHs() > 0]
    if lacking:
        raise InputError(
            f"{structure.title}: {structure.where(lacking[0])} lacks hydrogens"
            f"{f', and {len(lacking) - 1} more atoms do' if len(lacking) > 1 else ''}. "
            "Add all hydrogens to the file (for example with Open Babel), or state charges on an M  CHG line."
        )
