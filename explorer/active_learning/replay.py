"""Training data of a round: new frames together with a sample of old ones, so that the network keeps its accuracy."""

from pathlib import Path

import numpy as np

from explorer.dataset.dataset import SPLIT_SHARES, MoleculeData, join_frames, load_dataset, save_dataset
from explorer.dataset.relabel import with_forces

REPLAY_RATIO = 0.25  # old frames per new frame, so that four of five frames are new; not tuned


def with_replay(
    new: dict[str, MoleculeData],
    old: dict[str, MoleculeData],
    rng: np.random.Generator,
    ratio: float = REPLAY_RATIO,
) -> dict[str, MoleculeData]:
    """Return the new frames and a random sample of old frames, in the shares that splits have in a dataset.

    Args:
        new: New frames by name.
        old: Old frames by name. The names differ from those of new frames, even for the same molecule.
        rng: Random number generator of the sample.
        ratio: Old frames per new frame.
    """
    masks = {name: np.zeros(len(data.energy), dtype=bool) for name, data in old.items()}
    n_new = sum(len(data.energy) for data in new.values())
    for split, share in SPLIT_SHARES.items():
        n = round(ratio * share * n_new)
        available = [(name, k) for name, data in old.items() for k in np.flatnonzero(data.split == split).tolist()]
        for i in rng.choice(len(available), min(n, len(available)), replace=False) if available else []:
            name, k = available[i]
            masks[name][k] = True
    sampled = {name: data.select(masks[name]) for name, data in old.items() if masks[name].any()}
    return sampled | new


def write_training_data(
    path: Path,
    name: str,
    rounds: list[MoleculeData],
    old_path: Path | None,
    meta: dict,
    rng: np.random.Generator,
    reference: str,
) -> dict[str, int]:
    """Write the training data of a round: all labels of the learning run, and old frames where their file exists.

    Args:
        path: Dataset to write.
        name: Name of the molecule.
        rounds: Labels of each round.
        old_path: Training data of the first network; None if they are missing.
        meta: Provenance; numbers of frames are added.
        rng: Random number generator of the old frames.
        reference: Reference method, which labels old frames whose file has no forces.

    Returns:
        Numbers of new and of old frames.
    """
    new = {f"{name.replace('/', '-')}-learned": join_frames(rounds)}
    old = load_dataset(old_path, with_forces=False) if old_path else {}
    mixed = with_forces(with_replay(new, old, rng), reference)
    counts = {key: len(data.energy) for key, data in mixed.items()}
    conformers = {key: len(set(data.conformer.tolist())) for key, data in mixed.items()}
    save_dataset(path, mixed, meta | {"frames": counts, "conformers": conformers})
    n_new = sum(len(data.energy) for data in new.values())
    return {"new": n_new, "old": sum(counts.values()) - n_new}
