"""Minima hopping on Lennard-Jones clusters, whose minima are known."""

from collections import Counter

import jax.numpy as jnp
import numpy as np
import pytest
from surfaces import mueller_brown

from explorer.config_file import load_settings
from explorer.hopping.coordinator import Coordinator
from explorer.hopping.explore import Checkpoint, _restore, _start_pool, explore
from explorer.hopping.walker_pool import WalkerPool
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.potential import Potential
from explorer.records.hop import Outcome
from explorer.records.molecule import Molecule
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

LJ = {"potential": "lennard-jones"}
HOPPING = {"hopping.moves": "hopping", "hopping.patience": 0, "hopping.ediff": 0.5, "hopping.ediff_max": 5.0}


def cluster(n_atoms: int, seed: int) -> Molecule:
    positions = np.random.default_rng(seed).uniform(-0.75, 0.75, (n_atoms, 3)) * n_atoms ** (1 / 3)
    nothing = np.zeros(0)
    return Molecule(
        name=f"lj{n_atoms}",
        atomic_numbers=np.full(n_atoms, 18),
        positions=positions,
        bonds=np.zeros((0, 2), int),
        bond_orders=nothing,
        formal_charges=np.zeros(n_atoms, int),
    )


def search(molecule, settings, n_rounds, checkpoint=None, history=None, potential=None):
    history = History(symmetry_of(molecule), settings.identity) if history is None else history
    rounds = []
    for round in explore(potential or lennard_jones(), molecule, settings, history, checkpoint):
        rounds.append(round)
        if round.index >= n_rounds:
            return history, rounds


@pytest.fixture(scope="module")
def lj7():
    settings = load_settings(overrides=LJ)
    molecule = cluster(7, 1)
    return molecule, settings, *search(molecule, settings, 60)


def test_lj7_has_exactly_its_four_minima(lj7):
    _, _, history, _ = lj7
    energies = sorted(m.energy for m in history.minima)
    assert energies == pytest.approx([-16.505384, -15.935043, -15.593211, -15.533060], abs=1e-5)


def mueller_brown_molecule() -> Potential:
    """Three atoms at right angles whose two distances move on a hundredth of the Müller-Brown surface."""
    surface = mueller_brown()

    def energy_fn(params, system, pairs):
        first, second = system.positions[1] - system.positions[0], system.positions[2] - system.positions[0]
        x, y = jnp.linalg.norm(first), jnp.linalg.norm(second)
        particle = system.replace(positions=jnp.stack([x - 3, y - 3, jnp.zeros_like(x)])[None])
        return 0.01 * surface.energy_fn(params, particle, pairs) + (first @ second / (x * y)) ** 2

    return Potential(params={}, energy_fn=energy_fn)


def test_mueller_brown_has_its_three_minima():
    positions = np.array([[0, 0, 0], [3.6, 0, 0], [0, 3.0, 0]])
    molecule = Molecule(
        name="triatomic",
        atomic_numbers=np.array([6, 7, 8]),
        positions=positions,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(3, int),
    )
    # plain minima hopping: rattling would reach the walls of the surface, which have minima of their own
    settings = load_settings(overrides=LJ | HOPPING)
    history, _ = search(molecule, settings, 40, potential=mueller_brown_molecule())
    energies = sorted(m.energy for m in history.minima)
    assert energies == pytest.approx([-1.4669952, -1.0816672, -0.8076782], abs=1e-5)


def test_outcomes_agree_with_starts_and_ends_of_hops(lj7):
    """Counted anew: whether each minimum was reached for the first time, again, or never left."""
    _, _, history, rounds = lj7
    hops, known = [hop for round in rounds for hop in round.hops], set()
    for hop in hops:
        if hop.end is None:
            outcome = Outcome.FAILED
        elif hop.end not in known:
            outcome = Outcome.NEW
        else:
            outcome = Outcome.SAME if hop.end == hop.start else Outcome.KNOWN
        known.add(hop.end)
        assert hop.outcome == outcome
    counts = Counter(hop.outcome for hop in hops)
    assert counts[Outcome.NEW] == len(history) == 4
    assert min(counts[Outcome.SAME], counts[Outcome.KNOWN]) > 0


def test_only_failures_have_reasons_and_force_calls_add_up(lj7):
    _, _, history, rounds = lj7
    hops = [hop for round in rounds for hop in round.hops]
    for hop in hops:
        assert (hop.end is None) == (hop.outcome == Outcome.FAILED) == bool(hop.reason)
    finished = sum(hop.n_evaluations for hop in hops)
    in_flight = rounds[-1].n_evaluations - finished
    assert 0 <= in_flight <= 8 * 700
    assert sum(history.visits.values()) == sum(hop.end is not None for hop in hops)


