"""Relaxers on analytic potentials: known minima, batches, refilling, capacity and limits."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surfaces import mueller_brown

from explorer.config import RelaxSettings
from explorer.errors import ConfigError
from explorer.io.build import from_smiles
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.pairs import count_pairs, n_all_pairs
from explorer.potential.potential import Evaluation, Potential, evaluate
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import make_relaxer, relax_many
from explorer.relaxation.state import STATUS_TEXT, Status
from explorer.system import from_arrays, system_of

SETTINGS = RelaxSettings(fmax=1e-3, energy_change=1e-6, max_steps=1000)


def cluster(n_atoms: int) -> Molecule:
    return Molecule(
        name=f"LJ{n_atoms}",
        atomic_numbers=np.full(n_atoms, 18),
        positions=np.zeros((n_atoms, 3)),
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n_atoms, int),
    )


@cache
def relaxer_of(n_atoms: int):
    """One per size, so that it is compiled once."""
    return make_relaxer(cluster(n_atoms), SETTINGS)


def random_starts(n: int, n_atoms: int) -> np.ndarray:
    """Uniform in a ball with the density of a liquid."""
    rng = np.random.default_rng(5)
    direction = rng.normal(size=(n, n_atoms, 3))
    radius = 0.65 * n_atoms ** (1 / 3) * rng.uniform(size=(n, n_atoms, 1)) ** (1 / 3)
    return radius * direction / np.linalg.norm(direction, axis=-1, keepdims=True)


def relaxed(potential, relaxer, starts, batch=None):
    n_atoms = starts.shape[1]
    system = from_arrays(np.full(n_atoms, 18), np.zeros((n_atoms, 3)), dtype=jnp.float64)
    return relax_many(potential, relaxer, system, starts, batch=batch)


def from_arrays_on_device(positions, dtype):
    n_atoms = positions.shape[0]
    return from_arrays(np.full(n_atoms, 18), np.zeros((n_atoms, 3)), dtype=dtype).replace(positions=positions)


@pytest.mark.parametrize("method", ["cartesian", "fire"])
def test_mueller_brown_has_its_three_minima(relax_on, method):
    starts = np.array([[[-0.7, 1.4, 0.1]], [[0.5, 0.1, 0.0]], [[-0.1, 0.4, 0.0]]])
    relaxer = make_relaxer(cluster(1), SETTINGS, method)
    surface = jax.jit(lambda x: evaluate(mueller_brown(), from_arrays_on_device(x, jnp.float64)))
    ends = [relax_on(relaxer, lambda x: surface(x)[:2], start)[1] for start in starts]
    assert all(int(end.status) == Status.CONVERGED for end in ends)
    np.testing.assert_allclose([end.energy for end in ends], [-146.69952, -108.16672, -80.76782], atol=1e-5)


@pytest.mark.parametrize("method", ["auto", "fire"])
def test_dimer_ends_at_the_known_distance(method):
    starts = np.array([[[0.0, 0, 0], [1.4, 0, 0]]])
    result = relaxed(lennard_jones(), make_relaxer(cluster(2), SETTINGS, method), starts)
    distance = np.linalg.norm(result.positions[0, 0] - result.positions[0, 1])
    assert distance == pytest.approx(2 ** (1 / 6), abs=1e-4)
    assert float(result.energy[0]) == pytest.approx(-1, abs=1e-6)


@pytest.fixture(scope="module")
def many():
    """20 random starts of LJ13, the icosahedron by hand as the last one, refilled in a batch of 8."""
    golden = (1 + 5**0.5) / 2
    corners = [np.roll([0, a, b * golden], k) for a in (-1, 1) for b in (-1, 1) for k in range(3)]
    icosahedron = 0.55 * np.array([[0, 0, 0], *corners])
    starts = np.concatenate([random_starts(20, 13), icosahedron[None]])
    seen = []
    relaxer = relaxer_of(13)
    system = from_arrays(np.full(13, 18), np.zeros((13, 3)), dtype=jnp.float64)
    result = relax_many(lennard_jones(), relaxer, system, starts, batch=8, progress=lambda *c: seen.append(c))
    return starts, relaxer, system, result, seen


def test_random_clusters_converge_and_the_global_minimum_is_the_lowest(many):
    _, _, _, result, seen = many
    assert np.all(result.status == Status.CONVERGED)
    assert np.all(result.fmax < SETTINGS.fmax)
    assert result.energy[-1] == pytest.approx(-44.326801, abs=1e-5)
    assert np.all(result.energy > -44.326802)
    assert np.median(result.n_steps) < 150
    assert seen[-1] == (21, 21)


def test_refilled_row_equals_a_run_alone(many):
    starts, relaxer, system, result, _ = many
    for k in (0, 19):
        alone = relax_many(lennard_jones(), relaxer, system, starts[k : k + 1], batch=1)
        # thirty steps of a chaotic start amplify the rounding of differently vectorised sums
        assert alone.energy[0] == pytest.approx(result.energy[k], abs=1e-6)


def test_nan_in_one_row_leaves_the_others_bitwise_unchanged():
    starts = random_starts(4, 7)
    broken = starts.copy()
    broken[2, 1] = broken[2, 0]  # two atoms in one place
    relaxer = relaxer_of(7)
    good, bad = (relaxed(lennard_jones(), relaxer, given, batch=4) for given in (starts, broken))
    assert bad.status[2] == Status.DIVERGED
    others = np.array([0, 1, 3])
    for left, right in zip(good, bad, strict=True):
        np.testing.assert_array_equal(np.asarray(left)[others], np.asarray(right)[others])


def test_a_step_with_pairs_that_do_not_fit_changes_nothing_but_the_status():
    relaxer, start = relaxer_of(7), jnp.asarray(random_starts(1, 7)[0])
    evaluation = Evaluation(jnp.asarray(jnp.nan), jnp.full_like(start, jnp.nan), jnp.asarray(True))
    before = relaxer.init(start)
    positions, after = jax.jit(relaxer.step)(start, evaluation, before)
    assert int(after.status) == Status.OVERFLOW
    np.testing.assert_array_equal(positions, start)
    for left, right in zip(*map(jax.tree.leaves, (after, before.replace(status=after.status))), strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_capacity_is_raised_while_structures_relax():
    narrow = lennard_jones().replace(cutoff=4.0, capacity=18)
    wide = lennard_jones().replace(cutoff=4.0)
    # far apart at first: the pairs exceed the capacity during the relaxation
    starts = 3.0 * random_starts(3, 7)
    relaxer = relaxer_of(7)
    assert 1.05 * count_pairs(starts, 4.0) < narrow.capacity < n_all_pairs(7)
    assert count_pairs(relaxed(wide, relaxer, starts, batch=2).positions, 4.0) == n_all_pairs(7)
    enlarged, full = (relaxed(potential, relaxer, starts, batch=2) for potential in (narrow, wide))
    np.testing.assert_array_equal(enlarged.status, full.status)
    np.testing.assert_allclose(enlarged.energy, full.energy, atol=1e-6)


def test_the_cap_on_force_calls_is_a_status():
    relaxer = make_relaxer(cluster(7), RelaxSettings(max_steps=3))
    result = relaxed(lennard_jones(), relaxer, random_starts(2, 7))
    assert np.all(result.status == Status.NOT_CONVERGED)
    assert np.all(result.n_steps == 3)
    assert np.all(np.isfinite(result.energy))


def test_every_status_has_a_text():
    assert set(STATUS_TEXT) == set(Status)


def test_unknown_method_is_an_error_that_names_the_known_ones():
    with pytest.raises(ConfigError, match="auto, internal, cartesian, lbfgs, fire"):
        make_relaxer(from_smiles("CC"), SETTINGS, "newton")


def test_internal_coordinates_without_bonds_are_an_error():
    with pytest.raises(ConfigError, match="no bonds"):
        make_relaxer(cluster(3), SETTINGS, "internal")


@pytest.mark.parametrize(("n_atoms", "given", "allowed"), [(3, 0, 150), (100, 0, 300), (100, 7, 7)])
def test_larger_molecules_are_allowed_more_force_calls(n_atoms, given, allowed):
    # a slope without minimum
    slope = Potential(params={}, energy_fn=lambda params, system, pairs: system.positions[0, 0])
    grid = np.stack(np.meshgrid(*[np.arange(5.0)] * 3), axis=-1).reshape(-1, 3)[:n_atoms]
    molecule = replace(cluster(n_atoms), positions=3 * grid)
    relaxer = make_relaxer(molecule, RelaxSettings(max_steps=given), "fire")
    result = relax_many(slope, relaxer, system_of(molecule), molecule.positions[None])
    assert STATUS_TEXT[result.status[0]] == STATUS_TEXT[Status.NOT_CONVERGED]
    assert result.n_steps[0] == allowed
