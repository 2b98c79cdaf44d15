"""New labels for the frames of a dataset, such as one in the compact form; splits and provenance stay."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from explorer.dataset.dataset import MoleculeData, file_digest, join_frames, load_dataset, load_meta, save_dataset
from explorer.dataset.network_reference import public_reference
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.dataset.rounding import FORCE_GRID, on_grid
from explorer.errors import InputError

_BLOCK = 128  # frames that are labelled and stored together: 4 to 20 s on a core by SO3LR; not tuned


def labelled(molecules: Mapping[str, MoleculeData], labels: ReferenceLabels) -> dict[str, MoleculeData]:
    """Return frames with energies and forces of a reference method at their positions.

    Args:
        molecules: Frames by molecule; their energies and forces are not used.
        labels: Reference method.

    Returns:
        Frames by molecule without those that the reference method could not compute.
    """
    frames = [(data.as_molecule(name), x) for name, data in molecules.items() for x in data.positions.astype(float)]
    found = iter(labels.of_frames(frames))
    result = {}
    for name, data in molecules.items():
        energies, forces = zip(*(next(found) for _ in data.energy), strict=True)
        energy, gradients = np.array(energies), on_grid(np.array(forces), FORCE_GRID).astype(np.float32)
        kept = np.isfinite(energy) & np.isfinite(gradients).all(axis=(1, 2))
        if kept.any():
            result[name] = replace(data, energy=energy, forces=gradients).select(kept)
    return result


def with_forces(molecules: Mapping[str, MoleculeData], reference: str) -> dict[str, MoleculeData]:
    """Return frames with the labels of a reference method for all frames of molecules that have no forces.

    Args:
        molecules: Frames by molecule, such as a sample of a dataset in the compact form.
        reference: `gfn2`, `so3lr`, `so3lr:FOLDER` or `ase:package.module:Class`.
    """
    bare = {name: data for name, data in molecules.items() if np.isnan(data.forces).any()}
    if not bare:
        return dict(molecules)
    with ReferenceLabels(reference) as labels:
        found = labelled(bare, labels)
    return {name: found.get(name, data) for name, data in molecules.items() if name in found or name not in bare}


def relabel(
    path: Path,
    out: Path,
    reference: str,
    n_processes: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict:
    """Label all frames of a dataset, and write them with their conformers, stages and splits as a dataset.

    Blocks of frames are kept in a folder beside the output, from which an interrupted call continues.

    Args:
        path: Dataset, with forces or without.
        out: Dataset to write.
        reference: `gfn2`, `so3lr`, `so3lr:FOLDER` or `ase:package.module:Class`.
        n_processes: Number of processes of an ASE calculator; 0 to write what the blocks hold, and to label nothing.
        progress: Called with the numbers of labelled and of all frames.

    Returns:
        The provenance that is stored with the data. `failures` tells which molecules have frames without a label.

    Raises:
        InputError: When the file is no dataset, or when no frame has a label.
        ConfigError: When there is no such reference method.
    """
    molecules, meta = load_dataset(path, with_forces=False), load_meta(path)
    source = f"{path.name} {file_digest(path)}"
    key, parts = f"{source} {public_reference(reference)}", out.with_suffix(".parts")
    blocks = {parts / f"block-{k:05d}.npz": block for k, block in enumerate(_blocks(molecules))}
    if n_processes:
        _label_blocks(blocks, key, reference, n_processes, progress)
    found: dict[str, list[MoleculeData]] = {}
    for file in blocks:
        if _frames_in(file, key):
            for name, data in load_dataset(file).items():
                found.setdefault(name, []).append(data)
    joined = {name: join_frames(found[name]) for name in molecules if name in found}
    if not joined:
        raise InputError(
            f"No frame of {path} has a label by {reference}. Label it without --collect, or by another method."
        )
    n_frames = {name: len(data.energy) for name, data in joined.items()}
    n_given = {name: len(data.energy) for name, data in molecules.items()}
    lost = {name: n - n_frames.get(name, 0) for name, n in n_given.items()}
    meta = meta | {
        "reference": public_reference(reference),
        "labels_made_for": source,
        "frames": n_frames,
        "conformers": {name: len(set(data.conformer.tolist())) for name, data in joined.items()},
        "failures": [f"{name}: {n} of {n_given[name]} frames have no label" for name, n in lost.items() if n],
    }
    save_dataset(out, joined, meta)
    return meta


def _label_blocks(
    blocks: Mapping[Path, dict[str, MoleculeData]],
    key: str,
    reference: str,
    n_processes: int,
    progress: Callable[[int, int], None],
) -> None:
    """Label each block that has no file."""
    done, total = 0, sum(_n_frames(block) for block in blocks.values())
    progress(done, total)
    with ReferenceLabels(reference, n_processes) as labels:
        for file, block in blocks.items():
            if _frames_in(file, key) is None:
                found = labelled(block, labels)
                save_dataset(file, found, {"labels_of": key, "n_frames": _n_frames(found)})
            done += _n_frames(block)
            progress(done, total)


def _blocks(molecules: Mapping[str, MoleculeData]) -> list[dict[str, MoleculeData]]:
    """Divide frames into blocks of molecules of similar size, which a network pads to the same size."""
    blocks: list[dict[str, MoleculeData]] = []
    for name, data in sorted(molecules.items(), key=lambda item: (len(item[1].atomic_numbers), item[0])):
        number = np.arange(len(data.energy)) // _BLOCK
        for k in range(number[-1] + 1):
            part = data.select(number == k)
            if not blocks or _n_frames(blocks[-1]) + len(part.energy) > _BLOCK:
                blocks.append({})
            blocks[-1][name] = part
    return blocks


def _n_frames(molecules: Mapping[str, MoleculeData]) -> int:
    return sum(len(data.energy) for data in molecules.values())


def _frames_in(file: Path, key: str) -> int | None:
    """Return the number of labelled frames in the file of a block; None without a file of the same data."""
    try:
        meta = load_meta(file)
    except (InputError, OSError, EOFError, BadZipFile):  # no file, or one that was damaged
        return None
    return meta["n_frames"] if meta.get("labels_of") == key else None
