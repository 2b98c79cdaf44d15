"""Molecule of a file, with atom order and positions unchanged."""

from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float, Int

from explorer.errors import InputError
from explorer.io.complete import complete_molecule
from explorer.io.formats import parse_file, stem_of
from explorer.io.structure import Structure
from explorer.records.molecule import Molecule


def read_molecule(
    path: str | Path, charge: int | None = None, multiplicity: int | None = None, frame: int | None = None
) -> Molecule:
    """Read the molecule of a file. Atom order and positions are those of the file.

    Args:
        path: File with all hydrogens, in one of `explorer.io.formats.READABLE_SUFFIXES`.
        charge: Total charge, e, as in `complete_molecule`.
        multiplicity: 2 S + 1; 1 unless the file states it.
        frame: Number of the structure (frame, model or record) to read, from 1; None for a file with one structure.

    Raises:
        InputError: If the file cannot be read, has several structures and `frame` is None, or has no such structure.
    """
    path = Path(path)
    frames = parse_file(path)
    if len(frames) > 1 and frame is None:
        raise InputError(
            f"{path.name}: one structure was expected, received {len(frames)} models, frames or records. "
            f"Choose one with --frame 1 to --frame {len(frames)}."
        )
    number = 1 if frame is None else frame
    if not 1 <= number <= len(frames):
        raise InputError(f"{path.name} has structures 1 to {len(frames)}, received --frame {frame}.")
    chosen = frames[number - 1]
    if isinstance(chosen, InputError):
        raise chosen
    return complete_molecule(chosen, stem_of(path), path.name, charge, multiplicity)


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
    name = name or "molecule"
    structure = Structure(
        title=name,
        atomic_numbers=np.asarray(numbers),
        positions=np.asarray(positions, float),
        atom_names=names,
        lines=tuple(range(1, len(names) + 1)),
    )
    return complete_molecule(structure, name, name, charge, multiplicity)
