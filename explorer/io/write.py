"""Structures of one molecule to extended XYZ and SDF."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float
from rdkit import Chem

from explorer.io.build import to_rdkit
from explorer.records import Molecule


def write_extxyz(
    path: str | Path,
    molecule: Molecule,
    positions_list: Sequence[Float[np.ndarray, "N 3"]],
    info_list: Sequence[Mapping[str, object]],
) -> None:
    """One frame per structure, atoms in the order of the molecule.

    Args:
        positions_list: Å, each of shape (N, 3).
        info_list: numbers and strings for the comment line, which also holds the charge
            and the multiplicity, so that the file can be read back. Empty strings are left
            out: ASE's reader loses the keys behind one.
    """
    symbols = [chemical_symbols[number] for number in molecule.atomic_numbers]
    with open(path, "w") as file:
        for positions, info in zip(positions_list, info_list, strict=True):
            values = {**info, "charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
            comment = " ".join(f"{key}={_value(value)}" for key, value in values.items() if value != "")
            file.write(f'{molecule.n_atoms}\nProperties=species:S:1:pos:R:3 {comment} pbc="F F F"\n')
            for symbol, (x, y, z) in zip(symbols, positions, strict=True):
                file.write(f"{symbol:<2s} {x:15.8f} {y:15.8f} {z:15.8f}\n")


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
    with Chem.SDWriter(str(path)) as writer:
        for positions, props in zip(positions_list, props_list, strict=True):
            mol = to_rdkit(molecule, positions)
            mol.SetProp("_Name", molecule.name)
            for key, value in props.items():
                mol.SetProp(key, str(value))
            writer.write(mol)
