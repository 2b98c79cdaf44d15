"""Steps of a round of a hunt, each of which writes a file: search, compare with the reference, label, train."""

from pathlib import Path
from typing import Any

import numpy as np

from explorer.active_learning.cached import cached, cached_arrays
from explorer.active_learning.find_labels import label_finds
from explorer.active_learning.finds import Find, MinimaErrors, choose_finds, errors_of_minima, finds_among
from explorer.active_learning.hunt_molecules import build_start
from explorer.active_learning.hunt_plan import HuntPlan
from explorer.active_learning.progress import LearningProgress
from explorer.active_learning.search import search_to_the_end
from explorer.dataset.farthest_points import inverse_distances
from explorer.dataset.network_reference import NetworkReference, SingleStructure
from explorer.dataset.parts import save_part
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.dataset.second_opinion import SecondOpinion
from explorer.errors import ExplorerError, StoreError
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.store.read import read_run


def search_molecules(plan: HuntPlan, number: int, progress: LearningProgress) -> list[dict[str, Any]]:
    """Search every molecule of a round on the model of the round before.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        progress: Called during the searches.

    Returns:
        One record for each molecule: name, SMILES, counts, and the reason where the search could not start.
    """
    molecules = plan.molecules(number)
    records = []
    for k, (name, smiles) in enumerate(molecules.items()):
        folder = search_folder(plan, number, k)
        if not (folder / "searched.json").exists():
            progress.say(f"Round {number}: molecule {k + 1} of {len(molecules)}, {name}.")
        records.append(
            cached(folder / "searched.json", lambda a=(name, smiles, folder, k): _search(plan, number, *a, progress))
        )
    return records


def search_folder(plan: HuntPlan, number: int, k: int) -> Path:
    """Return the folder of the search of one molecule.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        k: Index of the molecule.
    """
    return plan.folder(number) / "searches" / f"{k:03d}"


def _search(
    plan: HuntPlan, number: int, name: str, smiles: str, folder: Path, k: int, progress: LearningProgress
) -> dict[str, Any]:
    values: dict[str, Any] = {"name": name, "smiles": smiles, "refused": ""}
    try:
        molecule = build_start(name, smiles, np.random.default_rng([plan.settings.seed, number, k]))
        with search_to_the_end(molecule, plan.search_settings(number), folder, progress) as session:
            record = session.record
    except StoreError:  # another process writes it, or the disk is full: nothing about the molecule
        raise
    except ExplorerError as error:  # the chemistry is unknown or the start rearranges: an outcome like any other
        return values | {"refused": str(error)}
    return values | _counts(record)


def _counts(record: RunRecord) -> dict[str, Any]:
    return {
        "n_atoms": record.molecule.n_atoms,
        "n_minima": len(record.minima),
        "n_conformers": len(record.conformers),
        "n_holes": len(record.unknown),
        "hole_share": record.unknown_share,
        "force_calls": record.rounds[-1].n_evaluations,
    }


def compare_minima(
    plan: HuntPlan, number: int, searched: list[int], reference: ReferenceLabels, progress: LearningProgress
) -> dict[int, MinimaErrors]:
    """Compare all minima of a round with the reference method at the same positions.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        searched: Indices of the molecules that have a run.
        reference: Reference method.
        progress: Called with the numbers of finished and of all molecules.

    Returns:
        Verdicts and errors by index of the molecule.
    """
    report = progress.counter(f"molecules compared with {plan.settings.reference}")
    found = {}
    for done, k in enumerate(searched):
        report(done, len(searched))
        path = search_folder(plan, number, k) / "errors.npz"
        arrays = cached_arrays(path, lambda k=k: _compare(read_run(search_folder(plan, number, k)), reference))
        found[k] = MinimaErrors(**arrays)
    report(len(searched), len(searched))
    return found


def _compare(record: RunRecord, reference: ReferenceLabels) -> dict[str, np.ndarray]:
    molecule = record.molecule
    labels = reference.of(molecule)([_single(molecule, m.positions) for m in record.minima])
    energies, forces = (np.array(column, dtype=float) for column in zip(*labels, strict=True))
    return errors_of_minima(record.minima, energies, forces)._asdict()


def _single(molecule: Molecule, positions: np.ndarray) -> SingleStructure:
    return SingleStructure(molecule.atomic_numbers, molecule.total_charge, molecule.multiplicity - 1, positions)


def finds_of(plan: HuntPlan, errors: dict[int, MinimaErrors]) -> dict[int, dict[int, Find]]:
    """Return the finds of each molecule of a round, and their reasons.

    Args:
        plan: Plan of the hunt.
        errors: Verdicts and errors by index of the molecule.
    """
    limits = plan.settings.max_energy_error, plan.settings.max_force_error
    return {k: finds_among(one, *limits) for k, one in errors.items()}


def label_round_of_hunt(
    plan: HuntPlan,
    number: int,
    errors: dict[int, MinimaErrors],
    finds: dict[int, dict[int, Find]],
    reference: ReferenceLabels,
    second: SecondOpinion,
    progress: LearningProgress,
) -> None:
    """Label the finds of every molecule of a round and the ways into and out of them, one file for each molecule.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        errors: Verdicts and errors by index of the molecule.
        finds: Finds by index of the molecule, from `finds_of`.
        reference: Reference method.
        second: Second method, which leaves out doubtful frames.
        progress: Called with the numbers of finished and of all molecules.
    """
    finds = {k: found for k, found in finds.items() if found}
    todo = {k: found for k, found in finds.items() if not label_file_of(plan, number, k).exists()}
    report = progress.counter("molecules labelled")
    report(len(finds) - len(todo), len(finds))
    if not todo:
        return
    model = NetworkReference(plan.model_of(number - 1), "float32", exact=False)
    for done, (k, found) in enumerate(todo.items()):
        molecule = read_run(search_folder(plan, number, k)).molecule
        rng = np.random.default_rng([plan.settings.seed, number, k])
        positions = errors[k].positions
        features = inverse_distances(molecule.atomic_numbers, molecule.bonds, positions)
        chosen = choose_finds(found, features, plan.settings.n_finds, rng)
        frames, header = label_finds(molecule, positions[chosen], model.evaluate, reference.of(molecule), second, rng)
        header |= {"molecule": molecule.name, "minima": [int(errors[k].ids[j]) for j in chosen], "failures": []}
        save_part(label_file_of(plan, number, k), molecule.atomic_numbers, frames, header)
        report(len(finds) - len(todo) + done + 1, len(finds))


def label_file_of(plan: HuntPlan, number: int, k: int) -> Path:
    """Return the file of the labels of one molecule.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        k: Index of the molecule.
    """
    return plan.folder(number) / "labels" / f"{k:03d}.npz"
