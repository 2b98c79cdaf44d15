"""Benchmark of searches on clusters with known minima: counting of force calls, verification of claims."""

import json
from itertools import count

import jax
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from clusters import argon_cluster

from explorer.bench.ase_hopping import CountingCalculator, RecordedHopping, Spent, hop_with_ase, with_calculator
from explorer.bench.claims import DUPLICATE, SADDLE, Claims, ClaimVerifier, VerifiedClaims
from explorer.bench.curves import counts_at
from explorer.bench.own_hopping import hop
from explorer.bench.search import cells, summarise, variants, write
from explorer.config_file import load_settings
from explorer.hopping.engine import make_engine
from explorer.io.build import from_sequence
from explorer.potential.lennard_jones import lennard_jones
from explorer.records.molecule import Molecule

SETTINGS = load_settings(overrides={"potential": "lennard-jones", "hopping.n_walkers": 4})
TETRAHEDRON = 2**0.5 / 4 * 2 ** (1 / 6) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
SQUARE = 1.1 * np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])


def compact(n_atoms: int, seed: int = 0) -> Molecule:
    return argon_cluster(np.random.default_rng(seed).uniform(-1, 1, (n_atoms, 3)) * 0.6 * n_atoms ** (1 / 3))


def claims_of(positions: list[np.ndarray], n_evaluations: list[int], n_spent: int = 4000) -> Claims:
    return Claims(np.array(positions), np.array(n_evaluations), n_spent, 1.0)


def wander(atoms: Atoms) -> None:
    """Do force calls until an exception."""
    for seed in count():
        atoms.rattle(0.01, seed=seed)
        atoms.get_forces()
        atoms.get_potential_energy()  # computed already


class Tally(LennardJones):
    """Calculator with a counter of its own."""

    n_times = 0

    def calculate(self, *arguments, **options):
        Tally.n_times += 1
        super().calculate(*arguments, **options)


def test_a_duplicate_and_a_saddle_are_rejected_and_all_claims_are_counted():
    """The square of four atoms is a saddle of Lennard-Jones, the tetrahedron the only minimum, at six bonds."""
    turned = TETRAHEDRON[[2, 0, 3, 1]] @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    claims = claims_of([SQUARE, TETRAHEDRON, turned], [10, 20, 30])
    verified = ClaimVerifier(lennard_jones(), argon_cluster(TETRAHEDRON), SETTINGS).verify(claims)
    assert verified.found_after.tolist() == [20]
    assert verified.energies == pytest.approx([-6], abs=1e-6)
    assert verified.rejected == {DUPLICATE: 1, SADDLE: 1}
    row = summarise(claims, verified)
    assert row["claimed_per_true"] == 3
    assert row["calls_per_true_minimum"] == 4000
    assert row["calls_per_true_minimum_early"] == 3000


def test_a_search_without_claims_has_no_ratios():
    claims = Claims(np.zeros((0, 4, 3)), np.zeros(0, int), 50, 1.0)
    verified = ClaimVerifier(lennard_jones(), argon_cluster(TETRAHEDRON), SETTINGS).verify(claims)
    row = summarise(claims, verified)
    assert row["n_true"] == 0
    assert row["calls_per_true_minimum"] is row["lowest_eV"] is None
    assert "–" in cells([row])


@pytest.mark.parametrize("limit", [1, 37, 400])
def test_ase_gets_exactly_its_force_calls(limit, monkeypatch):
    """The inner calculator counts, so the limit holds at any step of the search."""
    monkeypatch.setattr(Tally, "n_times", 0)
    atoms = Atoms(np.full(7, 18), compact(7).positions)
    atoms.calc = counter = CountingCalculator(Tally(), limit)
    with pytest.raises(Spent):
        wander(atoms)
    assert counter.n_evaluations == Tally.n_times == limit


