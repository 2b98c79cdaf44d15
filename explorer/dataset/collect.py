"""From the per-start files of a labelling run to one dataset, with every failure counted."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
from ase.data import covalent_radii

from explorer.dataset.dataset import MoleculeData, save_dataset, split_of
from explorer.dataset.label import molecule_of, part_path
from explorer.dataset.recipe import MoleculeRecipe, Recipe
from explorer.errors import InputError

MAX_FORCE = 25.0  # eV/Å; frames beyond it come from clashed starts and teach nothing
MAX_ENERGY = 0.4  # eV per atom above the lowest frame of the molecule; at 1000 K the mean is 0.13
BROKEN = 1.4  # times the sum of covalent radii: a bond between heavy atoms that is longer has gone


def collect(recipe: Recipe, reference: str, parts: Path, out: Path) -> dict:
    """Join the per-start files of a recipe into one dataset; starts that are not there yet are counted.

    Args:
        recipe: what was sampled.
        reference: name of the reference method.
        parts: folder of the per-start files.
        out: the dataset to write.

    Returns:
        The provenance that is stored with the data: the recipe, frame counts, failures.
        A molecule of which every start failed is not among the data.

    Raises:
        InputError: when there is no frame at all.
    """
    molecules: dict[str, MoleculeData] = {}
    failures: list[str] = []
    counts: Counter[str] = Counter()
    for name in dict.fromkeys(entry.name for entry in recipe.molecules):
        entries = [entry for entry in recipe.molecules if entry.name == name]
        data = _join(entries, parts, recipe.split, failures, counts)
        if data is not None:
            molecules[name] = data
    if not molecules:
        raise InputError(f"No start of the recipe could be labelled. The first reason: {[*failures, 'no starts'][0]}")
    meta = {
        "reference": reference,
        "recipe": asdict(recipe),
        "frames": {name: len(d.energy) for name, d in molecules.items()},
        "conformers": {name: len(set(d.conformer.tolist())) for name, d in molecules.items()},
        "failures": failures,
        "frames_above_max_force": counts["hot"],
        "frames_above_max_energy": counts["high"],
        "frames_with_broken_bonds": counts["broken"],
        "starts_not_done": counts["missing"],
    }
    save_dataset(out, molecules, meta)
    return meta


def _join(
    entries: list[MoleculeRecipe], parts: Path, split: str, failures: list[str], counts: Counter[str]
) -> MoleculeData | None:
    """All frames of one molecule; adds what failed, and how many frames were left out for which reason."""
    mol, name = molecule_of(entries[0]), entries[0].name
    numbers = np.array([a.GetAtomicNum() for a in mol.GetAtoms()], dtype=np.int16)
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()], dtype=np.int16).reshape(-1, 2)
    joined: dict[str, list] = {k: [] for k in ("positions", "energy", "forces", "conformer", "stage")}
    for entry, start in ((e, k) for e in entries for k in range(e.n_starts)):
        path = part_path(parts, entry, start)
        if not path.exists():
            counts["missing"] += 1
            continue
        with np.load(path, allow_pickle=False) as part:
            failures += [f"{entry.key} start {start}: {why}" for why in json.loads(str(part["header"]))["failures"]]
            hot = np.linalg.norm(part["forces"], axis=-1).max(-1, initial=0) >= MAX_FORCE
            broken = _broken(part["positions"], numbers, bonds) & ~hot
            counts.update(hot=int(hot.sum()), broken=int(broken.sum()))
            for key in joined:
                joined[key].append(part[key][~(hot | broken)])
    if not sum(map(len, joined["energy"])):
        return None
    arrays = {key: np.concatenate(values) for key, values in joined.items()}
    low = arrays["energy"] - arrays["energy"].min() < MAX_ENERGY * len(numbers)
    counts["high"] += int((~low).sum())
    arrays = {key: values[low] for key, values in arrays.items()}
    conformer = np.array([f"{name}:{c}" for c in arrays.pop("conformer")])
    return MoleculeData(
        atomic_numbers=numbers,
        bonds=bonds,
        total_charge=sum(a.GetFormalCharge() for a in mol.GetAtoms()),
        conformer=conformer,
        split=np.array([split or split_of(c) for c in conformer]),
        **arrays,
    )


def _broken(positions: np.ndarray, numbers: np.ndarray, bonds: np.ndarray) -> np.ndarray:
    i, j = bonds[(numbers[bonds] > 1).all(axis=-1)].T
    lengths = np.linalg.norm(positions[:, i] - positions[:, j], axis=-1)
    return (lengths > BROKEN * (covalent_radii[numbers[i]] + covalent_radii[numbers[j]])).any(axis=-1)
