"""Training of a round of a hunt: labels of all rounds with old data, and the finds evaluated with the new model."""

from collections import Counter
from typing import Any

import numpy as np

from explorer.active_learning.cached import cached
from explorer.active_learning.find_labels import FOUND_STAGE
from explorer.active_learning.fine_tune import fine_tune
from explorer.active_learning.hunt_plan import HuntPlan
from explorer.active_learning.hunt_steps import label_file_of, search_folder
from explorer.active_learning.progress import LearningProgress
from explorer.active_learning.replay import with_replay
from explorer.active_learning.select import split_structures
from explorer.dataset.dataset import MoleculeData, load_dataset, save_dataset
from explorer.dataset.network_reference import NetworkReference, SingleStructure, public_reference
from explorer.dataset.parts import read_part
from explorer.dataset.relabel import with_forces
from explorer.evaluate.metrics import of_split
from explorer.potential.checkpoint import load_checkpoint
from explorer.store.read import read_run
from explorer.uncertainty.domain import Domain

# Frames far from minima stay, since a cut would be a hole; their weight in the loss is bounded (`fit.force_limit`).
# The limits are those of the training data of chain molecules (docs/developer/training_plan.md).
MAX_FIND_FORCE = 80.0  # eV/Å
MAX_FIND_ENERGY = 2.0  # eV per atom above the lowest frame of the molecule


def labels_of_hunt(plan: HuntPlan, number: int) -> tuple[dict[str, MoleculeData], dict[str, int]]:
    """Return the labelled frames of the molecules of a round, and the numbers of frames that were left out.

    All frames are trained on: a find that is held out stays a hole, since later rounds search other molecules. Old data
    validate and test the training, and the searches of the next round test the model. Without old data, some finds
    are held out.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
    """
    rng = np.random.default_rng([plan.settings.seed, number])
    counts: Counter[str] = Counter()
    molecules = {}
    names = list(plan.molecules(number))
    files = [(k, path) for k in range(len(names)) if (path := label_file_of(plan, number, k)).exists()]
    headers = {k: read_part(path)[0] for k, path in files}
    n_finds = sum(len(header["minima"]) for header in headers.values())
    splits = iter(["train"] * n_finds if plan.training_data else split_structures(n_finds, rng))
    for k, path in files:
        header, part = read_part(path)
        split_of_find = np.array([next(splits) for _ in header["minima"]], dtype="U10")
        counts.update({key: header.get(key, 0) for key in ("n_failed", "doubtful")})
        hot = np.linalg.norm(part["forces"], axis=-1).max(-1, initial=0) >= MAX_FIND_FORCE
        high = part["energy"] - part["energy"].min(initial=np.inf) >= MAX_FIND_ENERGY * len(part["atomic_numbers"])
        counts.update(above_max_force=int(hot.sum()), above_max_energy=int((high & ~hot).sum()))
        kept = ~(hot | high)
        if not kept.any():
            continue
        find = part["conformer"].astype(int)
        molecule = read_run(search_folder(plan, number, k)).molecule
        name = f"{names[k].replace('/', '-')}-hunt-{number}"
        molecules[name] = MoleculeData(
            atomic_numbers=molecule.atomic_numbers.astype(np.int16),
            bonds=molecule.bonds.astype(np.int16),
            total_charge=molecule.total_charge,
            positions=part["positions"][kept],
            energy=part["energy"][kept],
            forces=part["forces"][kept],
            conformer=np.array([f"{name}:{header['minima'][j]}" for j in find])[kept],
            stage=part["stage"][kept],
            split=split_of_find[find][kept],
        )
    return molecules, dict(counts)


def train_round_of_hunt(plan: HuntPlan, number: int, progress: LearningProgress) -> dict[str, Any]:
    """Train the network of the round before on the labels of all rounds and on a sample of the old data.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        progress: Called during the training.

    Returns:
        Numbers of new and old frames, and mean absolute force errors on the test frames (meV/Å), for JSON.
    """
    folder, before = plan.folder(number) / "model", plan.model_of(number - 1)
    data = folder / "training.npz"
    new = {name: part for k in range(1, number + 1) for name, part in labels_of_hunt(plan, k)[0].items()}
    old = load_dataset(plan.training_data, with_forces=False) if plan.training_data else {}

    def write() -> dict[str, int]:
        if not old:
            progress.say("The training data of the model are missing; it is trained on the new frames only.")
        rng = np.random.default_rng([plan.settings.seed, number])
        mixed = with_replay(new, old, rng, plan.settings.replay_ratio)
        mixed = with_forces(mixed, plan.settings.reference)
        counts = {name: len(part.energy) for name, part in mixed.items()}
        conformers = {name: len(set(part.conformer.tolist())) for name, part in mixed.items()}
        meta = {"reference": public_reference(plan.settings.reference), "failures": []}
        save_dataset(data, mixed, meta | {"frames": counts, "conformers": conformers})
        n_new = sum(len(part.energy) for part in new.values())
        return {"new": n_new, "old": sum(counts.values()) - n_new}

    frames = cached(plan.folder(number) / "data.json", write)
    errors = fine_tune(before, data, plan.settings.fit, progress)
    # the domain is that of all data the network has learned, of which the replayed frames are a sample
    domain = Domain.of(of_split({**old, **new}, "train"), load_checkpoint(folder)[0])
    if domain is not None:
        domain.save(folder)
    return {"frames": frames, "test_force_error": errors["all"] if errors else None}


def errors_at_finds(plan: HuntPlan, number: int, model: str) -> float | None:
    """Return the mean force error of a model at the finds of a round, meV/Å (root mean square in each); None for none.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        model: Name of the model.
    """
    structures, labels = [], []
    for part in labels_of_hunt(plan, number)[0].values():
        for k in np.flatnonzero(part.stage == FOUND_STAGE):
            structures.append(SingleStructure(part.atomic_numbers, part.total_charge, 0, part.positions[k]))
            labels.append(part.forces[k])
    if not structures:
        return None
    predicted = NetworkReference(model, "float32", exact=False).evaluate(structures)
    errors = [np.sqrt(((f - label) ** 2).sum(-1).mean()) for (_, f), label in zip(predicted, labels, strict=True)]
    return 1000 * float(np.nanmean(errors))
