"""The back-transformation against exact curves: bond lengths and angles change to the requested values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.records.molecule import Molecule
from explorer.relaxation.back_transformation import travel
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.internal import internal_chart
from explorer.relaxation.lbfgs import cartesian_chart

BOND, ANGLE = 0.96, np.radians(104.5)  # Å, rad
WATER = BOND * np.array([[np.cos(ANGLE), np.sin(ANGLE), 0], [0, 0, 0], [1, 0, 0]])  # H, O, H


def molecule(numbers, positions, bonds) -> Molecule:
    return Molecule(
        name="test",
        atomic_numbers=np.array(numbers),
        positions=np.asarray(positions, float),
        bonds=np.array(bonds),
        bond_orders=np.ones(len(bonds)),
        formal_charges=np.zeros(len(numbers), int),
    )


def traveller(given: Molecule):
    """Function (positions, requested change of the internal coordinates) -> (new positions, whether it missed)."""
    chart = internal_chart(internal_coordinates(given))

    @jax.jit
    def step(positions, change):
        frame = chart.frame(positions)
        shift = chart.pull_back(frame, change)
        return travel(chart, positions, frame, chart.values(frame, positions), shift)

    return step


def bond_lengths_and_angle(positions) -> tuple[float, float, float]:
    u, v = positions[0] - positions[1], positions[2] - positions[1]
    a, b = np.linalg.norm(u), np.linalg.norm(v)
    return float(a), float(b), float(np.arccos(u @ v / (a * b)))


def test_bond_of_a_diatomic_stretches_by_the_requested_length_about_its_centre():
    start = np.array([[0.1, -0.2, 0.3], [0.7, 0.4, 0.9]])
    axis = (start[1] - start[0]) / np.linalg.norm(start[1] - start[0])
    positions, missed = traveller(molecule([6, 8], start, [[0, 1]]))(jnp.asarray(start), jnp.array([0.2]))
    # λ in A takes 1e-6 / 30 off the step of a bond; there is no curvature to correct
    np.testing.assert_allclose(positions, start + 0.1 * np.outer([-1, 1], axis), atol=1e-7)
    assert not missed


@pytest.mark.parametrize("degrees", [-20.0, -2.0, 2.0, 20.0])
def test_bend_follows_the_circle_where_a_straight_step_would_stretch_the_bonds(degrees):
    change = np.radians(degrees)
    step = traveller(molecule([1, 8, 1], WATER, [[0, 1], [1, 2]]))
    positions, missed = step(jnp.asarray(WATER), jnp.array([0.0, 0.0, change]))
    first, second, angle = bond_lengths_and_angle(np.asarray(positions))
    # the iterations stop at a hundredth of the step in the norm of D, and bonds are the stiffest coordinates
    stiffness = internal_coordinates(molecule([1, 8, 1], WATER, [[0, 1], [1, 2]])).stiffness
    error = np.array([first - BOND, second - BOND, angle - ANGLE - change])
    assert np.sqrt(stiffness @ error**2) <= 0.01 * np.sqrt(stiffness[2]) * abs(change)
    assert not missed


def test_straight_step_of_twenty_degrees_would_have_stretched_the_bonds():
    """The step to first order alone, for comparison with the test above."""
    chart = internal_chart(internal_coordinates(molecule([1, 8, 1], WATER, [[0, 1], [1, 2]])))
    frame = chart.frame(jnp.asarray(WATER))
    shift = chart.pull_back(frame, jnp.array([0.0, 0.0, np.radians(20.0)]))
    straight = WATER + np.asarray(shift).reshape(-1, 3)
    first, second, _ = bond_lengths_and_angle(straight)
    assert first == pytest.approx(second)
    assert first - BOND > 0.005


def test_several_steps_reach_the_requested_bonds_and_angle():
    """Ten steps along a line of bond lengths and angle, each corrected by the error of the last one."""
    step = traveller(molecule([1, 8, 1], WATER, [[0, 1], [1, 2]]))
    target = np.array([1.10, 0.90, np.radians(125.0)])
    positions = jnp.asarray(WATER)
    for remaining in np.linspace(0.9, 0.0, 10):
        now = np.array(bond_lengths_and_angle(np.asarray(positions)))
        begin = np.array([BOND, BOND, ANGLE])
        change = target + remaining * (begin - target) - now
        positions, missed = step(positions, jnp.asarray(change))
        assert not missed
    np.testing.assert_allclose(bond_lengths_and_angle(np.asarray(positions)), target, atol=2e-4)


def test_atoms_stay_in_their_plane_and_the_centre_does_not_move():
    positions, _ = traveller(molecule([1, 8, 1], WATER, [[0, 1], [1, 2]]))(
        jnp.asarray(WATER), jnp.array([0.05, -0.03, 0.2])
    )
    np.testing.assert_allclose(np.asarray(positions)[:, 2], 0, atol=1e-12)
    np.testing.assert_allclose(positions.mean(axis=0), WATER.mean(axis=0), atol=1e-9)


def test_a_step_without_solution_is_a_miss_only_when_it_is_short():
    """The coordinates are held fixed, so that no step reaches its target."""
    chart = internal_chart(internal_coordinates(molecule([1, 8, 1], WATER, [[0, 1], [1, 2]])))
    held = chart._replace(values=lambda frame, positions: jnp.array([BOND, BOND, ANGLE]))
    start = jnp.asarray(WATER)
    frame = chart.frame(start)
    for change, expected in ((0.02, True), (0.2, False)):
        shift = chart.pull_back(frame, jnp.array([change, 0.0, 0.0]))
        positions, missed = travel(held, start, frame, held.values(frame, start), shift)
        assert bool(missed) == expected
        # the best iterate is the straight step, which is as far from the target as all others
        np.testing.assert_allclose(positions, start + shift.reshape(3, 3), atol=1e-12)


def test_linear_coordinates_need_no_iteration():
    chart = cartesian_chart(None, 3)
    shift = jnp.asarray(np.random.default_rng(0).normal(size=9))
    positions, missed = travel(chart, jnp.asarray(WATER), (), jnp.asarray(WATER).reshape(-1), shift)
    np.testing.assert_array_equal(positions, WATER + np.asarray(shift).reshape(3, 3))
    assert not missed
