"""Writers of structures in extended XYZ and SDF format."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float
from rdkit import Chem

from explorer.errors import InputError
from explorer.files import write_atomically, write_text
from explorer.io.build import BOND_TYPES, to_rdkit
from explorer.records.molecule import Molecule

Positions = Sequence[Float[np.ndarray, "N 3"]]
Info = Sequence[Mapping[str, object]]
UNITS = {  # of the values that exports contain; names of extended XYZ are those of ASE, which reads eV and Å
    "energy": "eV", "relative_energy": "eV", "upper_bound": "eV", "highest_energy": "eV", "ediff": "eV",
    "energy_spread": "eV", "fmax": "eV_per_A", "force_spread": "eV_per_A", "expected_error": "eV_per_A",
    "temperature": "K", "dipole_moment": "D", "imaginary": "per_cm",
}  # fmt: skip


def write_extxyz(
    path: str | Path,
    molecule: Molecule,
    positions_list: Sequence[Float[np.ndarray, "N 3"]],
    info_list: Sequence[Mapping[str, object]],
    charges_list: Sequence[Float[np.ndarray, "N"]] | None = None,
) -> None:
    """Write structures of one molecule as frames of an extended XYZ file.

    Args:
        path: File to write.
        molecule: Molecule that defines elements and atom order.
        positions_list: Positions of each structure, Å, shape (N, 3).
        info_list: Numbers and strings for the comment line. Charge and multiplicity are added so that the file can be
            read back. Empty strings are omitted because ASE's reader loses the keys after one.
        charges_list: Partial charges of each structure, e, shape (N,), written as column `charges`.
    """
    _write_frames(path, [molecule] * len(positions_list), positions_list, info_list, charges_list)


def _write_frames(
    path: str | Path,
    molecules: Sequence[Molecule],
    positions_list: Positions,
    info_list: Info,
    charges_list: Sequence[Float[np.ndarray, "N"]] | None = None,
) -> None:
    columns = "species:S:1:pos:R:3" + ("" if charges_list is None else ":charges:R:1")
    if any(molecule.isotopes is not None for molecule in molecules):
        columns += ":masses:R:1"
    with write_atomically(Path(path)) as temporary, temporary.open("w", encoding="utf-8") as file:
        for k, (molecule, positions, info) in enumerate(zip(molecules, positions_list, info_list, strict=True)):
            values = {**info, "charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
            comment = " ".join(f"{key}={_value(value)}" for key, value in values.items() if value != "")
            file.write(f'{molecule.n_atoms}\nProperties={columns} {comment} pbc="F F F"\n')
            numbers = positions if charges_list is None else np.column_stack([positions, charges_list[k]])
            if "masses" in columns:
                numbers = np.column_stack([numbers, molecule.masses])
            for number, row in zip(molecule.atomic_numbers, numbers, strict=True):
                file.write(f"{chemical_symbols[number]:<2s} " + " ".join(f"{value:15.8f}" for value in row) + "\n")


def _value(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "T" if value else "F"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return repr(float(value))
    text = str(value).replace('"', "'").replace("\n", " ")
    return text if not set(text) & set(" ='{}[],") else f'"{text}"'


def write_sdf(
    path: str | Path,
    molecule: Molecule,
    positions_list: Sequence[Float[np.ndarray, "N 3"]],
    props_list: Sequence[Mapping[str, object]],
) -> None:
    """Write structures of one molecule as records of an SDF file, with the bonds of the molecule.

    Args:
        path: File to write.
        molecule: Molecule that defines elements, bonds and atom order.
        positions_list: Positions of each structure, Å, shape (N, 3); MOL blocks keep four decimals.
        props_list: Values of the data fields of each structure, whose names get their units as by `with_units`.
    """
    write_records(path, [molecule] * len(positions_list), positions_list, props_list)


def write_records(path: str | Path, molecules: Sequence[Molecule], positions_list: Positions, props_list: Info) -> None:
    """Write structures as records of an SDF file, each with the bonds of its own molecule.

    Args:
        path: File to write.
        molecules: Molecule of each structure.
        positions_list: Positions of each structure, Å, shape (N, 3); MOL blocks keep four decimals.
        props_list: Values of the data fields of each structure, whose names get their units as by `with_units`.
    """
    records = StringIO()  # RDKit does not notice that a disk is full
    with Chem.SDWriter(records) as writer:
        writer.SetKekulize(False)  # bonds are single, double or triple already
        for molecule, positions, props in zip(molecules, positions_list, props_list, strict=True):
            mol = Chem.Mol(to_rdkit(molecule, positions, strict=False))
            _set_orders(mol, molecule)
            mol.SetProp("_Name", molecule.name)
            for key, value in with_units(props).items():
                mol.SetProp(key, str(value))
            writer.write(mol)
    write_text(records.getvalue(), Path(path))


def _set_orders(mol: Chem.Mol, molecule: Molecule) -> None:
    """Undo the aromatic bonds of RDKit, so that the record has the bonds of the molecule."""
    for atom in mol.GetAtoms():
        atom.SetIsAromatic(False)
    for (i, j), order in zip(molecule.bonds.tolist(), molecule.bond_orders, strict=True):
        bond = mol.GetBondBetweenAtoms(i, j)
        bond.SetIsAromatic(False)
        bond.SetBondType(BOND_TYPES[float(order)])


def with_units(values: Mapping[str, object]) -> dict[str, object]:
    """Return values with their units in the names; numbers that are not finite are left out.

    Args:
        values: Values by name.

    >>> with_units({"id": 3, "energy": -1.5, "upper_bound": float("inf")})
    {'id': 3, 'energy_eV': -1.5}
    """
    return {
        f"{name}_{UNITS[name]}" if name in UNITS else name: value
        for name, value in values.items()
        if not isinstance(value, float | np.floating) or np.isfinite(value)
    }


def plain_scalars(values: Mapping[str, object]) -> dict[str, object]:
    """Return the truth values, numbers and texts among values, with their units in the names.

    Args:
        values: Values by name; enumerations become their text, and what is none of these is left out.

    >>> plain_scalars({"energy": -1.5, "ids": [1, 2], "degenerate": False})
    {'energy_eV': -1.5, 'degenerate': False}
    """
    plain = {}
    for name, value in values.items():
        for scalar_type in (bool, int, float, str):
            if isinstance(value, scalar_type):
                plain[name] = scalar_type(value)  # a StrEnum becomes its text
                break
    return with_units(plain)


def structure_writer(path: str | Path) -> Callable[[Sequence[Molecule], Positions, Info], None]:
    """Return the writer for the suffix of a file; see `write_extxyz` and `write_sdf`.

    The writer takes one molecule per structure, positions, and values for comment lines or data fields.

    Args:
        path: File to write.

    Raises:
        InputError: If the suffix is not .extxyz, .xyz or .sdf.
    """
    writers = {".extxyz": _write_frames, ".xyz": _write_frames, ".sdf": write_records}
    suffix = Path(path).suffix.lower()
    if suffix not in writers:
        raise InputError(
            f"A file name ending in {', '.join(writers)} was expected, received {Path(path).name}. Change the ending."
        )
    return partial(writers[suffix], path)
