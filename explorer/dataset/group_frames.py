"""Frames of a file grouped by molecule; broken and repeated ones are left out and counted."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from ase.formula import Formula
from jaxtyping import Int

from explorer.dataset.frame_source import FrameBlock
from explorer.dataset.training_molecule import TrainingMolecule, time_blocks
from explorer.io.perceive import bonded_pairs

_FARTHEST, _LARGEST = 1e6, 1e12  # of positions and of labels, in any unit of the field; not tuned


def group_frames(blocks: Iterator[FrameBlock], notes: list[str]) -> dict[str, TrainingMolecule]:
    """Return the molecules of a file by name, in the units of the file.

    Frames with values that are not finite or far too large, and frames whose positions occur before, are left out.

    Args:
        blocks: Frames in the order of the file.
        notes: Receives what was left out or assumed, in sentences.
    """
    groups: dict[tuple[Any, ...], list[tuple[FrameBlock, np.ndarray]]] = {}
    n_frames = n_broken = 0
    unknown_charge = False
    for block in blocks:
        frames = np.arange(n_frames, n_frames + len(block.energy))
        n_frames += len(frames)
        fine = (np.abs(block.positions) < _FARTHEST).all(axis=(1, 2))  # not for NaN, which labels may be
        fine &= ~(np.abs(block.energy) >= _LARGEST) & ~(np.abs(block.forces) >= _LARGEST).any(axis=(1, 2))
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
        notes.append(f"{n_broken} frames with positions or labels that are not finite, or far too large, are left out.")
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
