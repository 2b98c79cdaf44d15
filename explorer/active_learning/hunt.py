"""Hunt for errors of a network: search random molecules, label what is wrong or unknown, train on, and repeat."""

from typing import Any

from explorer.active_learning.cached import cached
from explorer.active_learning.finds import count_reasons, keeps_going, verdict_table
from explorer.active_learning.hunt_plan import TRAINED_FILE, HuntPlan
from explorer.active_learning.hunt_steps import (
    compare_minima,
    finds_of,
    label_round_of_hunt,
    search_molecules,
)
from explorer.active_learning.hunt_training import errors_at_finds, labels_of_hunt, train_round_of_hunt
from explorer.active_learning.progress import LearningProgress, Stopped
from explorer.dataset.label import reference_calculator
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.dataset.second_opinion import Disagreement, NoSecondOpinion
from explorer.files import write_json
from explorer.potential.load import read_model
from explorer.report.hunt import write_hunt_page


def hunt(plan: HuntPlan, n_rounds: int, n_processes: int, progress: LearningProgress) -> list[dict[str, Any]]:
    """Carry out the rounds of a hunt until one finds nothing; finished rounds are read from their files.

    Args:
        plan: Plan of the hunt.
        n_rounds: Largest number of rounds, including finished ones.
        n_processes: Number of processes of a reference method that is an ASE calculator.
        progress: Called during all steps; it can stop the hunt.

    Returns:
        One record for each finished round.
    """
    rounds: list[dict[str, Any]] = []
    try:
        for number in range(1, n_rounds + 1):
            path = plan.folder(number) / "round.json"
            rounds.append(cached(path, lambda k=number: hunt_round(plan, k, n_processes, progress)))
            write_hunt_results(plan, rounds)
            if not keeps_going(rounds[-1]["finds"]):
                progress.say(f"Round {number} found nothing that is wrong or unknown. The hunt has ended.")
                break
            progress.raise_if_stopped()
    except Stopped:
        progress.say("Stopped. The same call resumes with the unfinished step.")
    return rounds


def hunt_round(plan: HuntPlan, number: int, n_processes: int, progress: LearningProgress) -> dict[str, Any]:
    """Carry out all steps of a round and return its record. Without finds, nothing is trained.

    Args:
        plan: Plan of the hunt.
        number: Number of the round.
        n_processes: Number of processes of a reference method that is an ASE calculator.
        progress: Called during all steps.
    """
    settings, folder = plan.settings, plan.folder(number)
    searches = search_molecules(plan, number, progress)
    with ReferenceLabels(settings.reference, n_processes) as reference:
        searched = [k for k, one in enumerate(searches) if not one["refused"]]
        errors = compare_minima(plan, number, searched, reference, progress)
        finds = finds_of(plan, errors)
        counts = count_reasons(list(finds.values()))
        record: dict[str, Any] = {
            "round": number,
            "digest": read_model(plan.model_of(number - 1)).digest,
            **_search_counts(searches),
            "finds": counts,
            "verdicts": verdict_table(list(errors.values()), settings.max_energy_error, settings.max_force_error),
            "molecules": _molecule_records(searches, finds),
        }
        if not keeps_going(counts):
            return record
        second = NoSecondOpinion()
        if settings.second_reference:
            second = Disagreement(reference_calculator(settings.second_reference))
        label_round_of_hunt(plan, number, errors, finds, reference, second, progress)
    labels, left_out = labels_of_hunt(plan, number)
    record["labels"] = {"n_frames": sum(len(part.energy) for part in labels.values()), **left_out}
    if not labels:  # the reference failed at every find
        return record
    record["training"] = cached(folder / TRAINED_FILE, lambda: train_round_of_hunt(plan, number, progress))
    record["force_error_at_finds"] = [errors_at_finds(plan, number, plan.model_of(k)) for k in (number - 1, number)]
    return record


def write_hunt_results(plan: HuntPlan, rounds: list[dict[str, Any]]) -> None:
    """Write `hunt.json` and `hunt.html` from the finished rounds.

    Args:
        plan: Plan of the hunt.
        rounds: Records of the finished rounds.
    """
    settings = plan.settings
    values = {
        "model": plan.model,
        "reference": settings.reference,
        "evaluations": settings.evaluations,
        "max_energy_error": settings.max_energy_error,
        "max_force_error": settings.max_force_error,
        "rounds": rounds,
    }
    write_json(values, plan.out / "hunt.json")
    write_hunt_page(values, plan.out / "hunt.html")


def _search_counts(searches: list[dict[str, Any]]) -> dict[str, Any]:
    done = [one for one in searches if not one["refused"]]
    calls = sum(one["force_calls"] for one in done)
    in_holes = sum(one["hole_share"] * one["force_calls"] for one in done)
    return {
        "n_molecules": len(searches),
        "n_refused": len(searches) - len(done),
        "n_minima": sum(one["n_minima"] for one in done),
        "n_conformers": sum(one["n_conformers"] for one in done),
        "force_calls": calls,
        "hole_share": in_holes / calls if calls else 0.0,
    }


def _molecule_records(searches: list[dict[str, Any]], finds: dict[int, dict]) -> list[dict[str, Any]]:
    """Return for each molecule its name, why it was refused, and its finds by reason."""
    records = []
    for k, one in enumerate(searches):
        reasons = {reason: n for reason, n in count_reasons([finds.get(k, {})]).items() if n}
        records.append({"name": one["name"], "smiles": one["smiles"], "refused": one["refused"], "finds": reasons})
    return records
