"""The graph of minima from hand-made records."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.landscape.graph import minima_graph
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.units import KCAL_PER_MOL

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
