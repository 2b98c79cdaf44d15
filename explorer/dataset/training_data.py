"""Reader of training data in the formats of the field; every command that takes labelled frames uses it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.formula import Formula
from jaxtyping import Float, Int

from explorer.dataset.ase_files import read_db, read_traj
from explorer.dataset.dataset import MoleculeData, is_own_dataset, load_dataset
from explorer.dataset.frame_source import FrameBlock, FrameSource
from explorer.dataset.hdf5_layouts import read_hdf5
from explorer.dataset.label_units import (
    LabelUnits,
    contradiction,
    is_decisive,
    likely_units,
    suspicion,
    work_mismatch,
)
from explorer.dataset.labelled_xyz import read_xyz
from explorer.dataset.npz_layouts import read_npz
from explorer.errors import InputError
from explorer.io.perceive import bonded_pairs

_SUFFIXES = (".npz", ".xyz", ".extxyz", ".traj", ".db", ".hdf5", ".h5")
_N_BLOCKS = 48  # consecutive frames of a trajectory that stay in one split; not tuned
_CHECKED_FRAMES = 2000  # of each molecule, for the checks of units; not tuned


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingMolecule(MoleculeData):
    """Labelled frames of one molecule of a file. Missing energies and forces are NaN.

    Attributes:
        multiplicity: 2 S + 1.
        frame: Number of each frame in the file, from 0, shape (F,).
    """

    multiplicity: int = 1
    frame: Int[np.ndarray, "F"]


class TrainingData(dict[str, TrainingMolecule]):
    """Molecules of a file by name, with positions in Å, energies in eV and forces in eV/Å.

    Attributes:
        layout: Name of the layout of the file.
        notes: What was chosen, assumed or left out, in sentences.
    """

    def __init__(self, molecules: dict[str, TrainingMolecule], layout: str, notes: tuple[str, ...]):
        super().__init__(molecules)
        self.layout = layout
        self.notes = notes

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return sum(len(molecule.energy) for molecule in self.values())


def read_training_data(
    path: str | Path,
    units: str | None = None,
    energy_key: str | None = None,
    forces_key: str | None = None,
) -> TrainingData:
    """Read labelled frames.

    Extended XYZ, npz of sGDML, MD17, MD22, revised MD17, mlff, PhysNet and `pes-explore label`, ASE `.traj` and `.db`,
    SchNetPack `.db`, and HDF5 of SPICE and ANI-1x are read. Frames keep the atom order of the file, and frames with the
    same atoms in the same order, charge and multiplicity are one molecule. Positions that occur twice are kept once.

    Args:
        path: File.
        units: Unit of the energies, such as `kcal/mol`, with the unit of length after a comma if it is not Å
            (`hartree,bohr`). Needed where neither the file nor its format tells.
        energy_key: Name of the energies in an extended XYZ or HDF5 file with several.
        forces_key: Name of the forces.

    Returns:
        Molecules by name.

    Raises:
        InputError: If the file cannot be read, its units are unknown, or its energies cannot have these units.
    """
    path = Path(path).expanduser()
    if path.suffix == ".npz" and is_own_dataset(path):
        if units is not None:
            raise InputError(f"{path} was written by pes-explore label and is in eV and Å. Leave units out.")
        return _own(path)
    source = _open(path, energy_key, forces_key)
    given = None if units is None else LabelUnits.parse(units)
    if given and source.stated and source.stated.in_ev != given.in_ev:
        raise InputError(f"{path} states its units ({source.stated}), received {given}. Leave units out.")
    molecules = _grouped(source.blocks, source.notes)
    if not molecules:
        raise InputError(f"{path} has no frames that can be read. {' '.join(source.notes)}".rstrip())
    chosen = source.stated or given or source.usual
    if chosen is None:
        raise InputError(
            f"{path} ({source.layout}) does not tell its unit of energy. {likely_units(_checked_forces(molecules))} "
            "Say --units kcal/mol, eV or hartree."
        )
    _check(path, molecules, chosen, stated=bool(source.stated or given))
    converted = {name: _in_units(data, chosen) for name, data in molecules.items()}
    notes = [*source.notes, *_further_notes(converted, chosen, bool(source.stated or given))]
    return TrainingData(converted, source.layout, tuple(notes))


def structures_of(path: Path) -> list[Atoms]:
    """Read the structures of training data, with charge and multiplicity, in the order of the file.

    Labels are not read, so that their units do not matter.

    Args:
        path: File of a format of `read_training_data`.

    Raises:
        InputError: If the file cannot be read.
    """
    if path.suffix == ".npz" and is_own_dataset(path):
        molecules, length = _own(path), 1.0
    else:
        source = _open(path, None, None)
        molecules, length = _grouped(source.blocks, []), (source.stated or LabelUnits()).in_angstrom
    structures = {}
    for data in molecules.values():
        info = {"charge": int(data.total_charge), "multiplicity": data.multiplicity}
        for frame, positions in zip(data.frame.tolist(), data.positions * length, strict=True):
            structures[frame] = Atoms(data.atomic_numbers, positions=positions, info=dict(info))
    return [structures[frame] for frame in sorted(structures)]


def _open(path: Path, energy_key: str | None, forces_key: str | None) -> FrameSource:
    if not path.is_file():
        raise InputError(f"No training data at {path}. Make some with pes-explore label.")
    match path.suffix.lower():
        case ".npz":
            return read_npz(path)
        case ".xyz" | ".extxyz":
            return read_xyz(path, energy_key, forces_key)
        case ".traj":
            return read_traj(path)
        case ".db":
            return read_db(path)
        case ".hdf5" | ".h5":
            return read_hdf5(path, energy_key, forces_key)
    raise InputError(f"Training data were wanted as {', '.join(_SUFFIXES)}, received {path.name}.")


def _own(path: Path) -> TrainingData:
    molecules, first = {}, 0
    for name, data in load_dataset(path).items():
        arrays = {key: getattr(data, key) for key in data.__dataclass_fields__}
        molecules[name] = TrainingMolecule(**arrays, frame=np.arange(first, first + len(data.energy)))
        first += len(data.energy)
    return TrainingData(molecules, "npz of pes-explore label", ())


def _grouped(blocks: Iterator[FrameBlock], notes: list[str]) -> dict[str, TrainingMolecule]:
    """Molecules in the units of the file; broken frames and repeated positions are left out and counted."""
    groups: dict[tuple[Any, ...], list[tuple[FrameBlock, np.ndarray]]] = {}
    n_frames = n_broken = 0
    unknown_charge = False
    for block in blocks:
        frames = np.arange(n_frames, n_frames + len(block.energy))
        n_frames += len(frames)
        fine = np.isfinite(block.positions).all(axis=(1, 2)) & ~np.isinf(block.energy)
        fine &= ~np.isinf(block.forces).any(axis=(1, 2))
        n_broken += int(np.sum(~fine))
        unknown_charge |= block.total_charge is None
        key = block.name, block.atomic_numbers.tobytes(), block.total_charge or 0, block.multiplicity or 1
        groups.setdefault(key, []).append((_select(block, fine), frames[fine]))
    molecules: dict[str, TrainingMolecule] = {}
    n_repeated = 0
    for parts in groups.values():
        name = _name(parts[0][0], molecules)
        data, repeated = _molecule(parts)
        n_repeated += repeated
        if len(data.energy):
            molecules[name] = data
    if n_broken:
        notes.append(f"{n_broken} frames with positions or labels that are not finite are left out.")
    if n_repeated:
        notes.append(f"{n_repeated} frames whose positions occur before are left out.")
    odd = [name for name, d in molecules.items() if (d.atomic_numbers.sum() - d.total_charge - d.multiplicity) % 2 == 0]
    if unknown_charge and odd:
        notes.append(f"Charges are not stated and taken as 0, with which {odd[0]} would have an unpaired electron.")
    return molecules


def _select(block: FrameBlock, mask: np.ndarray) -> FrameBlock:
    if mask.all():
        return block
    arrays = {name: getattr(block, name)[mask] for name in ("positions", "energy", "forces")}
    return FrameBlock(**{**vars(block), **arrays})


def _molecule(parts: list[tuple[FrameBlock, Int[np.ndarray, "F"]]]) -> tuple[TrainingMolecule, int]:
    block = parts[0][0]
    positions, energy, forces = (
        np.concatenate([getattr(part, name) for part, _ in parts]) for name in ("positions", "energy", "forces")
    )
    frames = np.concatenate([numbers for _, numbers in parts])
    parts.clear()  # the memory of the blocks
    seen: dict[bytes, int] = {}
    for k, frame in enumerate(positions):
        seen.setdefault(frame.tobytes(), k)
    kept = np.fromiter(seen.values(), int)
    n_repeated = len(frames) - len(kept)
    if n_repeated:
        positions, energy, forces, frames = positions[kept], energy[kept], forces[kept], frames[kept]
    conformer, split = time_blocks(len(frames))
    bonds = bonded_pairs(block.atomic_numbers, positions[0]) if len(frames) else np.zeros((0, 2), int)
    return TrainingMolecule(
        atomic_numbers=block.atomic_numbers,
        bonds=np.asarray(bonds, int).reshape(-1, 2),
        total_charge=block.total_charge or 0,
        multiplicity=block.multiplicity or 1,
        positions=positions,
        energy=energy,
        forces=forces,
        conformer=conformer,
        stage=np.full(len(frames), "file"),
        split=split,
        frame=frames,
    ), n_repeated


def time_blocks(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return conformer and split of frames: blocks of time, of which one in twelve each is for validation and test.

    Neighbouring frames of a trajectory are almost the same, so that a random division would test on training data.

    Args:
        n: Number of frames, in the order of time.
    """
    block = np.arange(n) * min(n, _N_BLOCKS) // max(n, 1)
    split = np.select([block % 12 == 5, block % 12 == 11], ["validation", "test"], "train")
    return np.array([f"block-{number:02d}" for number in block], dtype="U8"), split


