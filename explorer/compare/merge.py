"""Several runs of one molecule on one surface as one run."""

import copy
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from explorer.compare.matching import match_atoms
from explorer.config import IdentitySettings
from explorer.errors import InputError
from explorer.records.hop import Hop, Outcome
from explorer.records.molecule import Molecule
from explorer.records.run import Round, RunRecord
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

MERGED = "merged"  # entry of the provenance that says of what


def merge_runs(runs: Sequence[RunRecord], names: Sequence[str], settings: IdentitySettings) -> list[Round]:
    """The rounds of all runs, one run after the other, as a single search would have stored them.

    A minimum that an earlier run had found gets the id that it has there, and hops that found it anew become known
    ones; minima of one run that a search told apart stay apart unless an earlier run holds one that is both.
    Walkers get numbers of their own, the relaxations of the inputs -1, -2, ...; force calls and times add up.

    Args:
        runs: at least one; atoms of the later ones are brought into the order of the first.
        names: of the runs, for errors.
        settings: when two structures are the same minimum.

    Raises:
        InputError: when molecule, model or identity settings differ.
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
    """Walkers that have finished a hop, by their largest number."""
    return max((hop.walker for hop in run.hops), default=-1) + 1


def merged_config(runs: Sequence[RunRecord]) -> dict:
    """The settings of the first run, with all walkers."""
    config = copy.deepcopy(runs[0].config)
    config.setdefault("hopping", {})["n_walkers"] = sum(count_walkers(run) for run in runs)
    return config


def merged_provenance(runs: Sequence[RunRecord], names: Sequence[str]) -> dict[str, str]:
    """What all runs have in common, what differs one after the other, and what was merged."""
    keys = dict.fromkeys(key for run in runs for key in run.provenance if key != MERGED)
    entries = {key: " | ".join(dict.fromkeys(run.provenance.get(key, "") for run in runs)) for key in keys}
    parts = [
        f"{name} (seed {run.config.get('seed')}, {len(run.minima)} minima, {len(run.hops)} hops, "
        f"{run.rounds[-1][0] if run.rounds else 0} force calls"
        + (f", itself merged from {run.provenance[MERGED]}" if MERGED in run.provenance else "")
        + ")"
        for run, name in zip(runs, names, strict=True)
    ]
    return entries | {MERGED: "; ".join(parts)}


def refuse_to_resume(run: RunRecord, name: str) -> None:
    """Raises an `InputError` for a merged run: its walkers stand nowhere."""
    if MERGED in run.provenance:
        raise InputError(
            f"{name} was merged from {run.provenance[MERGED]} and cannot go on: it has no walkers of its own. "
            "Resume one of these runs, or start a new one, and merge again."
        )


def _check_alike(runs: Sequence[RunRecord], names: Sequence[str]) -> None:
    for (a, b), (name_a, name_b) in zip(pairwise(runs), pairwise(names), strict=True):
        models = [(r.config.get("potential"), r.provenance.get("potential_digest", "")) for r in (a, b)]
        if models[0][1] != models[1][1] or (not models[0][1] and models[0] != models[1]):
            (first, one), (second, other) = models
            raise InputError(
                f"{name_a} was made with model {first} ({one}), {name_b} with {second} ({other}); energies of two "
                "surfaces do not mix. Merge runs of one model; compare others by pes-explore compare."
            )
        if a.config.get("identity") != b.config.get("identity"):
            raise InputError(
                f"{name_a} and {name_b} tell minima apart differently: {a.config.get('identity')} and "
                f"{b.config.get('identity')}. Merge runs with the same identity settings."
            )


def _order(molecule: Molecule, other: Molecule, name: str, first: str) -> Int[np.ndarray, "N"]:
    same = (molecule.total_charge, molecule.multiplicity) == (other.total_charge, other.multiplicity)
    order = match_atoms(molecule, other.atomic_numbers, other.bonds, other.positions) if same else None
    if order is None:
        raise InputError(
            f"{name} explores {other.name}, {first} {molecule.name}: other elements, bonds, stereocentres, charge or "
            "multiplicity. Merge runs of one molecule."
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
    """The rounds of one run after what was merged so far; adds its new minima to the history."""
    first = before.index + 1 if before else 0
    calls = before.n_evaluations if before else 0
    wall, potential, idle = (before.wall_seconds, before.potential_seconds, before.n_idle) if before else (0.0, 0.0, 0)
    positions = np.array([m.positions[order] for m in run.minima]).reshape(-1, len(order), 3)
    kinds = [m.structure_class for m in run.minima]
    known = history.identify_batch(np.array([m.energy for m in run.minima]), positions, kinds) if len(history) else []
    ids, fresh = {-1: -1}, {}
    for k, minimum in enumerate(run.minima):
        found = known[k] if known else None
        if found is None:
            found = len(history)
            fresh[minimum.id] = replace(
                minimum,
                id=found,
                positions=positions[k],
                n_evaluations=minimum.n_evaluations + calls,
                round=minimum.round + first,
            )
            history.add(fresh[minimum.id])
        ids[minimum.id] = found
    minima_of, hops_of = defaultdict(list), defaultdict(list)
    for minimum in fresh.values():
        minima_of[minimum.round].append(minimum)
    for hop in run.hops:
        moved = _hop(hop, ids, set(fresh), number, n_walkers, first)
        hops_of[moved.round].append(moved)
    return [
        Round(
            first + k,
            tuple(minima_of[first + k]),
            tuple(hops_of[first + k]),
            {},
            costs.n_evaluations + calls,
            costs.wall_seconds + wall,
            costs.potential_seconds + potential,
            costs.n_idle + idle,
        )
        for k, costs in enumerate(run.rounds)
    ]


def _hop(hop: Hop, ids: dict[int, int], fresh: Container[int | None], number: int, n_walkers: int, first: int) -> Hop:
    start, end, outcome = ids[hop.start], None if hop.end is None else ids[hop.end], hop.outcome
    if outcome == Outcome.NEW and hop.end not in fresh:
        outcome = Outcome.KNOWN
    if outcome in (Outcome.NEW, Outcome.KNOWN) and start == end:
        outcome = Outcome.SAME
    walker = hop.walker + n_walkers if hop.walker >= 0 else hop.walker - number
    return replace(hop, walker=walker, round=hop.round + first, start=start, end=end, outcome=outcome)
