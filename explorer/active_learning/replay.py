"""New frames beside old ones, so that a network that learns the former does not forget the latter."""

from pathlib import Path

import numpy as np

from explorer.dataset.dataset import SPLITS, MoleculeData, load_dataset, save_dataset

OLD_SHARE = 0.25  # old frames per new one: four in five are new


def with_replay(
    new: dict[str, MoleculeData], old: dict[str, MoleculeData], rng: np.random.Generator
) -> dict[str, MoleculeData]:
    """The new frames and a random sample of the old ones, split by split.

    Args:
        new: by name.
        old: by name; another name stands for other frames, even of one molecule.
        rng: draws the sample.
    """
    masks = {name: np.zeros(len(data.energy), dtype=bool) for name, data in old.items()}
    for split in SPLITS:
        wanted = round(OLD_SHARE * sum(int((data.split == split).sum()) for data in new.values()))
        places = [(name, k) for name, data in old.items() for k in np.flatnonzero(data.split == split).tolist()]
        for i in rng.choice(len(places), min(wanted, len(places)), replace=False) if places else []:
            name, k = places[i]
            masks[name][k] = True
    sampled = {name: data.select(masks[name]) for name, data in old.items() if masks[name].any()}
    return sampled | new


def join(parts: list[MoleculeData]) -> MoleculeData:
    """Frames of one molecule from several rounds."""
    fields = ("positions", "energy", "forces", "conformer", "stage", "split")
    first = parts[0]
    joined = (np.concatenate([getattr(part, field) for part in parts]) for field in fields)
    return MoleculeData(first.atomic_numbers, first.bonds, first.total_charge, *joined)


def write_training_data(
    path: Path, name: str, rounds: list[MoleculeData], old_path: Path | None, about: dict, rng: np.random.Generator
) -> dict[str, int]:
    """Write the data of a round: all labels so far, and old frames where their file was found.

    Args:
        path: of the npz file.
        name: of the molecule.
        rounds: labels of each round.
        old_path: data that the network was trained on.
        about: provenance; counts of frames are added.
        rng: draws the old frames.

    Returns:
        How many frames are new and how many old.
    """
    new = {f"{name.replace('/', '-')}-learned": join(rounds)}
    mixed = with_replay(new, load_dataset(old_path) if old_path else {}, rng)
    counts = {key: len(data.energy) for key, data in mixed.items()}
    conformers = {key: len(set(data.conformer.tolist())) for key, data in mixed.items()}
    save_dataset(path, mixed, about | {"frames": counts, "conformers": conformers})
    n_new = sum(len(data.energy) for data in new.values())
    return {"new": n_new, "old": sum(counts.values()) - n_new}