def test_ase_hops_until_its_calls_are_spent_and_records_when_minima_were_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    claims = hop_with_ase(compact(7), SETTINGS, 400, seed=1)
    assert claims.n_spent == 400
    assert not claims.failure
    assert len(claims.positions) >= 1
    assert np.all(np.diff(claims.n_evaluations) > 0)
    assert not list(tmp_path.iterdir())
    again = hop_with_ase(compact(7), SETTINGS, 400, seed=1)
    np.testing.assert_array_equal(again.positions, claims.positions)
    verified = ClaimVerifier(lennard_jones(), compact(7), SETTINGS).verify(claims)
    assert 1 <= len(verified.found_after) <= 4  # LJ7 has four minima
    assert len(verified.found_after) + sum(verified.rejected.values()) == len(claims.positions)


def test_a_failure_of_ase_is_a_result(monkeypatch):
    def fail(self):
        raise FloatingPointError("too hot")

    monkeypatch.setattr(RecordedHopping, "_molecular_dynamics", fail)
    claims = hop_with_ase(compact(4), SETTINGS, 500, seed=0)
    assert claims.failure == "FloatingPointError: too hot"
    assert claims.n_spent < 500
    assert len(claims.positions) == 1


def test_an_ase_calculator_is_used_directly_with_the_bonds_of_the_molecule():
    molecule = from_sequence("G")
    settings = load_settings(overrides={"potential": "ase:explorer.bench.mmff:MMFF"})
    calculator, atoms = with_calculator(molecule, settings)
    assert type(calculator).__name__ == "MMFF"
    np.testing.assert_array_equal(atoms.info["bonds"], molecule.bonds)
    np.testing.assert_array_equal(atoms.positions, molecule.positions)


def test_our_claims_of_lj8_are_all_true_and_at_most_eight():
    molecule = compact(8)
    claims = hop(lennard_jones(), molecule, SETTINGS, 8000, seed=2)
    assert np.all(claims.n_evaluations <= 8000)
    verified = ClaimVerifier(lennard_jones(), molecule, SETTINGS).verify(claims)
    assert 5 <= len(verified.found_after) == len(claims.positions) <= 8  # all there are
    assert verified.energies.min() == pytest.approx(-19.821489, abs=1e-5)  # Cambridge Cluster Database


def test_searches_of_one_molecule_share_compiled_programs():
    def program(molecule, settings):
        engine = make_engine(molecule, settings)
        return jax.tree.structure(engine), [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(engine)]

    molecule = from_sequence("G")
    settings = load_settings()
    assert program(molecule, settings) == program(molecule, settings)
    assert program(compact(7), SETTINGS) == program(compact(7, seed=5), SETTINGS)
    assert program(compact(7), SETTINGS) != program(compact(8), SETTINGS)


def test_hopping_alone_is_a_separate_variant_when_there_are_other_moves():
    both = variants(load_settings())
    assert [one.hopping.moves for one in both.values()] == [load_settings().hopping.moves, ("hopping",)]
    assert len(variants(load_settings(overrides={"hopping.moves": "hopping"}))) == 1


def test_the_files_hold_every_search(tmp_path):
    rows = [summarise(c, t) for c, t in [_made_up(10), _made_up(25)]]
    result = {"molecule": "made up", "n_atoms": 3, "potential": "none", "programs": {"one": rows, "other": rows[:1]}}
    text = write(result, tmp_path / "new").read_text()
    assert "<!-- one (2) -->" in text
    assert "<!-- other (1) -->" in text
    assert json.loads((tmp_path / "new" / "search.json").read_text())["programs"]["one"][1]["n_true"] == 25


def test_a_curve_never_decreases():
    found_after, calls = [5, 5, 80, 900], np.arange(1, 2000)
    counts = counts_at(found_after, calls)
    assert np.all(np.diff(counts) >= 0)
    assert [int(counts[n - 1]) for n in (4, 5, 79, 80, 1999)] == [0, 2, 2, 3, 4]


def _made_up(n: int):
    claims = claims_of([TETRAHEDRON] * n, list(range(100, 100 * n + 1, 100)))
    return claims, VerifiedClaims(claims.n_evaluations, -np.arange(n, dtype=float), {})