def _name(block: FrameBlock, taken: dict[str, Any]) -> str:
    symbols = Counter(chemical_symbols[z] for z in block.atomic_numbers)
    name = block.name or f"{Formula.from_dict(symbols):hill}"
    charge = block.total_charge or 0
    if charge and not block.name:
        name += f"{charge:+d}"
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique


def _checked_forces(molecules: dict[str, TrainingMolecule]) -> Float[np.ndarray, "n"]:
    return np.concatenate([data.forces[:_CHECKED_FRAMES].ravel() for data in molecules.values()])


def _check(path: Path, molecules: dict[str, TrainingMolecule], units: LabelUnits, stated: bool) -> None:
    """Refuse units that the numbers contradict; where nobody stated them, also those that they make unlikely."""
    reasons = [contradiction(units, data.atomic_numbers, data.energy) for data in molecules.values()]
    forces = _checked_forces(molecules)
    if not any(reasons) and not stated and is_decisive(units, forces):
        reasons = [suspicion(units, forces)]
    if reason := next(filter(None, reasons), ""):
        said = "" if stated else " The file does not tell its units."
        raise InputError(
            f"{path}: energies cannot be in {units}: {reason}.{said} {likely_units(forces)} Say --units kcal/mol, eV "
            "or hartree."
        )


