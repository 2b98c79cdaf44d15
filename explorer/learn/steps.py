"""The steps of a round, each of which leaves a file: choose, label, train on, explore again, check."""

from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.errors import InputError
from explorer.learn.check import Check, check_minima
from explorer.learn.choose import candidates, choose, split_structures
from explorer.learn.course import Course
from explorer.learn.labels import Chosen, collect_labels, label_chosen
from explorer.learn.near import near
from explorer.learn.once import load_arrays, once, once_arrays
from explorer.learn.replay import write_training_data
from explorer.learn.tune import tune
from explorer.learn.watch import Watch
from explorer.potential.load import potential_of
from explorer.run import assess_with, finish_outputs, resume_run, start_run
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.train.dataset import MoleculeData
from explorer.train.farthest import inverse_distances

CHECK = "check.npz"


def chosen_of(course: Course, number: int) -> Chosen:
    """The structures of a round, from the run of the round before."""
    return Chosen(**once_arrays(course.folder(number) / "chosen.npz", lambda: _choose(course, number)._asdict()))


def _choose(course: Course, number: int) -> Chosen:
    record, settings = read_run(course.run_of(number - 1)), course.settings
    found, molecule = candidates(record), record.molecule
    errors = found.errors
    unasked = np.isnan(errors)
    if unasked.any():
        errors[unasked] = expected_errors(course, number - 1, found.positions[unasked])
    before = [np.zeros((0, molecule.n_atoms, 3)), *(chosen_of(course, k).positions for k in range(1, number))]
    known, features = (
        inverse_distances(molecule.atomic_numbers, molecule.bonds, positions)
        for positions in (np.concatenate(before), found.positions)
    )
    usable = ~near(course.symmetry, found.positions, kept_out(course, number), course.mirror)
    if not usable.any():
        raise InputError(
            f"All {len(usable)} minima of {course.run_of(number - 1)} are within 0.25 Å (heavy atoms) of those that "
            "are held out to check with, so that there is nothing to learn from. Explore longer."
        )
    top = min(m.energy for m in record.conformers) + settings.window
    rng = np.random.default_rng(seed_of(course, number))
    picked = choose(found.energies, errors, features, usable, settings.n, top, rng, known)
    splits = np.array(split_structures(len(picked), rng), dtype="U10")
    return Chosen(found.names[picked], found.positions[picked], errors[picked], splits)


def expected_errors(course: Course, number: int, positions: Float[np.ndarray, "n N 3"]) -> Float[np.ndarray, "n"]:
    """Expected force errors by the model of a round, eV/Å; NaN for a model that does not know its limits."""
    settings, molecule = course.settings_of(number), course.record.molecule
    potential, info = potential_of(settings, molecule)
    assess = assess_with(info, potential, molecule, settings)
    return np.array([doubt.expected_error for doubt in assess(positions)] if assess else [np.nan] * len(positions))


def kept_out(course: Course, number: int) -> Float[np.ndarray, "m N 3"]:
    """All forms that the held-out conformers had before a round: none of them may be labelled, Å."""
    checks = [Check(**load_arrays(course.folder(k) / CHECK)) for k in range(number)]
    forms = [course.held_out, *(part for check in checks for part in (check.positions, check.reference_positions))]
    everything = np.concatenate(forms)
    return everything[np.isfinite(everything).all(axis=(1, 2))]


def label(course: Course, number: int, n_processes: int, watch: Watch) -> None:
    """Ask the reference about the surroundings of every structure that was chosen."""
    molecule, reference, parts = course.record.molecule, course.settings.reference, course.folder(number) / "labels"
    label_chosen(molecule, chosen_of(course, number), reference, parts, seed_of(course, number), n_processes, watch)


def labels_of(course: Course, number: int) -> tuple[MoleculeData, list[str]]:
    """The labels of a round, and what failed."""
    return collect_labels(
        course.record.molecule, chosen_of(course, number), course.folder(number) / "labels", number,
        course.symmetry, kept_out(course, number), course.mirror,
    )  # fmt: skip


def train(course: Course, number: int, watch: Watch) -> dict[str, Any]:
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

    frames = once(counts, write)
    return {"frames": frames, "test_force_errors": tune(before, data, settings.fit, watch)}


def explore_again(course: Course, number: int, watch: Watch) -> None:
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


def check_of(course: Course, number: int, watch: Watch) -> Check:
    """The held-out conformers on the model of a round and on the reference."""
    molecule, reference, settings = course.record.molecule, course.settings.reference, course.settings_of(number)

    def look() -> dict[str, np.ndarray]:
        return check_minima(molecule, settings, course.held_out, reference, watch)._asdict()

    return Check(**once_arrays(course.folder(number) / CHECK, look))


def seed_of(course: Course, number: int) -> tuple[int, int]:
    """Of all that is drawn in a round, the search apart."""
    return int(course.record.config.get("seed", 0)), number
