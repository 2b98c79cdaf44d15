"""Outcome of a finished hop: identification, acceptance and the next state of the walker."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from explorer.config import HoppingSettings
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.moves import MOVES, Move
from explorer.records.structure_class import StructureClass, allowed_classes, is_change
from explorer.records.uncertainty import UncertaintyEstimate
from explorer.strategy.acceptance import is_accepted
from explorer.strategy.feedback import update_ediff, update_temperature
from explorer.strategy.history import History
from explorer.topology.classify import Classification

RECOGNISED = "recognised before the relaxation was finished"  # stored as the reason of a hop


@dataclass(frozen=True, kw_only=True, eq=False)
class HopEnd:
    """Structure where a hop ended. All arrays are numpy.

    Attributes:
        walker: Index of the walker.
        positions: Positions, Å.
        energy: Energy, eV.
        fmax: Largest force on an atom, eV/Å.
        highest_energy: Highest potential energy before the relaxation, eV.
        n_evaluations: Force calls of the hop.
        failure: Why the relaxation did not converge; empty when it did.
        escape_classification: Classification of the structure where the dynamics ended; None without dynamics and
            where they exploded.
        classification: Classification of the final structure.
        known_id: Id of the minimum that the structure belongs to; None for a new one.
        uncertainty: Uncertainty of the model at the final structure; None where it is not estimated.
        exclusion: Why the final structure is no result; empty for a result.
        is_recognised: Whether the relaxation was stopped because its minimum was recognised.
    """

    walker: int
    positions: Float[np.ndarray, "N 3"]
    energy: float
    fmax: float
    highest_energy: float
    n_evaluations: int
    failure: str
    escape_classification: Classification | None
    classification: Classification
    known_id: int | None = None
    uncertainty: UncertaintyEstimate | None = None
    exclusion: str = ""
    is_recognised: bool = False


@dataclass(kw_only=True)
class WalkerState:
    """State of a walker between hops.

    The field names are the names of arrays in the stored state of a run. Resuming depends on them: a renamed field
    needs an entry in `records.former_names.WALKER_ARRAYS`, and a new one needs a default.

    Attributes:
        start: Id of the minimum from which the walker hops.
        temperature: Temperature of the current hop, K.
        ediff: Acceptance threshold, eV.
        hop: Number of the current hop, from 0.
        move: Move of the current hop, as an index into `MOVES`.
        targets_low_energy: Whether the current hop is meant to find a new low minimum and not just any new one.
        n_known: Number of minima that were known when the current hop began.
    """

    start: int
    temperature: float
    ediff: float
    hop: int
    move: int = 0
    targets_low_energy: bool = False
    n_known: int = 0

    @staticmethod
    def pack(states: list["WalkerState"]) -> dict[str, np.ndarray]:
        """Return an array for each field, with a leading walker axis."""
        return {name: np.array([getattr(s, name) for s in states]) for name in WalkerState.__dataclass_fields__}

    @staticmethod
    def unpack(arrays: Mapping[str, np.ndarray]) -> list["WalkerState"]:
        """Return the states that `pack` packed. Fields that an older version did not store get their defaults."""
        columns = {name: arrays[name].tolist() for name in WalkerState.__dataclass_fields__ if name in arrays}
        return [
            WalkerState(**dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
        ]


def conclude_hop(
    hop_end: HopEnd,
    walker_state: WalkerState,
    history: History,
    settings: HoppingSettings,
    n_evaluations: int,
    round_index: int,
    start_torsions: tuple[float, ...] = (),
) -> Hop:
    """Identify the structure, store it if it is new, and update the walker. Modifies `history` and `walker_state`.

    Args:
        hop_end: Where the hop ended.
        walker_state: State of the walker; it becomes the state at the start of the next hop.
        history: All minima so far.
        settings: Feedback and acceptance.
        n_evaluations: Force calls of the run so far, stored with a new minimum.
        round_index: Round in which the hop ended.
        start_torsions: Torsions where the relaxation of a jump started, degrees.

    Returns:
        The record of the hop.
    """
    end, is_new = _identify_or_add(hop_end, history, n_evaluations, round_index)
    uncertainty = hop_end.uncertainty if end is None else history[end].uncertainty
    exclusion = "" if end is None else history[end].exclusion
    outcome = _outcome(hop_end, end, is_new, exclusion, walker_state, settings)
    change = hop_end.energy - history[walker_state.start].energy
    history.record_departure(walker_state.start)
    # a random restart is accepted at any energy, so that the walker leaves the region it was in
    accepted = is_accepted(outcome, change, walker_state.ediff, MOVES[walker_state.move])
    start_class = history[walker_state.start].structure_class
    hop = Hop(
        walker=hop_end.walker,
        index=walker_state.hop,
        round=round_index,
        start=walker_state.start,
        end=end,
        outcome=outcome,
        reason=exclusion if outcome == Outcome.TOO_UNCERTAIN else reason_of(hop_end, start_class),
        accepted=accepted,
        temperature=walker_state.temperature,
        ediff=walker_state.ediff,
        highest_energy=hop_end.highest_energy,
        n_evaluations=hop_end.n_evaluations,
        escape_class=hop_end.escape_classification.structure_class if hop_end.escape_classification else None,
        move=MOVES[walker_state.move],
        start_torsions=start_torsions,
        uncertainty=uncertainty,
    )
    visits = history.visits[end] if end is not None else 1
    if hop.move == Move.HOPPING:  # all other moves do not use the temperature
        walker_state.temperature = update_temperature(walker_state.temperature, outcome, visits, settings)
    walker_state.ediff = update_ediff(walker_state.ediff, outcome, accepted, settings)
    walker_state.hop += 1
    if accepted and end is not None:
        walker_state.start = end
    return hop


def reason_of(hop_end: HopEnd, start: StructureClass) -> str:
    """Return why a hop failed, or how its final structure differs from the input and when that happened.

    Args:
        hop_end: Where the hop ended.
        start: Class of the minimum that was left.
    """
    final, escape = hop_end.classification, hop_end.escape_classification
    now = final.reason or "back to the given molecule"
    then = (
        ""
        if escape is None or not is_change(start, escape.structure_class)
        else escape.reason or "the given molecule again"
    )
    if hop_end.failure:
        ended = f" ({final.structure_class}: {final.reason})" if is_change(start, final.structure_class) else ""
        return hop_end.failure + ended + (f"; changed already during the escape: {then}" if then else "")
    if is_change(start, final.structure_class):
        return f"{now} ({'already during the escape' if then else 'during the relaxation'})"
    restored = f"changed during the escape ({then}), restored by the relaxation" if then else ""
    recognised = RECOGNISED if hop_end.is_recognised else ""
    return "; ".join(text for text in (final.reason, restored, recognised) if text)


def draw_low_minimum(
    energies: Float[np.ndarray, "n"], visits: Int[np.ndarray, "n"], energy_scale: float, rng: np.random.Generator
) -> int:
    """Draw a low, rarely visited minimum with a probability proportional to exp(-E / energy_scale) / visits.

    E is the energy above the lowest minimum.

    Args:
        energies: Energies of the minima where walkers may be, eV.
        visits: Number of visits of each minimum.
        energy_scale: Energy over which the probability decays, eV.
        rng: Random number generator.

    Returns:
        Index into the energies.
    """
    weights = np.exp(-(energies - energies.min()) / energy_scale) / visits
    return int(rng.choice(len(energies), p=weights / weights.sum()))


def _identify_or_add(
    hop_end: HopEnd, history: History, n_evaluations: int, round_index: int
) -> tuple[int | None, bool]:
    """Return the id of the minimum that was reached (None after a failure), and whether it is new."""
    if hop_end.failure:
        return None, False
    minimum_id = hop_end.known_id
    if minimum_id is None:  # another hop of the same round may have added this minimum in the meantime
        minimum_id = history.identify(hop_end.energy, hop_end.positions, hop_end.classification.structure_class)
    if minimum_id is not None:
        history.record_visit(minimum_id)
        return minimum_id, False
    minimum = Minimum(
        id=len(history),
        energy=hop_end.energy,
        positions=hop_end.positions,
        structure_class=hop_end.classification.structure_class,
        fmax=hop_end.fmax,
        n_evaluations=n_evaluations,
        round=round_index,
        uncertainty=hop_end.uncertainty,
        exclusion=hop_end.exclusion,
    )
    return history.add(minimum), True


def _outcome(
    hop_end: HopEnd,
    end: int | None,
    is_new: bool,
    exclusion: str,
    walker_state: WalkerState,
    settings: HoppingSettings,
) -> Outcome:
    if end is None:
        return Outcome.FAILED
    if not hop_end.classification.is_within(allowed_classes(settings.allow)):
        return Outcome.CHANGED
    if exclusion:
        return Outcome.TOO_UNCERTAIN
    if is_new:
        return Outcome.NEW
    return Outcome.SAME if end == walker_state.start else Outcome.KNOWN
