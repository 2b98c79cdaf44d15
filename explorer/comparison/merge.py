"""Merge of several runs of one molecule with one model into a single run."""

import copy
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from explorer.comparison.matching import match_atoms
from explorer.config import IdentitySettings
from explorer.errors import InputError
from explorer.records.hop import Hop, Outcome
from explorer.records.molecule import Molecule
from explorer.records.run import LOST_STATE, RECOVERED_FROM, RECOVERED_WITHOUT, START_TIMES, Round, RunRecord
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

_MERGED_FROM = "merged"  # key of the provenance that lists the merged runs


def merge_runs(runs: Sequence[RunRecord], names: Sequence[str], settings: IdentitySettings) -> list[Round]:
    """Concatenate the rounds of all runs as if a single search had stored them.

    A minimum that an earlier run has found gets the id of that run, and the outcome of hops that found it again
    changes from new to known. Distinct minima of one run stay distinct unless both match the same minimum of an
    earlier run. Walkers are renumbered; the relaxations of the inputs get the numbers -1, -2, ... Force calls and times
    add up.

    Args:
        runs: At least one run. Atoms of later runs are brought into the order of the first.
        names: Names of the runs, for error messages.
        settings: Identity thresholds.

    Returns:
        Rounds of the merged run, without states of walkers.

    Raises:
        InputError: If molecule, model or identity settings differ.
    """
    _check_alike(runs, names)
    molecule = runs[0].molecule
    history = History(symmetry_of(molecule), settings)
    merged: list[Round] = []
    n_walkers = 0
    for number, (run, name) in enumerate(zip(runs, names, strict=True)):
        order = _order(molecule, run.molecule, name, names[0])
        merged += _rounds(run, order, history, number, n_walkers, merged[-1] if merged else None)
        n_walkers += count_walkers(run)
    return merged


def count_walkers(run: RunRecord) -> int:
    """Return the number of walkers of a run, from the largest index of a walker that has finished a hop.

    Args:
        run: The run.
    """
    return max((hop.walker for hop in run.hops), default=-1) + 1


def merged_config(runs: Sequence[RunRecord]) -> dict:
    """Return the settings of the first run, with the total number of walkers of all runs.

    Args:
        runs: Runs in order.
    """
    config = copy.deepcopy(runs[0].config)
    config.setdefault("hopping", {})["n_walkers"] = sum(count_walkers(run) for run in runs)
    return config


def merged_provenance(runs: Sequence[RunRecord], names: Sequence[str]) -> dict[str, str]:
    """Combine the provenance of all runs. Entries that differ are joined, and the merged runs are listed.

    Start times are left out, since no command has made the whole merged run.

    Args:
        runs: Runs in order.
        names: Names of the runs.
    """
    keys = dict.fromkeys(key for run in runs for key in run.provenance if key not in (_MERGED_FROM, *START_TIMES))
    entries = {key: " | ".join(dict.fromkeys(run.provenance.get(key, "") for run in runs)) for key in keys}
    parts = [
        f"{name} (seed {run.config.get('seed')}, {len(run.minima)} minima, {len(run.hops)} hops, "
        f"{run.rounds[-1][0] if run.rounds else 0} force calls"
        + (f", itself merged from {run.provenance[_MERGED_FROM]}" if _MERGED_FROM in run.provenance else "")
        + ")"
        for run, name in zip(runs, names, strict=True)
    ]
    return entries | {_MERGED_FROM: "; ".join(parts)}


def refuse_to_resume(run: RunRecord, name: str) -> None:
    """Refuse to resume a run without states of walkers: one that was merged, or recovered without them.

    Args:
        run: Run that is to be resumed.
        name: Name of the run, for the error message.

    Raises:
        InputError: If the run has no walkers.
    """
    if _MERGED_FROM in run.provenance:
        raise InputError(
            f"{name} was merged from {run.provenance[_MERGED_FROM]} and cannot be resumed because it has no walkers. "
            "Resume one of these runs or start a new one, and merge again."
        )
    if LOST_STATE in run.provenance.get(RECOVERED_WITHOUT, ""):
        raise InputError(
            f"{name} was recovered from {run.provenance[RECOVERED_FROM]} and cannot be resumed because {LOST_STATE} is "
            "lost. Start a new run, and join both with pes-explore merge."
        )


