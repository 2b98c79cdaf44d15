"""Committees: mean over the members, equality of a member with a network of its own, padding."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters

from explorer.errors import CheckpointError, ConfigError
from explorer.potential import potential as of_potential
from explorer.potential.committee import member_predictions
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.pairs import find_pairs
from explorer.potential.so3krates import mixture, so3krates
from explorer.system import from_arrays

HP = Hyperparameters(
    n_features=16,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=8,
    radial_filter="linear",
    electrostatics=True,
    n_members=5,
)
evaluate, components = jax.jit(of_potential.evaluate), jax.jit(of_potential.components)


@jax.jit
def member_energies(potential, system):
    return member_predictions(partial(of_potential.components, potential), system).energies


@jax.jit
def member_forces(potential, system):
    return member_predictions(partial(of_potential.components, potential), system)[:2]


@pytest.fixture(scope="module")
def params():
    return jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), random_parameters(HP, 1))


@pytest.fixture(scope="module")
def system():
    positions = 1.5 * np.random.default_rng(0).normal(size=(7, 3))
    return from_arrays(np.array([6, 7, 8, 1, 1, 16, 1]), positions, 1.0, dtype=jnp.float64)


def member(params, m):
    """Parameters of one member as those of a network with a single member."""
    energy = params["energy"]
    alone = {name: {k: energy[name][k][m : m + 1] for k in ("kernel", "bias")} for name in ("dense_1", "dense_2")}
    return {**params, "energy": {**energy, **alone}}


@pytest.mark.slow
def test_each_member_is_a_network_of_its_own(params, system):
    pairs, _ = find_pairs(system.positions, system.atom_mask, HP.cutoff, 21)
    energies = member_energies(so3krates(HP, params), system)
    assert np.std(energies) > 1e-3
    for m in range(5):
        chosen = mixture(HP, params, system, pairs, jnp.eye(5)[m])
        assert float(chosen) == pytest.approx(float(energies[m]), abs=1e-10)
        alone = member(params, m)
        copies = {
            name: {k: jnp.repeat(v, 5, axis=0) for k, v in alone["energy"][name].items()}
            for name in ("dense_1", "dense_2")
        }
        clones = {**params, "energy": {**params["energy"], **copies}}
        assert float(evaluate(so3krates(HP, clones), system).energy) == pytest.approx(float(energies[m]), abs=1e-10)


def test_energy_and_forces_are_the_means_of_the_members(params, system):
    potential = so3krates(HP, params)
    evaluation = evaluate(potential, system)
    energies, forces = member_forces(potential, system)
    np.testing.assert_allclose(evaluation.energy, energies.mean(), rtol=1e-12)
    np.testing.assert_allclose(evaluation.forces, forces.mean(axis=0), atol=1e-12)


def test_forces_of_a_member_are_finite_differences_of_its_energy(params, system):
    potential = so3krates(HP, params)
    _, forces = member_forces(potential, system)
    step = np.zeros((7, 3))
    step[2, 1] = 1e-4
    up, down = (member_energies(potential, system.replace(positions=system.positions + s)) for s in (step, -step))
    np.testing.assert_allclose(forces[:, 2, 1], -(up - down) / 2e-4, rtol=1e-5, atol=1e-7)


def test_padding_changes_neither_members_nor_features(params, system):
    padded = system.replace(
        atomic_numbers=jnp.pad(system.atomic_numbers, (0, 4)),
        positions=jnp.pad(system.positions, ((0, 4), (0, 0))),
        atom_mask=jnp.pad(system.atom_mask, (0, 4)),
    )
    potential = so3krates(HP, params, capacity=21)
    alone, beside = components(potential, system), components(potential, padded)
    np.testing.assert_allclose(beside.members, alone.members, rtol=1e-10)
    np.testing.assert_allclose(beside.features[:7], alone.features, atol=1e-10)


def test_features_are_invariant_under_rotation(params, system):
    rotated = system.replace(positions=system.positions @ np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]))
    potential = so3krates(HP, params)
    np.testing.assert_allclose(
        components(potential, rotated).features, components(potential, system).features, atol=1e-10
    )


def test_a_single_head_is_its_own_committee(system):
    hp = replace(HP, n_members=1)
    potential = so3krates(hp, jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), random_parameters(hp, 0)))
    np.testing.assert_allclose(member_energies(potential, system), [evaluate(potential, system).energy], rtol=1e-12)


def test_potentials_without_members_are_an_error(system):
    with pytest.raises(ConfigError, match="network was wanted"):
        member_energies(lennard_jones(), system)
    with pytest.raises(CheckpointError, match="n_members must be between 1 and 256, received 0"):
        replace(HP, n_members=0)
