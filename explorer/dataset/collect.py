"""Collection of the files of a labelling run into one dataset, with counts of failures and of frames left out."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
from ase.data import covalent_radii
from jaxtyping import Bool, Float, Int

from explorer.dataset.dataset import MoleculeData, save_dataset, split_of
from explorer.dataset.label import molecule_of, start_file
from explorer.dataset.network_reference import public_reference
from explorer.dataset.parts import read_part
from explorer.dataset.recipe import MoleculeRecipe, Recipe
from explorer.errors import InputError

BROKEN_BOND_FACTOR = 1.4  # longest bond between heavy atoms over the sum of covalent radii; not tuned


def collect(recipe: Recipe, reference: str, parts: Path, out: Path) -> dict:
    """Join the files of the starts of a recipe into one dataset.

    Starts without a file are counted. The dataset does not contain molecules all of whose starts failed.

    Args:
        recipe: Recipe that was labelled.
        reference: Name of the reference method.
        parts: Folder of the files, one for each start.
        out: Dataset to write.

    Returns:
        The provenance that is stored with the data: recipe, numbers of frames, failures.

    Raises:
        InputError: When there is no frame at all.
    """
    molecules: dict[str, MoleculeData] = {}
    failures: list[str] = []
    counts: Counter[str] = Counter()
    entries_of: dict[str, list[MoleculeRecipe]] = {}
    for entry in recipe.molecules:
        entries_of.setdefault(entry.name, []).append(entry)
    for name, entries in entries_of.items():
        data = _join(entries, parts, recipe, failures, counts)
        if data is not None:
            molecules[name] = data
    if not molecules:
        reason = [*failures, "no starts"][0]
        raise InputError(f"No start of the recipe could be labelled. The first reason: {reason}")
    meta = {
        "reference": public_reference(reference),
        "recipe": asdict(recipe),
        "frames": {name: len(d.energy) for name, d in molecules.items()},
        "conformers": {name: len(set(d.conformer.tolist())) for name, d in molecules.items()},
        "failures": failures,
        "frames_above_max_force": counts["hot"],
        "frames_above_max_energy": counts["high"],
        "frames_with_broken_bonds": counts["broken"],
        "frames_checked": counts["checked"],
        "frames_doubtful": counts["doubtful"],
        "starts_not_done": counts["missing"],
    }
    save_dataset(out, molecules, meta)
    return meta


def _join(
    entries: list[MoleculeRecipe], parts: Path, recipe: Recipe, failures: list[str], counts: Counter[str]
) -> MoleculeData | None:
    """Join all frames of one molecule; add its failures, and the numbers of frames left out for each reason."""
    mol, name = molecule_of(entries[0]), entries[0].name
    numbers = np.array([a.GetAtomicNum() for a in mol.GetAtoms()], dtype=np.int16)
    bonds = np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()], dtype=np.int16).reshape(-1, 2)
    joined: dict[str, list] = {k: [] for k in ("positions", "energy", "forces", "conformer", "stage")}
    for entry, start in ((e, k) for e in entries for k in range(e.n_starts)):
        path = start_file(parts, entry, start)
        if not path.exists():
            counts["missing"] += 1
            continue
        header, part = read_part(path)
        failures += [f"{entry.key} start {start}: {reason}" for reason in header["failures"]]
        hot = np.linalg.norm(part["forces"], axis=-1).max(-1, initial=0) >= recipe.max_force
        broken = has_broken_bond(part["positions"], numbers, bonds) & ~hot
        counts.update(hot=int(hot.sum()), broken=int(broken.sum()))
        counts.update({key: header.get(key, 0) for key in ("checked", "doubtful")})
        for key in joined:
            joined[key].append(part[key][~(hot | broken)])
    if not sum(map(len, joined["energy"])):
        return None
    arrays = {key: np.concatenate(values) for key, values in joined.items()}
    low = arrays["energy"] - arrays["energy"].min() < recipe.max_energy * len(numbers)
    counts["high"] += int((~low).sum())
    arrays = {key: values[low] for key, values in arrays.items()}
    conformer = np.array([f"{name}:{c}" for c in arrays.pop("conformer")])
    return MoleculeData(
        atomic_numbers=numbers,
        bonds=bonds,
        total_charge=sum(a.GetFormalCharge() for a in mol.GetAtoms()),
        conformer=conformer,
        split=np.array([recipe.split or split_of(c) for c in conformer]),
        **arrays,
    )


def has_broken_bond(
    positions: Float[np.ndarray, "F N 3"], numbers: Int[np.ndarray, "N"], bonds: Int[np.ndarray, "n_bonds 2"]
) -> Bool[np.ndarray, "F"]:
    """Return whether a bond between heavy atoms is broken in each frame.

    Args:
        positions: Positions, Å.
        numbers: Atomic number of each atom.
        bonds: Index pairs.
    """
    i, j = bonds[(numbers[bonds] > 1).all(axis=-1)].T
    lengths = np.linalg.norm(positions[:, i] - positions[:, j], axis=-1)
    limits = BROKEN_BOND_FACTOR * (covalent_radii[numbers[i]] + covalent_radii[numbers[j]])
    return (lengths > limits).any(axis=-1)
