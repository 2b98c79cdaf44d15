"""Labels for the structures of an extended XYZ file."""

from collections.abc import Callable
from pathlib import Path

import ase.io
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from explorer.dataset.label import label_structures
from explorer.dataset.training_data import structures_of
from explorer.errors import InputError
from explorer.files import write_atomically


def label_file(
    path: Path, out: Path, reference: str, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[int, list[str]]:
    """Label every structure of a file.

    Args:
        path: Structures, .xyz or .extxyz, whose comment lines have charge and multiplicity, or training data of
            another format.
        out: Extended XYZ file with `energy` (eV) and `forces` (eV/Å) of the structures that could be labelled.
        reference: `gfn2`, `so3lr`, `so3lr:FOLDER` or `ase:package.module:Class`.
        progress: Called with the numbers of finished and of all structures.

    Returns:
        The number of labelled structures, and one text for each failure with the number of the frame, from 1.

    Raises:
        InputError: When the file cannot be read.
        ConfigError: When there is no such reference method.
    """
    structures = _read(path)
    labelled: list[Atoms] = []
    failures: list[str] = []
    for k, frame in enumerate(label_structures([atoms.copy() for atoms in structures], reference)):
        if isinstance(frame, str):
            failures.append(f"frame {k + 1}: {frame}")
        else:
            atoms = structures[k].copy()
            atoms.calc = SinglePointCalculator(atoms, energy=frame.energy, forces=frame.forces)
            labelled.append(atoms)
        progress(k + 1, len(structures))
    if labelled:
        with write_atomically(Path(out)) as temporary:
            ase.io.write(temporary, labelled, format="extxyz")
    return len(labelled), failures


def _read(path: Path) -> list[Atoms]:
    if path.suffix.lower() not in (".xyz", ".extxyz"):
        return structures_of(path)
    try:
        return list(ase.io.iread(path, index=":", format="extxyz"))
    except FileNotFoundError:
        raise InputError(f"No file {path}. Give structures as .xyz or .extxyz.") from None
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise InputError(f"{path} is not extended XYZ ({error}). Convert the structures to .extxyz.") from None
