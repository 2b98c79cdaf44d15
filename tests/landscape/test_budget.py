"""Limits that end a run, and totals of a resumed run."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.config import BudgetSettings
from explorer.config_file import load_settings
from explorer.errors import ConfigError
from explorer.hopping.explore import explore
from explorer.io.build import from_smiles
from explorer.landscape.budget import Tally, reached
from explorer.potential.lennard_jones import lennard_jones
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import Costs, Round, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.units import KCAL_PER_MOL, parse_energy


def rounds(n: int) -> list[Round]:
    """Rounds of ten hops to two minima 0.05 eV apart; one hop of the first round reaches a third minimum at 1 eV."""
    minima = tuple(
        Minimum(
            id=k,
            energy=e,
            positions=np.zeros((1, 3)),
            structure_class=StructureClass.INTACT,
            fmax=0,
            n_evaluations=1,
            round=0,
        )
        for k, e in enumerate((0.0, 0.05, 1.0))
    )
    ends = [[0, 1] * 4 + [2, 0] if k == 0 else [0, 1] * 5 for k in range(n)]
    return [
        Round(
            index=k,
            minima=minima if k == 0 else (),
            hops=tuple(
                Hop(
                    walker=0,
                    index=k,
                    round=k,
                    start=0,
                    end=end,
                    outcome=Outcome.KNOWN,
                    reason="",
                    accepted=True,
                    temperature=400.0,
                    ediff=0.1,
                    highest_energy=0.0,
                    n_evaluations=30,
                )
                for end in ends[k]
            ),
            walkers={},
            n_evaluations=300 * (k + 1),
            wall_seconds=30.0 * (k + 1),
            potential_seconds=1.0,
        )
        for k in range(n)
    ]


def tally(n: int) -> Tally:
    counted = Tally()
    for round in rounds(n):
        counted.add(round)
    return counted


@pytest.mark.parametrize(
    ("budget", "n", "reason"),
    [
        (BudgetSettings(hops=20), 2, "20 hops done"),
        (BudgetSettings(evaluations=900), 3, "900 force calls used"),
        (BudgetSettings(minutes=2.0), 4, "2 minutes used"),
    ],
)
def test_each_limit_ends_a_run_with_a_message(budget, n, reason):
    assert reached(budget, tally(n - 1).progress(budget)) == ""
    assert reached(budget, tally(n).progress(budget)) == reason
    assert tally(n).progress(budget).fraction == 1.0


@pytest.mark.parametrize(
    ("budget", "n", "reason"),
    [
        (BudgetSettings(hops=20, connect=True), 2, "20 hops done"),
        (BudgetSettings(evaluations=1800, minutes=0, connect=True), 3, "900 of 1800 force calls used"),
        (BudgetSettings(minutes=3.0, connect=True), 3, "1.5 of 3 minutes used"),
    ],
)
def test_search_before_transition_states_ends_at_its_part_and_names_the_limit_of_the_user(budget, n, reason):
    assert reached(budget, tally(n - 1).progress(budget.of_search)) == ""
    assert reached(budget, tally(n).progress(budget.of_search)) == reason


def test_coverage_ends_a_run_after_enough_hops_with_a_message():
    budget = BudgetSettings(minutes=0.0, coverage=0.9, window=3 * KCAL_PER_MOL)
    assert reached(budget, tally(4).progress(budget)) == ""
    # both were visited often, and of 59 hops none ended in a minimum visited once: 1 + ln 0.025 / 59 = 0.937
    assert reached(budget, tally(6).progress(budget)) == (
        "estimated coverage 1.00 (1.00-1.00) of the minima within 3 kcal/mol"
    )
    assert tally(6).progress(budget).fraction == 0.0


def test_totals_of_a_stored_run_equal_those_of_its_rounds():
    parts, budget = rounds(3), BudgetSettings(hops=100, window=0.2)
    hops = tuple(hop for round in parts for hop in round.hops)
    stored = tuple(
        Costs(
            n_evaluations=r.n_evaluations,
            n_minima=3,
            wall_seconds=r.wall_seconds,
            potential_seconds=r.potential_seconds,
        )
        for r in parts
    )
    record = RunRecord(
        molecule=from_smiles("C"), config={}, provenance={}, minima=parts[0].minima, hops=hops, rounds=stored
    )
    assert Tally.of_run(record).progress(budget) == tally(3).progress(budget)


@pytest.mark.parametrize(
    ("text", "energy"),
    [
        ("3kcal", 3 * KCAL_PER_MOL),
        ("3 kcal/mol", 3 * KCAL_PER_MOL),
        ("12.552kJ", 3 * KCAL_PER_MOL),
        ("0.13eV", 0.13),
        (".5EV", 0.5),
        ("1e-1 ev", 0.1),
        ("130meV", 0.13),
    ],
)
def test_energies_are_read_with_their_unit(text, energy):
    assert parse_energy(text, "--window") == pytest.approx(energy, rel=1e-6)


@pytest.mark.parametrize("text", ["3", "kcal", "-3kcal", "3 kcal per mol", "3K", "", "nan eV"])
def test_texts_that_are_not_energies_with_a_unit_are_refused(text):
    with pytest.raises(ConfigError, match=r"--window takes an energy with its unit, such as 3kcal.*received"):
        parse_energy(text, "--window")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"coverage": 1.0}, "budget.coverage must be 0"),
        ({"coverage": 95.0}, "budget.coverage"),
        ({"window": -1.0}, "budget.window"),
        ({"minutes": 0.0}, "hops, evaluations, minutes or coverage"),
    ],
)
def test_invalid_budgets_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        BudgetSettings(**values)


@pytest.mark.slow
@pytest.mark.parametrize(("n_atoms", "n_minima"), [(7, 4), (8, 8)])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_search_of_a_cluster_ends_by_itself_with_all_its_minima(n_atoms, n_minima, seed):
    settings = load_settings(overrides={"potential": "lennard-jones", "seed": seed})
    budget = replace(settings.budget, minutes=0.0, coverage=0.9)
    positions = np.random.default_rng(seed).uniform(-0.75, 0.75, (n_atoms, 3)) * n_atoms ** (1 / 3)
    molecule = Molecule(
        name=f"lj{n_atoms}",
        atomic_numbers=np.full(n_atoms, 18),
        positions=positions,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n_atoms, int),
    )
    history, counted = History(symmetry_of(molecule), settings.identity), Tally()
    for round in explore(lennard_jones(), molecule, settings, history):
        counted.add(round)
        progress = counted.progress(budget)
        assert progress.n_evaluations < 200_000
        if reached(budget, progress):
            break
    assert len(history) == n_minima
    assert progress.coverage.richness.lower <= n_minima <= progress.coverage.richness.upper


def test_calls_of_hops_from_and_to_unknown_minima_are_counted():
    first, *others = rounds(3)
    unknown = replace(first, minima=(*first.minima[:2], replace(first.minima[2], exclusion="a hole")))
    counted = Tally()
    for round in (unknown, *others):
        counted.add(round)
    progress = counted.progress(BudgetSettings(hops=100))
    assert (progress.n_minima, progress.n_conformers, progress.n_unknown) == (3, 2, 1)
    assert progress.unknown_share == pytest.approx(1 / 30)  # one hop of thirty ended there
    assert progress.coverage.n_seen == 2
    known = tally(3).progress(BudgetSettings(hops=100, window=0.0))
    assert (known.n_unknown, known.unknown_share, known.coverage.n_seen) == (0, 0.0, 3)
