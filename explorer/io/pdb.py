"""Reader of PDB files: atoms of every model, with residue and atom names."""

import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS

from explorer.errors import InputError
from explorer.io.structure import Structure, atomic_number, coordinates

# Atom names in these residues start with a one-letter element, even in files with shifted columns.
_PEPTIDE_RESIDUES = (
    "ALA ARG ASN ASP ASH CYS CYX CYM GLN GLU GLH GLY HIS HID HIE HIP HSD HSE HSP ILE LEU LYS LYN MET PHE PRO SER THR "
    "TRP TYR VAL ACE NME NMA NHE NH2 FOR"
)


def parse_pdb(text: str, name: str) -> list[Structure]:
    """Read the structure of each model. CONECT records are ignored; bonds are later perceived from distances.

    Args:
        text: Content of the file.
        name: Name of the file, for titles and error messages.

    Raises:
        InputError: If a line cannot be read, or if an atom has alternate locations.
    """
    models: list[list[tuple[int, str]]] = [[]]
    for k, line in enumerate(text.splitlines(), start=1):
        if line.startswith("MODEL") and models[-1]:
            models.append([])
        elif line.startswith(("ATOM  ", "HETATM")):
            models[-1].append((k, line))
    models = [model for model in models if model]
    return [_model(model, f"{name}, model {i + 1}" if i else name, name) for i, model in enumerate(models)]


def _model(records: list[tuple[int, str]], title: str, name: str) -> Structure:
    numbers, positions, names = [], [], []
    seen: dict[tuple[str, str], str] = {}
    for k, line in records:
        where = f"{name}, line {k}"
        atom, residue = line[12:16].strip(), f"{line[17:20].strip()}{line[22:27].strip()}"
        location = line[16:17].strip()
        key = (line[21:22] + residue, atom)
        if key in seen and seen[key] != location:
            raise InputError(
                f"{where}: one location of {residue}:{atom} was expected, received alternate locations "
                f"{seen[key] or 'blank'!r} and {location or 'blank'!r}. Keep one location of each atom (column 17)."
            )
        seen[key] = location
        numbers.append(_element(line, where))
        positions.append(coordinates([line[c : c + 8].strip() for c in (30, 38, 46)], where))
        names.append(f"{residue}:{atom}")
    return Structure(
        title=title,
        atomic_numbers=np.array(numbers),
        positions=np.array(positions),
        atom_names=tuple(names),
        lines=tuple(k for k, _ in records),
    )


def _element(line: str, where: str) -> int:
    """Read the element from columns 77-78, or from the atom name in columns 13-16 if these are empty."""
    symbol = line[76:78].strip()
    if symbol:
        return atomic_number(symbol, where)
    letters = line[12:16].strip().lstrip("0123456789")
    aligned = line[12:14].strip()
    peptide = line[17:20].strip().upper() in _PEPTIDE_RESIDUES.split()
    if not peptide and len(aligned) == 2 and aligned.isalpha() and aligned.capitalize() in ATOMIC_NUMBERS:
        return atomic_number(aligned, where)
    return atomic_number(letters[:1], where)
