"""Steps of a round, each of which writes a file: select, label, fine-tune, explore again, check."""

from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.active_learning.cached import cached, cached_arrays, load_cached_arrays
from explorer.active_learning.fine_tune import fine_tune
from explorer.active_learning.held_out import HeldOutCheck, relax_held_out
from explorer.active_learning.labels import SelectedStructures, collect_labels, label_selected
from explorer.active_learning.plan import LearningPlan
from explorer.active_learning.progress import LearningProgress
from explorer.active_learning.replay import write_training_data
from explorer.active_learning.search import search_to_the_end
from explorer.active_learning.select import candidates, select_structures, split_structures
from explorer.dataset.dataset import MoleculeData
from explorer.dataset.farthest_points import inverse_distances
from explorer.dataset.network_reference import public_reference
from explorer.errors import InputError
from explorer.potential.load import potential_of
from explorer.similarity.within_rmsd import within_rmsd
from explorer.store.read import read_run
from explorer.workflows.criteria import criteria_for
from explorer.workflows.results import write_outputs

_CHECK_FILE = "check.npz"


def selected_structures(plan: LearningPlan, number: int) -> SelectedStructures:
    """Return the structures of a round, selected from the run of the round before.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
    """
    arrays = cached_arrays(plan.folder(number) / "chosen.npz", lambda: _select(plan, number)._asdict())
    return SelectedStructures(**arrays)


def _select(plan: LearningPlan, number: int) -> SelectedStructures:
    record, settings = read_run(plan.run_of(number - 1)), plan.settings
    points, molecule = candidates(record), record.molecule
    errors = points.errors
    not_stored = np.isnan(errors)
    if not_stored.any():
        errors[not_stored] = expected_errors(plan, number - 1, points.positions[not_stored])
    before = [
        np.zeros((0, molecule.n_atoms, 3)),
        *(selected_structures(plan, k).positions for k in range(1, number)),
    ]
    known, features = (
        inverse_distances(molecule.atomic_numbers, molecule.bonds, positions)
        for positions in (np.concatenate(before), points.positions)
    )
    usable = ~within_rmsd(plan.symmetry, points.positions, held_out_forms(plan, number), plan.mirror)
    if not usable.any():
        raise InputError(
            f"All {len(usable)} minima of {plan.run_of(number - 1)} are within 0.25 Å (heavy atoms) of held-out "
            "conformers, so that there is nothing to learn from. Explore longer."
        )
    top = record.zero + settings.window
    rng = np.random.default_rng(seed_of_round(plan, number))
    index = select_structures(points.energies, errors, features, usable, settings.n, top, rng, known)
    splits = np.array(split_structures(len(index), rng), dtype="U10")
    return SelectedStructures(
        names=points.names[index], positions=points.positions[index], errors=errors[index], splits=splits
    )


def expected_errors(plan: LearningPlan, number: int, positions: Float[np.ndarray, "n N 3"]) -> Float[np.ndarray, "n"]:
    """Return the force errors that the model of a round expects, eV/Å; NaN for a model without a calibration.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
        positions: Positions of each structure, Å.
    """
    settings, molecule = plan.settings_of(number), plan.record.molecule
    potential, info = potential_of(settings, molecule)
    criteria = criteria_for(info, potential, molecule, settings)
    if criteria is None or criteria.estimate is None:
        return np.full(len(positions), np.nan)
    return np.array([estimate.expected_error for estimate in criteria.estimate(positions)])


def held_out_forms(plan: LearningPlan, number: int) -> Float[np.ndarray, "m N 3"]:
    """Return all structures that may not be labelled in a round, Å.

    These are the held-out conformers, and their minima on the models of earlier rounds and on the reference surface.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
    """
    checks = [HeldOutCheck(**load_cached_arrays(plan.folder(k) / _CHECK_FILE)) for k in range(number)]
    minima = [part for check in checks for part in (check.positions, check.reference_positions)]
    forms = np.concatenate([plan.held_out, *minima])
    return forms[np.isfinite(forms).all(axis=(1, 2))]


def label_round(plan: LearningPlan, number: int, n_processes: int, progress: LearningProgress) -> None:
    """Label the neighbourhood of every selected structure of a round.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
        n_processes: Number of processes of the reference method.
        progress: Called with the numbers of finished and of all structures.
    """
    label_selected(
        plan.record.molecule,
        selected_structures(plan, number),
        plan.settings.reference,
        plan.folder(number) / "labels",
        seed_of_round(plan, number),
        n_processes,
        progress,
    )


def labels_of_round(plan: LearningPlan, number: int) -> tuple[MoleculeData, list[str]]:
    """Return the labels of a round, and the reasons of failures.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
    """
    return collect_labels(
        plan.record.molecule,
        selected_structures(plan, number),
        plan.folder(number) / "labels",
        number,
        plan.symmetry,
        held_out_forms(plan, number),
        plan.mirror,
    )


def train_round(plan: LearningPlan, number: int, progress: LearningProgress) -> dict[str, Any]:
    """Fine-tune the network of the round before on the labels of all rounds.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
        progress: Called during the training.

    Returns:
        Numbers of new and old frames, and force errors on the test frames, for JSON.
    """
    settings = plan.settings
    data, counts = plan.folder(number) / "model" / "training.npz", plan.folder(number) / "data.json"
    before = plan.settings_of(number - 1).potential

    def write() -> dict[str, int]:
        _, info = potential_of(plan.settings_of(0), plan.record.molecule)
        if info.training_data is None:
            progress.say("The training data of the model are missing; it is trained on the new frames only.")
        labels = [labels_of_round(plan, k) for k in range(1, number + 1)]
        failures = [failure for _, failed in labels for failure in failed]
        meta = {"reference": public_reference(settings.reference), "failures": failures}
        rng = np.random.default_rng(seed_of_round(plan, number))
        name = plan.record.molecule.name
        parts = [part for part, _ in labels]
        return write_training_data(data, name, parts, info.training_data, meta, rng, settings.reference)

    frames = cached(counts, write)
    return {"frames": frames, "test_force_errors": fine_tune(before, data, settings.fit, progress)}


def explore_again(plan: LearningPlan, number: int, progress: LearningProgress) -> None:
    """Run the search of the first run again with the model of a round, or resume this search.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
        progress: Called during the search.
    """
    folder = plan.run_of(number)
    if not (folder / "summary.json").exists():
        with search_to_the_end(plan.record.molecule, plan.settings_of(number), folder, progress) as session:
            write_outputs(session)


def check_held_out(plan: LearningPlan, number: int, progress: LearningProgress) -> HeldOutCheck:
    """Relax the held-out conformers with the model of a round and with the reference method.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
        progress: Called with the numbers of finished and of all conformers.
    """
    molecule, reference, settings = plan.record.molecule, plan.settings.reference, plan.settings_of(number)

    def check() -> dict[str, np.ndarray]:
        return relax_held_out(molecule, settings, plan.held_out, reference, progress)._asdict()

    return HeldOutCheck(**cached_arrays(plan.folder(number) / _CHECK_FILE, check))


def seed_of_round(plan: LearningPlan, number: int) -> tuple[int, int]:
    """Return the seed of all random numbers of a round except those of the search.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
    """
    return int(plan.record.config.get("seed", 0)), number
