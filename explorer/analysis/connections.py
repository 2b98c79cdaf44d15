"""Numbers of the transition states of a run."""

from collections import Counter
from typing import Any

import networkx as nx

from explorer.records.run import RunRecord
from explorer.records.transition_states import AttemptOutcome
from explorer.units import KCAL_PER_MOL

TRANSITION_STATE_COLUMNS = ("saddle", "energy (kcal/mol)", "imaginary (1/cm)", "minima", "remark")


def connection_counts(run: RunRecord) -> dict[str, Any]:
    """Return the numbers of transition states, links and attempts of a run.

    `connected_share` is the share of the conformers that transition states join to the lowest one; None where no
    attempt was made.

    Args:
        run: The run.
    """
    outcomes = Counter(attempt.outcome for attempt in run.saddle_attempts)
    return {
        "n_saddles": len(run.transition_states),
        "n_degenerate": sum(state.is_degenerate for state in run.transition_states),
        "connected_share": connected_share(run) if run.saddle_attempts else None,
        "n_attempts": len(run.saddle_attempts),
        "attempt_outcomes": {str(outcome): outcomes[outcome] for outcome in AttemptOutcome},
        "connect_evaluations": sum(attempt.n_evaluations for attempt in run.saddle_attempts),
        "connect_seconds": run.connect_seconds,
    }


def connected_share(run: RunRecord) -> float | None:
    """Return the share of the conformers that transition states join to the lowest one; None without conformers.

    Args:
        run: The run.
    """
    energies = {minimum.id: minimum.energy for minimum in run.conformers}
    if not energies:
        return None
    graph = nx.empty_graph(minimum.id for minimum in run.minima)
    graph.add_edges_from(state.minima for state in run.transition_states)
    linked = nx.node_connected_component(graph, min(energies, key=lambda m: energies[m]))
    return len(linked & set(energies)) / len(energies)


def transition_state_rows(run: RunRecord, n: int) -> list[tuple[str, ...]]:
    """Return the lowest transition states between different minima as texts, with `TRANSITION_STATE_COLUMNS`.

    Args:
        run: The run.
        n: Largest number of rows.
    """
    ranked = sorted((s for s in run.transition_states if not s.is_degenerate), key=lambda s: (s.energy, s.id))
    return [
        (
            str(state.id),
            f"{(state.energy - run.zero) / KCAL_PER_MOL:.2f}",
            f"{state.imaginary:.0f}",
            f"{state.minima[0]} - {state.minima[1]}",
            state.remark,
        )
        for state in ranked[:n]
    ]
