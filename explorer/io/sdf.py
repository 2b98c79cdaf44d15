"""Reader of SDF and MOL files; bonds, bond orders, formal charges and isotopes are those of the file."""

import re

import numpy as np
from jaxtyping import Int
from rdkit import Chem
from rdkit.rdBase import BlockLogs

from explorer.errors import InputError
from explorer.io.build import isotopes_of
from explorer.io.energies import energy_of_fields
from explorer.io.structure import Frame, Structure, element

_FIELD = re.compile(r"^>[^<\n]*<([^>\n]*)>[^\n]*\n(.*?)(?=\n[ \t]*\n|\n>|\Z)", re.MULTILINE | re.DOTALL)
_END = re.compile(r"^\$\$\$\$[^\n]*(?:\n|\Z)", re.MULTILINE)  # some writers put blanks behind the dollars
_ORDERS = (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC)


def parse_sdf(text: str, name: str) -> list[Frame]:
    """Read every record; the structure of a record with bonds has an RDKit molecule.

    A record that cannot be read, is two-dimensional or lacks hydrogens is an error in the list.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.
    """
    records: list[Frame] = []
    start = 0
    for block in _END.split(text):
        if block.strip():
            title = f"{name}, record {len(records) + 1}" if records else name
            try:
                records.append(_record(block, start, title))
            except InputError as error:
                records.append(error)
        start += block.count("\n") + 1
    return records


def _record(block: str, start: int, title: str) -> Structure:
    try:
        with BlockLogs():
            mol = Chem.MolFromMolBlock(block, sanitize=False, removeHs=False)
    except (RuntimeError, ValueError):  # RDKit's errors for impossible counts
        mol = None
    if mol is None or mol.GetNumAtoms() == 0:
        _check_symbols(block, start, title)
        raise InputError(
            f"{title}, line {start + 1}: the record that starts here cannot be read. "
            "Check that it has three header lines, the counts line and all atom and bond lines."
        )
    # the atom block of V3000 starts three lines later than that of V2000
    first = start + (8 if "V3000" in block else 5)
    positions = mol.GetConformer().GetPositions()
    energy, remarks = energy_of_fields(dict(_FIELD.findall(block)))
    structure = Structure(
        title=title,
        atomic_numbers=np.array([a.GetAtomicNum() for a in mol.GetAtoms()]),
        positions=positions,
        atom_names=tuple(f"{a.GetSymbol()}{a.GetIdx() + 1}" for a in mol.GetAtoms()),
        lines=tuple(range(first, first + mol.GetNumAtoms())),
        energy=energy,
        isotopes=_isotopes(mol, title),
        mol=mol if mol.GetNumBonds() else None,
        remarks=remarks,
    )
    if (structure.atomic_numbers == 0).any():
        atom = int(np.flatnonzero(structure.atomic_numbers == 0)[0])
        raise InputError(f"{title}: {structure.where(atom)} is not a chemical element. Correct the symbol.")
    if not np.isfinite(positions).all():
        raise InputError(f"{title}: finite coordinates in Å were expected. Correct the atom lines.")
    if structure.mol is None:
        return structure
    _check_bonds(mol, structure)
    _sanitise(mol, structure)
    if not mol.GetConformer().Is3D() and np.ptp(positions[:, 2]) == 0:
        raise InputError(
            f"{title}: a 3D structure was expected, received a 2D drawing. Pass the molecule with --smiles."
        )
    return structure


def _isotopes(mol: Chem.Mol, title: str) -> Int[np.ndarray, "N"] | None:
    try:
        return isotopes_of(mol)
    except InputError as error:
        raise InputError(f"{title}, {error}") from None


def _check_bonds(mol: Chem.Mol, structure: Structure) -> None:
    """Check that all bonds are single, double, triple or aromatic; queries have no order."""
    for bond in mol.GetBonds():
        if bond.HasQuery() or bond.GetBondType() not in _ORDERS:
            raise _without_order(bond, structure)


def _without_order(bond: Chem.Bond, structure: Structure) -> InputError:
    i, j = structure.where(bond.GetBeginAtomIdx()), structure.where(bond.GetEndAtomIdx())
    kind = (
        "an aromatic bond outside a ring" if bond.GetBondType() == Chem.BondType.AROMATIC else "a query or other bond"
    )
    return InputError(
        f"{structure.title}: a bond of order 1, 2 or 3 was expected between {i} and {j}, received {kind}. Correct it."
    )


def _check_symbols(block: str, start: int, title: str) -> None:
    """Raise an error for the first unknown element of a V2000 atom block that RDKit could not read."""
    lines = block.split("\n")
    count = lines[3][:3].strip() if len(lines) > 3 else ""
    n_atoms = int(count) if count.isascii() and count.isdigit() else 0
    for k, line in enumerate(lines[4 : 4 + n_atoms], start=start + 5):
        element(line[31:34], f"{title}, line {k}")


def _sanitise(mol: Chem.Mol, structure: Structure) -> None:
    try:
        with BlockLogs():
            Chem.SanitizeMol(mol)
    except ValueError as error:  # RDKit's valence and kekulisation errors are ValueErrors
        raise InputError(
            f"{structure.title}: the bonds do not fit the valences ({str(error).strip()}). "
            "Correct the bonds or the M  CHG lines."
        ) from None
    for bond in mol.GetBonds():
        if bond.GetBondType() == Chem.BondType.AROMATIC and not bond.IsInRing():
            raise _without_order(bond, structure)
    lacking = [a.GetIdx() for a in mol.GetAtoms() if a.GetTotalNumHs() > 0]
    if lacking:
        raise InputError(
            f"{structure.title}: {structure.where(lacking[0])} lacks hydrogens"
            f"{f', and {len(lacking) - 1} more atoms do' if len(lacking) > 1 else ''}. "
            "Add all hydrogens to the file (for example with Open Babel), or state charges on an M  CHG line."
        )
