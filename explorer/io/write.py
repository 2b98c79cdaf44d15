"""Structures of one molecule to extended XYZ and SDF."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float
from rdkit import Chem

from explorer.errors import InputError
from explorer.io.build import to_rdkit
from explorer.records.molecule import Molecule

Positions = Sequence[Float[np.ndarray, "N 3"]]
Info = Sequence[Mapping[str, object]]


def write_extxyz(
    path: str | Path,
    molecule: Molecule,
    positions_list: Sequence[Float[np.ndarray, "N 3"]],
    info_list: Sequence[Mapping[str, object]],
    charges_list: Sequence[Float[np.ndarray, "N"]] | None = None,
) -> None:
    """One frame per structure, atoms in the order of the molecule.

    Args:
        positions_list: Å, each of shape (N, 3).
        info_list: numbers and strings for the comment line, which also holds the charge
            and the multiplicity, so that the file can be read back. Empty strings are left
            out: ASE's reader loses the keys behind one.
        charges_list: partial charges, e, each of shape (N,); a column `charges`.
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
    with open(path, "w") as file:
        for k, (molecule, positions, info) in enumerate(zip(molecules, positions_list, info_list, strict=True)):
            values = {**info, "charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
            comment = " ".join(f"{key}={_value(value)}" for key, value in values.items() if value != "")
            file.write(f'{molecule.n_atoms}\nProperties={columns} {comment} pbc="F F F"\n')
            numbers = positions if charges_list is None else np.column_stack([positions, charges_list[k]])
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
    """One record per structure, with the bonds of the molecule that was given and data fields.

    Args:
        positions_list: Å, each of shape (N, 3); MOL blocks keep four decimals.
        props_list: values for the data fields.
    """
    _write_records(path, [molecule] * len(positions_list), positions_list, props_list)


def _write_records(
    path: str | Path, molecules: Sequence[Molecule], positions_list: Positions, props_list: Info
) -> None:
    with Chem.SDWriter(str(path)) as writer:
        for molecule, positions, props in zip(molecules, positions_list, props_list, strict=True):
            try:
                mol = to_rdkit(molecule, positions)
            except ValueError as error:  # RDKit's valence errors
                raise InputError(
                    f"A structure cannot be written as SDF: {str(error).strip()}. Choose a name that ends in .extxyz."
                ) from None
            mol.SetProp("_Name", molecule.name)
            for key, value in props.items():
                mol.SetProp(key, str(value))
            writer.write(mol)


def structure_writer(path: str | Path) -> Callable[[Sequence[Molecule], Positions, Info], None]:
    """The writer that the suffix of a file asks for, of one molecule per structure; see `write_extxyz`, `write_sdf`.

    Raises:
        InputError: when the suffix is neither .extxyz, .xyz nor .sdf.
    """
    writers = {".extxyz": _write_frames, ".xyz": _write_frames, ".sdf": _write_records}
    suffix = Path(path).suffix.lower()
    if suffix not in writers:
        raise InputError(f"{Path(path).name} cannot be written: its name must end in {', '.join(writers)}.")
    return partial(writers[suffix], path)
