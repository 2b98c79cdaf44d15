"""Benchmark of relaxations on clusters with known minima."""

import jax.numpy as jnp
import numpy as np
import pytest

from explorer.bench import peers
from explorer.bench.peers import _relax_all, missing_peers
from explorer.bench.relax import draw, share_outside_potential, summarise, trace_ours
from explorer.bench.starts import escaped_starts
from explorer.config import RelaxSettings, Settings
from explorer.io.build import from_sequence
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import Status, make_relaxer, relax_many
from explorer.system import system_of

SETTINGS = Settings(potential="lennard-jones", precision="float64", relax=RelaxSettings(max_steps=500))
DIMER = np.array([[[0.0, 0, 0], [1.2, 0, 0]], [[0.0, 0, 0], [0, 1.25, 0]]])


def cluster(n_atoms: int) -> Molecule:
    return Molecule(
        name="cluster",
        atomic_numbers=np.full(n_atoms, 18),
        positions=np.zeros((n_atoms, 3)),
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n_atoms, int),
    )


@pytest.mark.parametrize("name", ["BFGS", "FIRE2"])
def test_every_force_call_of_another_optimiser_is_recorded_and_it_ends_at_the_minimum(name):
    traces = _relax_all(name, cluster(2), SETTINGS, DIMER, 0.01)
    for trace in traces:
        assert not trace.failure
        assert trace.energies[-1] == pytest.approx(-1, abs=1e-5)
        assert trace.fmax[-1] < 0.01 <= min(trace.fmax[:-1])
    row = summarise(cluster(2), SETTINGS, traces)
    assert row["calls"]["largest"] == max(len(t.energies) for t in traces)
    assert 0 <= row["depth_eV"]["largest"] < 1e-5
    assert row["n_that_reach_it"] == 2


def test_an_optimiser_that_does_not_converge_is_a_failure_with_its_reason(monkeypatch):
    monkeypatch.setattr(peers, "MAX_PEER_CALLS", 20)
    traces = _relax_all("BFGS", cluster(2), SETTINGS, DIMER, -1.0)
    assert all("20 force calls" in t.failure or "above the requested force" in t.failure for t in traces)
    row = summarise(cluster(2), SETTINGS, traces)
    assert row["n_failed"] == sum(row["failures"].values()) == 2


def test_our_traces_have_the_force_calls_of_relax_many():
    starts = 1.4 * np.random.default_rng(3).normal(size=(5, 7, 3))
    molecule, potential = cluster(7), lennard_jones()
    traces = trace_ours(potential, molecule, SETTINGS, starts)
    relaxer = make_relaxer(molecule, SETTINGS.relax)
    result = relax_many(potential, relaxer, system_of(molecule, jnp.float64), starts)
    # the rounding of differently vectorised sums changes a few of a hundred steps of a cluster
    assert [len(t.energies) for t in traces] == pytest.approx(result.n_steps.tolist(), rel=0.1)
    assert [bool(t.failure) for t in traces] == (result.status != Status.CONVERGED).tolist()


def test_share_of_the_relaxer_is_a_share():
    starts = 1.4 * np.random.default_rng(3).normal(size=(2, 13, 3))
    assert 0 < share_outside_potential(lennard_jones(), cluster(13), SETTINGS, starts) < 1


def test_the_picture_shows_each_optimiser(tmp_path):
    row = summarise(cluster(2), SETTINGS, _relax_all("BFGS", cluster(2), SETTINGS, DIMER, 0.01))
    optimisers = {"one": row, "other": row, "none": {"n_starts": 1, "n_failed": 1, "failures": {"failed": 1}}}
    text = draw({"molecule": "dimer", "starts": "by hand", "optimisers": optimisers}, tmp_path / "a.svg").read_text()
    assert "<!-- one -->" in text
    assert "<!-- other -->" in text


def test_only_optional_optimisers_can_be_missing():
    assert set(missing_peers()) <= {"geomeTRIC", "Sella"}


@pytest.mark.slow
def test_escapes_end_away_from_minima_and_are_reproducible():
    molecule, settings = from_sequence("A"), Settings()
    potential, _ = potential_of(settings, molecule)
    first, again = (escaped_starts(potential, molecule, settings, 4, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    result = relax_many(potential, make_relaxer(molecule, settings.relax), system_of(molecule), first)
    assert np.all(result.status == Status.CONVERGED)
    assert np.all(result.n_steps > 5)
