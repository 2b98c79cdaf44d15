"""Rounds of learning: choose, label, train on, explore again, compare; every step leaves a file and is done once."""

import json
from typing import Any

import numpy as np

from explorer.active_learning.cached import cached
from explorer.active_learning.labels import SelectedStructures
from explorer.active_learning.plan import LearningPlan
from explorer.active_learning.progress import LearningProgress, Stopped
from explorer.active_learning.round_changes import changes_since
from explorer.active_learning.round_steps import (
    explore_again,
    held_out_check_of,
    label_round,
    labels_of,
    selected_of,
    train_round,
)
from explorer.records.run import RunRecord
from explorer.report.learning import write_learning_page
from explorer.store.read import read_run


def learn(course: LearningPlan, n_rounds: int, n_processes: int, watch: LearningProgress) -> list[dict[str, Any]]:
    """Go through the rounds; those that are done are read from their files.

    Args:
        course: of the learning run.
        n_rounds: how many, those that are done included.
        n_processes: of the reference at a time.
        watch: told where it is, asked whether to go on.

    Returns:
        One record for each round that is done, and one before them for the run that it began with.
    """
    rounds: list[dict[str, Any]] = []
    try:
        for number in range(n_rounds + 1):
            path = course.folder(number) / "round.json"
            rounds.append(cached(path, lambda k=number: do_round(course, k, n_processes, watch)))
            write_results(course, rounds)
            watch.check()
    except Stopped:
        watch.say("Stopped. The same call goes on with the step that was not finished.")
    return rounds


def do_round(course: LearningPlan, number: int, n_processes: int, watch: LearningProgress) -> dict[str, Any]:
    """All steps of a round, and its record; round 0 only looks at the run that is given."""
    learned: dict[str, Any] = {}
    if number:
        watch.say(f"Round {number}: {course.settings.n} structures are chosen.")
        label_round(course, number, n_processes, watch)
        learned["labels"] = _labels_record(course, number, selected_of(course, number))
        learned["training"] = cached(course.folder(number) / "tuned.json", lambda: train_round(course, number, watch))
        explore_again(course, number, watch)
        learned["landscape"] = cached(
            course.folder(number) / "landscape.json",
            lambda: changes_since(course.run_of(number - 1), course.run_of(number), watch),
        )
    check = held_out_check_of(course, number, watch).summary()
    return {"round": number, **_run_record(read_run(course.run_of(number))), **learned, "check": check}


def write_results(course: LearningPlan, rounds: list[dict[str, Any]]) -> None:
    """`learn.json` and `learn.html` of what is done."""
    values = {
        "molecule": course.record.molecule.name,
        "reference": course.settings.reference,
        "held_out": len(course.held_out),
        "rounds": rounds,
    }
    (course.out / "learn.json").write_text(json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    write_learning_page(values, course.out / "learn.html")


def _labels_record(course: LearningPlan, number: int, chosen: SelectedStructures) -> dict[str, Any]:
    """Counts, and the error of the chosen minima: there the forces of the model that found them are zero."""
    data, failures = labels_of(course, number)
    forces = data.forces[data.stage == "chosen"]
    errors = np.sqrt((forces.astype(float) ** 2).sum(axis=-1).mean(axis=-1))
    expected = chosen.errors[np.isfinite(chosen.errors)]
    return {
        "n_chosen": len(chosen.names),
        "n_frames": len(data.energy),
        "failures": failures,
        "force_error": 1000 * float(errors.mean()) if len(errors) else None,
        "expected_error": 1000 * float(expected.mean()) if len(expected) else None,
    }


def _run_record(record: RunRecord) -> dict[str, Any]:
    found = sorted(record.conformers, key=lambda m: m.energy)
    return {
        "n_conformers": len(found),
        "minima": [[m.id, m.energy - found[0].energy] for m in found],
    }
