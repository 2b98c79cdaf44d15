"""The graph of minima from hand-made records."""

import json
import os
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from explorer.landscape.disconnectivity import disconnectivity
from explorer.landscape.graph import minima_graph, saddles_only
from explorer.landscape.paths import minimax_path
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import TransitionState, TransitionStateEnd
from explorer.units import KCAL_PER_MOL

# searched landscapes of a dipeptide; beside the repository or where the variable says
REFERENCE_DATA = Path(
    os.environ.get("PES_EXPLORE_REFERENCE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
INTACT, BROKEN = StructureClass.INTACT, StructureClass.BOND_BROKEN


def record(energies, hops, classes=None, visits=None) -> RunRecord:
    """A run of a diatomic; hops are (start, end, highest energy)."""
    molecule = Molecule(
        name="pair",
        atomic_numbers=np.array([1, 1]),
        positions=np.eye(2, 3),
        bonds=np.array([[0, 1]]),
        bond_orders=np.ones(1),
        formal_charges=np.zeros(2, int),
    )
    classes = classes or [INTACT] * len(energies)
    minima = tuple(
        Minimum(id=k, energy=e, positions=np.eye(2, 3), structure_class=c, fmax=0.001, n_evaluations=10 * k, round=0)
        for k, (e, c) in enumerate(zip(energies, classes, strict=True))
    )
    made = tuple(
        Hop(
            walker=0,
            index=k,
            round=0,
            start=start,
            end=end,
            outcome=Outcome.FAILED if end is None else Outcome.KNOWN,
            reason="",
            accepted=True,
            temperature=300.0,
            ediff=0.1,
            highest_energy=top,
            n_evaluations=20,
        )
        for k, (start, end, top) in enumerate(hops)
    )
    return RunRecord(
        molecule=molecule, config={}, provenance={}, minima=minima, hops=made, rounds=(), visits=visits or {}
    )


def test_hops_in_both_directions_make_one_edge_with_the_lowest_bound():
    graph = minima_graph(record([0.0, 0.1, 0.3], [(0, 1, 0.9), (1, 0, 0.7), (0, 1, 0.8), (1, 2, 0.6)]))
    assert graph.number_of_edges() == 2
    assert graph.edges[0, 1, "escape"] == {"kind": "escape", "n_hops": 3, "upper_bound": 0.7}
    assert graph.edges[1, 2, "escape"]["n_hops"] == 1


def test_returns_failures_and_the_first_relaxation_make_no_edge():
    graph = minima_graph(record([0.0, 0.1], [(-1, 0, 5.0), (0, 0, 0.4), (0, None, 0.6)]))
    assert graph.number_of_nodes() == 2
    assert graph.number_of_edges() == 0


def test_bound_is_at_least_the_energy_of_both_minima():
    graph = minima_graph(record([0.0, 0.5], [(0, 1, 0.45)]))
    assert graph.edges[0, 1, "escape"]["upper_bound"] == 0.5


def test_nodes_carry_energies_relative_to_the_lowest_conformer():
    run = record([0.0, KCAL_PER_MOL, 3 * KCAL_PER_MOL], [], [BROKEN, INTACT, INTACT], {0: 4, 1: 2, 2: 1})
    nodes = minima_graph(run).nodes
    assert [nodes[k]["relative_energy"] / KCAL_PER_MOL for k in range(3)] == pytest.approx([-1, 0, 2])
    assert [nodes[k]["visits"] for k in range(3)] == [4, 2, 1]
    assert nodes[0]["structure_class"] == BROKEN
    assert nodes[2]["n_evaluations"] == 20


def test_run_without_minima_is_an_empty_graph():
    assert len(minima_graph(replace(record([], []), hops=()))) == 0


def transition_state(id: int, a: int, b: int, energy: float) -> TransitionState:
    return TransitionState(
        id=id,
        energy=energy,
        positions=np.eye(2, 3),
        fmax=1e-4,
        direction=np.eye(2, 3),
        wavenumbers=np.array([-120.0]),
        structure_class=INTACT,
        ends=(TransitionStateEnd(minimum=a), TransitionStateEnd(minimum=b)),
        n_evaluations=100,
        round=0,
    )


def test_transition_states_are_edges_beside_the_bounds_of_hops():
    run = record([0.0, 0.1, 0.3], [(0, 1, 0.9), (1, 2, 0.35)])
    states = [(0, 1, 0.6), (1, 0, 0.8), (1, 2, 0.5), (2, 2, 0.4), (0, 7, 0.2)]
    run = replace(run, transition_states=tuple(transition_state(k, *ends) for k, ends in enumerate(states)))
    graph = minima_graph(run)
    saddles = saddles_only(graph)
    assert sorted(edge["id"] for *_, edge in saddles.edges(data=True)) == [0, 1, 2, 3]  # minimum 7 is none
    (edge,) = (edge for *_, edge in saddles.edges(data=True) if edge["id"] == 1)
    assert edge == {
        "kind": "saddle",
        "id": 1,
        "energy": 0.8,
        "upper_bound": 0.8,
        "imaginary": 120.0,
        "degenerate": False,
        "structure_class": INTACT,
        "n_hops": 0,
    }
    assert [edge["degenerate"] for a, b, edge in saddles.edges(data=True) if a == b] == [True]
    assert graph.edges[0, 1, "escape"]["upper_bound"] == 0.9
    assert minimax_path(graph, 0, 2).saddles == (0, None)  # the bound shows that a lower saddle than number 2 exists
    assert minimax_path(saddles, 0, 2).saddles == (0, 2)


@pytest.mark.parametrize("name", ["ac_ala_nhme_default", "ac_ala_nhme_so3lr"])
def test_barriers_of_a_searched_landscape_are_those_of_its_table(name):
    path = REFERENCE_DATA / "landscape" / f"{name}.json"
    if not path.exists():
        pytest.skip("the reference data are not here")
    table = json.loads(path.read_text())
    states = tuple(transition_state(k, *s["ends"], s["energy"]) for k, s in enumerate(table["saddles"]))
    run = replace(record([m["energy"] for m in table["minima"]], []), transition_states=states)
    graph = saddles_only(minima_graph(run))
    tree = disconnectivity(graph)
    for minimum in table["minima"][1:]:
        found = minimax_path(graph, minimum["id"], 0)
        if minimum["minimax_energy"] is None:
            assert found is None
            continue
        assert found.upper_bound == pytest.approx(minimum["minimax_energy"], abs=1e-3)
        shared = nx.ancestors(tree, minimum["id"]) & nx.ancestors(tree, 0)
        assert min(tree.nodes[node]["energy"] for node in shared) == found.upper_bound