def _in_units(data: TrainingMolecule, units: LabelUnits) -> TrainingMolecule:
    arrays = {name: getattr(data, name) for name in data.__dataclass_fields__}
    for name, factor in (("positions", units.in_angstrom), ("energy", units.in_ev), ("forces", units.force)):
        arrays[name] = arrays[name] * factor
    if units.in_angstrom != 1 and len(data.energy):
        arrays["bonds"] = np.asarray(bonded_pairs(data.atomic_numbers, arrays["positions"][0]), int).reshape(-1, 2)
    return TrainingMolecule(**arrays)


def _further_notes(molecules: dict[str, TrainingMolecule], units: LabelUnits, stated: bool) -> Iterator[str]:
    if not stated:
        yield f"Units are not stated; {units} are taken, as is usual for this format, and fit the numbers."
    if reason := suspicion(LabelUnits(), _checked_forces(molecules)):
        yield f"With {units}, {reason}. Check the units."
    for name, data in molecules.items():
        checked = slice(0, _CHECKED_FRAMES)
        if reason := work_mismatch(data.positions[checked], data.energy[checked], data.forces[checked]):
            yield f"{name}: {reason}."
            break
    energies = sum(int(np.isnan(data.energy).sum()) for data in molecules.values())
    missing = sum(int(np.isnan(data.forces).any(axis=(1, 2)).sum()) for data in molecules.values())
    if energies or missing:
        yield f"{energies} frames have no energy and {missing} no forces."
    if atoms := [name for name, data in molecules.items() if len(data.atomic_numbers) == 1]:
        yield f"{', '.join(atoms)} are single atoms: reference energies of elements, not conformers."
