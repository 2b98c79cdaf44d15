"""The steps of a round, each of which leaves a file: choose, label, train on, explore again, check."""

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
from explorer.active_learning.select import candidates, select_structures, split_structures
from explorer.dataset.dataset import MoleculeData
from explorer.dataset.farthest_points import inverse_distances
from explorer.errors import InputError
from explorer.potential.load import potential_of
from explorer.similarity.within_rmsd import within_rmsd
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.workflows.run import assess_with, finish_outputs, resume_run, start_run

CHECK = "check.npz"


def selected_of(course: LearningPlan, number: int) -> SelectedStructures:
    """The structures of a round, from the run of the round before."""
    return SelectedStructures(
        **cached_arrays(course.folder(number) / "chosen.npz", lambda: _choose(course, number)._asdict())
    )


def _choose(course: LearningPlan, number: int) -> SelectedStructures:
    record, settings = read_run(course.run_of(number - 1)), course.settings
    found, molecule = candidates(record), record.molecule
    errors = found.errors
    unasked = np.isnan(errors)
    if unasked.any():
        errors[unasked] = expected_errors(course, number - 1, found.positions[unasked])
    before = [np.zeros((0, molecule.n_atoms, 3)), *(selected_of(course, k).positions for k in range(1, number))]
    known, features = (
        inverse_distances(molecule.atomic_numbers, molecule.bonds, positions)
        for positions in (np.concatenate(before), found.positions)
    )
    usable = ~within_rmsd(course.symmetry, found.positions, held_out_ids(course, number), course.mirror)
    if not usable.any():
        raise InputError(
            f"All {len(usable)} minima of {course.run_of(number - 1)} are within 0.25 Å (heavy atoms) of those that "
            "are held out to check with, so that there is nothing to learn from. Explore longer."
        )
    top = min(m.energy for m in record.conformers) + settings.window
    rng = np.random.default_rng(seed_of(course, number))
    picked = select_structures(found.energies, errors, features, usable, settings.n, top, rng, known)
    splits = np.array(split_structures(len(picked), rng), dtype="U10")
    return SelectedStructures(found.names[picked], found.positions[picked], errors[picked], splits)


def expected_errors(course: LearningPlan, number: int, positions: Float[np.ndarray, "n N 3"]) -> Float[np.ndarray, "n"]:
    """Expected force errors by the model of a round, eV/Å; NaN for a model that does not know its limits."""
    settings, molecule = course.settings_of(number), course.record.molecule
    potential, info = potential_of(settings, molecule)
    assess = assess_with(info, potential, molecule, settings)
    return np.array([doubt.expected_error for doubt in assess(positions)] if assess else [np.nan] * len(positions))


def held_out_ids(course: LearningPlan, number: int) -> Float[np.ndarray, "m N 3"]:
    """All forms that the held-out conformers had before a round: none of them may be labelled, Å."""
    checks = [HeldOutCheck(**load_cached_arrays(course.folder(k) / CHECK)) for k in range(number)]
    forms = [course.held_out, *(part for check in checks for part in (check.positions, check.reference_positions))]
    everything = np.concatenate(forms)
    return everything[np.isfinite(everything).all(axis=(1, 2))]


def label_round(course: LearningPlan, number: int, n_processes: int, watch: LearningProgress) -> None:
    """Ask the reference about the surroundings of every structure that was chosen."""
    molecule, reference, parts = course.record.molecule, course.settings.reference, course.folder(number) / "labels"
    label_selected(molecule, selected_of(course, number), reference, parts, seed_of(course, number), n_processes, watch)


def labels_of(course: LearningPlan, number: int) -> tuple[MoleculeData, list[str]]:
    """The labels of a round, and what failed."""
    return collect_labels(
        course.record.molecule,
        selected_of(course, number),
        course.folder(number) / "labels",
        number,
        course.symmetry,
        held_out_ids(course, number),
        course.mirror,
    )


def train_round(course: LearningPlan, number: int, watch: LearningProgress) -> dict[str, Any]:
    """The network of a round, trained on from that of the round before."""
    settings = course.settings
    data, counts = course.folder(number) / "model" / "training.npz", course.folder(number) / "data.json"
    before = course.settings_of(number - 1).potential

    def write() -> dict[str, int]:
        data.parent.mkdir(parents=True, exist_ok=True)
        _, info = potential_of(course.settings_of(0), course.record.molecule)
        if info.training_data is None:
            watch.say("The data that the model was trained on are not here: it learns from the new frames alone.")
        labels = [labels_of(course, k) for k in range(1, number + 1)]
        failures = [failure for _, failed in labels for failure in failed]
        about = {"reference": settings.reference, "failures": failures}
        rng = np.random.default_rng(seed_of(course, number))
        name = course.record.molecule.name
        return write_training_data(data, name, [part for part, _ in labels], info.training_data, about, rng)

    frames = cached(counts, write)
    return {"frames": frames, "test_force_errors": fine_tune(before, data, settings.fit, watch)}


def explore_again(course: LearningPlan, number: int, watch: LearningProgress) -> None:
    """The run of a round: molecule, settings and budget of the first run, the model of the round."""
    folder = course.run_of(number)
    if (folder / "summary.json").exists():
        return
    if (folder / FILE_NAME).exists():
        resume_run(folder, watch.search, watch.stop)
    else:
        start_run(course.record.molecule, course.settings_of(number), folder, watch.search, watch.stop)
    watch.check()
    finish_outputs(folder)


def held_out_check_of(course: LearningPlan, number: int, watch: LearningProgress) -> HeldOutCheck:
    """The held-out conformers on the model of a round and on the reference."""
    molecule, reference, settings = course.record.molecule, course.settings.reference, course.settings_of(number)

    def look() -> dict[str, np.ndarray]:
        return relax_held_out(molecule, settings, course.held_out, reference, watch)._asdict()

    return HeldOutCheck(**cached_arrays(course.folder(number) / CHECK, look))


def seed_of(course: LearningPlan, number: int) -> tuple[int, int]:
    """Of all that is drawn in a round, the search apart."""
    return int(course.record.config.get("seed", 0)), number
