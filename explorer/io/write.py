"""Writers of structures in extended XYZ and SDF format."""

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
    """Write structures of one molecule as records of an SDF file, with the bonds of the molecule.

    Args:
        path: File to write.
        molecule: Molecule that defines elements, bonds and atom order.
        positions_list: Positions of each structure, Å, shape (N, 3); MOL blocks keep four decimals.
        props_list: Values of the data fields of each structure.

    Raises:
        InputError: If the molecule has valences that RDKit does not accept.
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
                    f"A structure cannot be written as SDF: {str(error).strip()}. Choose a name ending in .extxyz."
                ) from None
            mol.SetProp("_Name", molecule.name)
            for key, value in props.items():
                mol.SetProp(key, str(value))
            writer.write(mol)


def structure_writer(path: str | Path) -> Callable[[Sequence[Molecule], Positions, Info], None]:
    """Return the writer for the suffix of a file; see `write_extxyz` and `write_sdf`.

    The writer takes one molecule per structure, positions, and values for comment lines or data fields.

    Args:
        path: File to write.

    Raises:
        InputError: If the suffix is not .extxyz, .xyz or .sdf.
    """
    writers = {".extxyz": _write_frames, ".xyz": _write_frames, ".sdf": _write_records}
    suffix = Path(path).suffix.lower()
    if suffix not in writers:
        raise InputError(
            f"A file name ending in {', '.join(writers)} was expected, received {Path(path).name}. Change the ending."
        )
    return partial(writers[suffix], path)