def _check_alike(runs: Sequence[RunRecord], names: Sequence[str]) -> None:
    for (a, b), (name_a, name_b) in zip(pairwise(runs), pairwise(names), strict=True):
        models = [(r.config.get("potential"), r.provenance.get("potential_digest", "")) for r in (a, b)]
        if models[0][1] != models[1][1] or (not models[0][1] and models[0] != models[1]):
            (first, one), (second, other) = models
            raise InputError(
                f"Runs of one model were expected, received {name_a} with model {first} ({one}) and {name_b} with "
                f"{second} ({other}). Use pes-explore compare for runs of different models."
            )
        if a.config.get("identity") != b.config.get("identity"):
            raise InputError(
                f"The same identity settings were expected, received {a.config.get('identity')} in {name_a} and "
                f"{b.config.get('identity')} in {name_b}. Merge runs with the same identity settings."
            )


def _order(molecule: Molecule, other: Molecule, name: str, first: str) -> Int[np.ndarray, "N"]:
    same = (molecule.total_charge, molecule.multiplicity) == (other.total_charge, other.multiplicity)
    order = match_atoms(molecule, other.atomic_numbers, other.bonds, other.positions) if same else None
    if order is None:
        raise InputError(
            f"Runs of one molecule were expected, received {molecule.name} in {first} and {other.name} in {name}. They "
            "differ in elements, bonds, stereocentres, charge or multiplicity. Merge runs of one molecule."
        )
    return order


def _rounds(
    run: RunRecord,
    order: Int[np.ndarray, "N"],
    history: History,
    number: int,
    n_walkers: int,
    before: Round | None,
) -> list[Round]:
    """Renumber the rounds of one run to follow those merged so far; add its new minima to the history."""
    first = before.index + 1 if before else 0
    calls = before.n_evaluations if before else 0
    wall, potential, idle = (before.wall_seconds, before.potential_seconds, before.n_idle) if before else (0.0, 0.0, 0)
    positions = np.array([m.positions[order] for m in run.minima]).reshape(-1, len(order), 3)
    classes = [m.structure_class for m in run.minima]
    known = history.identify_batch(np.array([m.energy for m in run.minima]), positions, classes) if len(history) else []
    ids, added = {-1: -1}, {}
    for k, minimum in enumerate(run.minima):
        id = known[k] if known else None
        if id is None:
            id = len(history)
            added[minimum.id] = replace(
                minimum,
                id=id,
                positions=positions[k],
                n_evaluations=minimum.n_evaluations + calls,
                round=minimum.round + first,
            )
            history.add(added[minimum.id])
        ids[minimum.id] = id
    minima_of, hops_of = defaultdict(list), defaultdict(list)
    for minimum in added.values():
        minima_of[minimum.round].append(minimum)
    for hop in run.hops:
        renumbered = _hop(hop, ids, set(added), number, n_walkers, first)
        hops_of[renumbered.round].append(renumbered)
    return [
        Round(
            index=first + k,
            minima=tuple(minima_of[first + k]),
            hops=tuple(hops_of[first + k]),
            walkers={},
            n_evaluations=costs.n_evaluations + calls,
            wall_seconds=costs.wall_seconds + wall,
            potential_seconds=costs.potential_seconds + potential,
            n_idle=costs.n_idle + idle,
        )
        for k, costs in enumerate(run.rounds)
    ]


def _hop(hop: Hop, ids: dict[int, int], added: Container[int | None], number: int, n_walkers: int, first: int) -> Hop:
    start, end, outcome = ids[hop.start], None if hop.end is None else ids[hop.end], hop.outcome
    if outcome == Outcome.NEW and hop.end not in added:
        outcome = Outcome.KNOWN
    if outcome in (Outcome.NEW, Outcome.KNOWN) and start == end:
        outcome = Outcome.SAME
    walker = hop.walker + n_walkers if hop.walker >= 0 else hop.walker - number
    return replace(hop, walker=walker, round=hop.round + first, start=start, end=end, outcome=outcome)
