"""Structures of a file, such as conformers, with their energies."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from explorer.errors import InputError
from explorer.io.complete import complete_molecule
from explorer.io.formats import parse_file, stem_of
from explorer.io.handedness import handedness_remarks
from explorer.io.perceive import bonded_pairs
from explorer.io.settle import with_bonds_of
from explorer.io.structure import Structure
from explorer.records.molecule import Molecule

BROKEN = "Bonds are broken or formed; bond orders and charges are those of the complete structures where bonds agree."


@dataclass(frozen=True, eq=False, kw_only=True)
class Ensemble:
    """Structures of a file.

    Attributes:
        molecules: Structures in the order of the file.
        energies: eV; NaN where the file states none, or one of unknown unit.
        indices: Place of each structure in the file, from 0.
        remarks: What was left out, ignored or not understood, one sentence each.
    """

    molecules: list[Molecule]
    energies: Float[np.ndarray, "n"]
    indices: Int[np.ndarray, "n"]
    remarks: tuple[str, ...] = ()


def read_ensemble(path: str | Path, charge: int | None = None, keep_broken: bool = False) -> Ensemble:
    """Read all structures of a file: frames, models or records. Structures that cannot be read are left out and named.

    Args:
        path: File as in `read_molecule`.
        charge: Total charge of each structure, e. It takes precedence over charges in the file.
        keep_broken: Whether to keep structures whose bonds form no complete molecule, such as fragments among relaxed
            structures, if another structure has the same atoms. They keep the bond orders and charges of that one where
            they have its bonds.

    Raises:
        InputError: If no structure can be read.
    """
    path = Path(path)
    found: dict[int, Molecule] = {}
    energies: dict[int, float] = {}
    broken: dict[int, tuple[Structure, InputError]] = {}
    unreadable: dict[int, InputError] = {}
    last: Molecule | None = None
    for k, frame in enumerate(parse_file(path)):
        if isinstance(frame, InputError):
            unreadable[k] = frame
            continue
        energies[k] = np.nan if frame.energy is None else frame.energy
        try:
            if last is None or not _same_bonds(frame, last, charge):
                last = complete_molecule(frame, stem_of(path), path.name, charge)
            one = replace(last, positions=frame.positions, atom_names=frame.atom_names)
            found[k] = replace(one, remarks=(*frame.remarks, *handedness_remarks(one)))
        except InputError as error:
            broken[k] = frame, error
    for k, (structure, error) in broken.items():
        like = _with_same_atoms(found.values(), structure) if keep_broken else None
        if like is None:
            unreadable[k] = error
        else:
            found[k] = replace(with_bonds_of(like, structure.positions), remarks=(*structure.remarks, BROKEN))
    if not found:
        raise next(iter(unreadable.values()))
    order = sorted(found)
    return Ensemble(
        molecules=[found[k] for k in order],
        energies=np.array([energies[k] for k in order]),
        indices=np.array(order),
        remarks=_remarks([found[k] for k in order], [unreadable[k] for k in sorted(unreadable)]),
    )


def _same_bonds(structure: Structure, last: Molecule, charge: int | None) -> bool:
    """Return whether the bonds perceived for the last frame also apply to this one, as in most ensembles."""
    stated = structure.charge if charge is None else charge
    return (
        structure.mol is None
        and np.array_equal(structure.atomic_numbers, last.atomic_numbers)
        and stated in (None, last.total_charge)
        and structure.multiplicity in (None, last.multiplicity)
        and len(last.bonds) > 0
        and np.array_equal(bonded_pairs(structure.atomic_numbers, structure.positions), last.bonds)
    )


def _with_same_atoms(molecules: Iterable[Molecule], structure: Structure) -> Molecule | None:
    matching = (m for m in molecules if np.array_equal(m.atomic_numbers, structure.atomic_numbers))
    return next(matching, None)


def _remarks(molecules: Sequence[Molecule], unreadable: Sequence[InputError]) -> tuple[str, ...]:
    counts = Counter(text for molecule in molecules for text in dict.fromkeys(molecule.remarks))
    shared = [
        text if n == len(molecules) else f"{text} ({n} of {len(molecules)} structures)" for text, n in counts.items()
    ]
    return (*shared, *(f"Left out: {error}" for error in unreadable))
