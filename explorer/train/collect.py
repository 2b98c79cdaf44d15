"""From the per-start files of a labelling run to one dataset, with every failure counted."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from explorer.errors import InputError
from explorer.train.dataset import MoleculeData, save_dataset, split_of
from explorer.train.label import molecule_of, part_path
from explorer.train.recipe import MoleculeRecipe, Recipe

MAX_FORCE = 25.0  # eV/Å; frames beyond it come from clashed starts and teach nothing


def collect(recipe: Recipe, reference: str, parts: Path, out: Path) -> dict:
    """Join the per-start files of a recipe into one dataset.

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
    molecules, failures, dropped = {}, [], 0
    for name in dict.fromkeys(entry.name for entry in recipe.molecules):
        data, failed, too_hot = _join([entry for entry in recipe.molecules if entry.name == name], parts)
        if data is not None:
            molecules[name] = data
        failures += failed
        dropped += too_hot
    if not molecules:
        raise InputError(f"No start of the recipe could be labelled. The first reason: {[*failures, 'no starts'][0]}")
    meta = {
        "reference": reference,
        "recipe": asdict(recipe),
        "frames": {name: len(d.energy) for name, d in molecules.items()},
        "conformers": {name: len(set(d.conformer.tolist())) for name, d in molecules.items()},
        "failures": failures,
        "frames_above_max_force": dropped,
    }
    save_dataset(out, molecules, meta)
    return meta


def _join(entries: list[MoleculeRecipe], parts: Path) -> tuple[MoleculeData | None, list[str], int]:
    """All frames of one molecule, the failed starts, and how many frames had too large forces."""
    mol, name = molecule_of(entries[0]), entries[0].name
    joined: dict[str, list] = {k: [] for k in ("positions", "energy", "forces", "conformer", "stage")}
    failures, dropped = [], 0
    for entry, start in ((e, k) for e in entries for k in range(e.n_starts)):
        with np.load(part_path(parts, entry, start), allow_pickle=False) as part:
            header = json.loads(str(part["header"]))
            if header["failure"]:
                failures.append(f"{entry.key} start {start}: {header['failure']}")
                continue
            keep = np.linalg.norm(part["forces"], axis=-1).max(-1) < MAX_FORCE
            dropped += int((~keep).sum())
            for key in ("positions", "energy", "forces", "stage"):
                joined[key].append(part[key][keep])
            joined["conformer"].append(np.full(keep.sum(), f"{name}:{header['conformer']}"))
    if not joined["conformer"]:
        return None, failures, dropped
    conformer = np.concatenate(joined["conformer"])
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()], dtype=np.int16)
    return (
        MoleculeData(
            atomic_numbers=np.array([a.GetAtomicNum() for a in mol.GetAtoms()], dtype=np.int16),
            bonds=bonds,
            total_charge=sum(a.GetFormalCharge() for a in mol.GetAtoms()),
            positions=np.concatenate(joined["positions"]),
            energy=np.concatenate(joined["energy"]),
            forces=np.concatenate(joined["forces"]),
            conformer=conformer,
            stage=np.concatenate(joined["stage"]),
            split=np.array([split_of(c) for c in conformer]),
        ),
        failures,
        dropped,
    )