def test_minima_are_relaxed_to_the_settings(lj7):
    _, settings, history, _ = lj7
    assert max(m.fmax for m in history.minima) < settings.relax.fmax


def test_ends_of_loose_relaxations_are_relaxed_tightly_before_they_are_stored(lj7):
    molecule, _, history, _ = lj7
    loose = {"relax.fmax": 1.0, "relax.energy_change": 1.0, "relax.step": 1.0}
    loosely, rounds = search(molecule, load_settings(overrides=LJ | loose), 25)
    assert max(m.fmax for m in loosely.minima) < 1e-4
    energies = [sorted(m.energy for m in one.minima) for one in (loosely, history)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-6)
    assert rounds[-1].n_evaluations >= sum(hop.n_evaluations for round in rounds for hop in round.hops)


def test_a_resumed_search_finds_the_same_as_an_uninterrupted_one(lj7):
    molecule, settings, history, rounds = lj7
    stop = 25
    last = rounds[stop]
    known = [m for round in rounds[: stop + 1] for m in round.minima]
    hops = [hop for round in rounds[: stop + 1] for hop in round.hops]
    visits = {m.id: sum(hop.end == m.id for hop in hops) for m in known}
    departures = Counter(hop.start for hop in hops)
    resumed = History(symmetry_of(molecule), settings.identity, known, visits, departures)
    checkpoint = Checkpoint(
        index=stop,
        walkers=last.walkers,
        n_evaluations=last.n_evaluations,
        wall_seconds=last.wall_seconds,
        potential_seconds=last.potential_seconds,
    )
    resumed, again = search(molecule, settings, 60, checkpoint, resumed)
    assert [hop for r in again for hop in r.hops] == [hop for r in rounds[stop + 1 :] for hop in r.hops]
    assert [m.energy for m in resumed.minima] == [m.energy for m in history.minima]
    assert again[-1].n_evaluations == rounds[-1].n_evaluations


def test_a_search_that_is_killed_before_its_first_hop_goes_on_with_the_same_capacities():
    """Rounding errors of float32 depend on the capacity for pairs, so another one makes another search."""
    molecule, settings = cluster(7, 1), load_settings(overrides=LJ)
    limited = lennard_jones().replace(cutoff=9.0, capacity=21)
    history = History(symmetry_of(molecule), settings.identity)
    first = next(explore(limited, molecule, settings, history))
    assert set(first.walkers["capacity"]) == {21}
    assert set(first.walkers["tight_capacity"]) == {21}
    for stored, expected in ((21, 21), (0, 21), (20, 20)):  # 0 is what earlier versions stored in round 0
        search_now = Coordinator(limited, molecule, settings, history)
        pool = WalkerPool(limited, molecule, settings)
        arrays = {name: np.full_like(first.walkers[name], stored) for name in ("capacity", "tight_capacity")}
        checkpoint = Checkpoint(
            index=0, walkers=first.walkers | arrays, n_evaluations=9, wall_seconds=0.0, potential_seconds=0.0
        )
        _start_pool(pool, search_now, _restore(search_now, checkpoint), checkpoint)
        assert pool.potential.capacity == expected
        assert search_now.relax_tightly.potential.capacity == stored


def test_another_seed_hops_differently(lj7):
    molecule, _, _, rounds = lj7
    _, others = search(molecule, load_settings(overrides=LJ | {"seed": 5}), 25)
    assert [h for r in others for h in r.hops] != [h for r in rounds[:26] for h in r.hops]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_lj13_global_minimum_from_a_random_start(seed):
    settings = load_settings(overrides=LJ | {"seed": seed})
    molecule = cluster(13, 100 + seed)
    history = History(symmetry_of(molecule), settings.identity)
    for round in explore(lennard_jones(), molecule, settings, history):
        if min(m.energy for m in history.minima) < -44.3268:
            break
        assert round.n_evaluations < 60_000
    assert min(m.energy for m in history.minima) == pytest.approx(-44.326801, abs=1e-5)


@pytest.mark.slow
def test_lj8_has_exactly_its_eight_minima():
    settings = load_settings(overrides=LJ)
    history, _ = search(cluster(8, 1), settings, 400)
    assert len(history) == 8
