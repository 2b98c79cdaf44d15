"""Rounds of active learning: select, label, fine-tune, explore again, compare. A finished step is not repeated."""

from typing import Any

import numpy as np

from explorer.active_learning.cached import cached
from explorer.active_learning.labels import SelectedStructures
from explorer.active_learning.neighbourhood import SELECTED_STAGE
from explorer.active_learning.plan import LearningPlan
from explorer.active_learning.progress import LearningProgress, Stopped
from explorer.active_learning.round_changes import changes_since
from explorer.active_learning.round_steps import (
    check_held_out,
    explore_again,
    label_round,
    labels_of_round,
    selected_structures,
    train_round,
)
from explorer.files import write_json
from explorer.records.run import RunRecord
from explorer.report.learning import write_learning_page
from explorer.store.read import read_run


def learn(plan: LearningPlan, n_rounds: int, n_processes: int, progress: LearningProgress) -> list[dict[str, Any]]:
    """Carry out the rounds of a learning run; finished rounds are read from their files.

    Args:
        plan: Plan of the learning run.
        n_rounds: Number of rounds, including finished ones.
        n_processes: Number of processes of the reference method.
        progress: Called during all steps; it can stop the run.

    Returns:
        One record for the first run (round 0), and one for each finished round.
    """
    rounds: list[dict[str, Any]] = []
    try:
        for number in range(n_rounds + 1):
            path = plan.folder(number) / "round.json"
            rounds.append(cached(path, lambda k=number: do_round(plan, k, n_processes, progress)))
            write_round_results(plan, rounds)
            progress.raise_if_stopped()
    except Stopped:
        progress.say("Stopped. The same call resumes with the unfinished step.")
    return rounds


def do_round(plan: LearningPlan, number: int, n_processes: int, progress: LearningProgress) -> dict[str, Any]:
    """Carry out all steps of a round and return its record; round 0 only evaluates the first run.

    Args:
        plan: Plan of the learning run.
        number: Number of the round.
        n_processes: Number of processes of the reference method.
        progress: Called during all steps.
    """
    folder = plan.folder(number)
    learned: dict[str, Any] = {}
    if number:
        progress.say(f"Round {number}: selecting {plan.settings.n} structures.")
        label_round(plan, number, n_processes, progress)
        learned["labels"] = _labels_record(plan, number, selected_structures(plan, number))
        learned["training"] = cached(folder / "tuned.json", lambda: train_round(plan, number, progress))
        explore_again(plan, number, progress)
        learned["landscape"] = cached(
            folder / "landscape.json",
            lambda: changes_since(plan.run_of(number - 1), plan.run_of(number), progress),
        )
    check = check_held_out(plan, number, progress).summary()
    return {"round": number, **_run_record(read_run(plan.run_of(number))), **learned, "check": check}


def write_round_results(plan: LearningPlan, rounds: list[dict[str, Any]]) -> None:
    """Write `learn.json` and `learn.html` from the finished rounds.

    Args:
        plan: Plan of the learning run.
        rounds: Records of the finished rounds.
    """
    values = {
        "molecule": plan.record.molecule.name,
        "reference": plan.settings.reference,
        "held_out": len(plan.held_out),
        "rounds": rounds,
    }
    write_json(values, plan.out / "learn.json")
    write_learning_page(values, plan.out / "learn.html")


def _labels_record(plan: LearningPlan, number: int, selected: SelectedStructures) -> dict[str, Any]:
    """Return counts, and the mean force error (meV/Å) at the selected minima, where the forces of the model are 0."""
    data, failures = labels_of_round(plan, number)
    forces = data.forces[data.stage == SELECTED_STAGE]
    errors = np.sqrt((forces.astype(float) ** 2).sum(axis=-1).mean(axis=-1))
    expected = selected.errors[np.isfinite(selected.errors)]
    return {
        "n_chosen": len(selected.names),
        "n_frames": len(data.energy),
        "failures": failures,
        "force_error": 1000 * float(errors.mean()) if len(errors) else None,
        "expected_error": 1000 * float(expected.mean()) if len(expected) else None,
    }


def _run_record(record: RunRecord) -> dict[str, Any]:
    conformers = sorted(record.conformers, key=lambda m: m.energy)
    return {
        "n_conformers": len(conformers),
        "minima": [[m.id, m.energy - conformers[0].energy] for m in conformers],
    }
