"""Torques are how an energy falls when a bond turns, and know nothing of what happens within a part."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from explorer.io.build import from_sequence, to_rdkit
from explorer.train.torques import Axes, find_axes, torques


@pytest.fixture(scope="module")
def molecule():
    return from_sequence("FP")  # rings, of which no bond is an axis, and an amide on one of them


def test_axes_are_the_bonds_outside_of_rings_that_have_something_to_turn(molecule):
    axes = find_axes(molecule.bonds, molecule.n_atoms)
    # CH3-CO, CO-N, N-CA, CA-CB, CB-phenyl, CA-CO, CO-N of proline's ring, ring-CO, CO-N, N-CH3
    assert len(axes.ends) == 10
    assert (molecule.atomic_numbers[axes.ends] > 1).all()
    drawn = to_rdkit(molecule)
    assert not any(drawn.GetBondBetweenAtoms(int(i), int(j)).IsInRing() for i, j in axes.ends)
    assert (axes.moved.sum(axis=1) <= molecule.n_atoms // 2).all()
    for (i, j), moved in zip(axes.ends, axes.moved, strict=True):  # of all bonds only the axis is cut
        cut = [{a, b} for a, b in molecule.bonds.tolist() if moved[a] != moved[b]]
        assert cut == [{i, j}]


def test_torques_are_minus_the_derivative_of_an_energy_along_a_turn(molecule):
    with jax.enable_x64(True):
        axes = find_axes(molecule.bonds, molecule.n_atoms)
        weights = np.random.default_rng(0).normal(size=(molecule.n_atoms, molecule.n_atoms))

        @jax.jit
        def energy(positions):  # between all atoms, and not a function of dihedrals alone
            squared = jnp.sum((positions[:, None] - positions[None]) ** 2, axis=-1)
            return jnp.sum(weights * jnp.exp(-squared / 20))

        positions = np.asarray(molecule.positions, float)
        found = torques(jnp.asarray(positions), -jax.grad(energy)(positions), axes)

        def turned(axis, moved, angle):
            place, end = positions[axis]
            rotation = Rotation.from_rotvec(angle * (end - place) / np.linalg.norm(end - place))
            return np.where(moved[:, None], rotation.apply(positions - place) + place, positions)

        step = 1e-4
        for axis, moved, torque in zip(axes.ends, axes.moved, np.asarray(found), strict=True):
            rise = energy(turned(axis, moved, step)) - energy(turned(axis, moved, -step))
            assert torque == pytest.approx(-float(rise) / (2 * step), rel=1e-5, abs=1e-7)


def test_forces_within_a_part_and_along_an_axis_have_no_torque(molecule):
    with jax.enable_x64(True):
        axes = find_axes(molecule.bonds, molecule.n_atoms)
        positions = np.asarray(molecule.positions, float)
        for axis, moved in zip(axes.ends, axes.moved, strict=True):
            one = Axes(axis[None], moved[None])
            inner = np.flatnonzero(moved)[:2]
            for i, j in (inner, axis):
                forces = np.zeros_like(positions)
                forces[i], forces[j] = positions[j] - positions[i], positions[i] - positions[j]
                assert abs(float(torques(positions, forces, one)[0])) < 1e-10


def test_a_padded_axis_has_none(molecule):
    axes = find_axes(molecule.bonds, molecule.n_atoms)
    padded = Axes(np.pad(axes.ends, ((0, 3), (0, 0))), np.pad(axes.moved, ((0, 3), (0, 0))))
    forces = np.random.default_rng(1).normal(size=molecule.positions.shape).astype(np.float32)
    positions = molecule.positions.astype(np.float32)
    found = np.asarray(torques(positions, forces, padded))
    np.testing.assert_allclose(found[:-3], torques(positions, forces, axes), rtol=1e-6)
    assert not found[-3:].any()


def test_a_molecule_without_axes(molecule):
    axes = find_axes(np.array([[0, 1], [0, 2]]), 3)
    assert torques(jnp.zeros((3, 3)), jnp.ones((3, 3)), axes).shape == (0,)
