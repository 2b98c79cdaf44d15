"""Torques are derivatives of the energy along rotations about bonds, and ignore forces within a part."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from explorer.io.build import from_sequence, to_rdkit
from explorer.train.torques import TorsionAxes, find_torsion_axes, torques


@pytest.fixture(scope="module")
def molecule():
    return from_sequence("FP")  # has rings, whose bonds are no axes, and an amide at one of them


def test_axes_are_the_bonds_outside_rings_with_atoms_on_both_sides(molecule):
    axes = find_torsion_axes(molecule.bonds, molecule.n_atoms)
    # CH3-CO, CO-N, N-CA, CA-CB, CB-phenyl, CA-CO, CO-N of proline's ring, ring-CO, CO-N, N-CH3
    assert len(axes.ends) == 10
    assert (molecule.atomic_numbers[axes.ends] > 1).all()
    drawn = to_rdkit(molecule)
    assert not any(drawn.GetBondBetweenAtoms(int(i), int(j)).IsInRing() for i, j in axes.ends)
    assert (axes.moved.sum(axis=1) <= molecule.n_atoms // 2).all()
    for (i, j), moved in zip(axes.ends, axes.moved, strict=True):  # of all bonds only the axis is cut
        cut = [{a, b} for a, b in molecule.bonds.tolist() if moved[a] != moved[b]]
        assert cut == [{i, j}]


def test_torques_are_minus_the_derivative_of_the_energy_along_a_rotation(molecule):
    with jax.enable_x64(True):
        axes = find_torsion_axes(molecule.bonds, molecule.n_atoms)
        weights = np.random.default_rng(0).normal(size=(molecule.n_atoms, molecule.n_atoms))

        @jax.jit
        def energy(positions):  # depends on all distances, not on dihedrals alone
            squared = jnp.sum((positions[:, None] - positions[None]) ** 2, axis=-1)
            return jnp.sum(weights * jnp.exp(-squared / 20))

        positions = np.asarray(molecule.positions, float)
        found = torques(jnp.asarray(positions), -jax.grad(energy)(positions), axes)

        def rotated(axis, moved, angle):
            origin, end = positions[axis]
            rotation = Rotation.from_rotvec(angle * (end - origin) / np.linalg.norm(end - origin))
            return np.where(moved[:, None], rotation.apply(positions - origin) + origin, positions)

        step = 1e-4
        for axis, moved, torque in zip(axes.ends, axes.moved, np.asarray(found), strict=True):
            rise = energy(rotated(axis, moved, step)) - energy(rotated(axis, moved, -step))
            assert torque == pytest.approx(-float(rise) / (2 * step), rel=1e-5, abs=1e-7)


def test_forces_within_a_part_and_along_an_axis_have_no_torque(molecule):
    with jax.enable_x64(True):
        axes = find_torsion_axes(molecule.bonds, molecule.n_atoms)
        positions = np.asarray(molecule.positions, float)
        for axis, moved in zip(axes.ends, axes.moved, strict=True):
            one = TorsionAxes(axis[None], moved[None])
            inner = np.flatnonzero(moved)[:2]
            for i, j in (inner, axis):
                forces = np.zeros_like(positions)
                forces[i], forces[j] = positions[j] - positions[i], positions[i] - positions[j]
                assert abs(float(torques(positions, forces, one)[0])) < 1e-10


def test_padded_axis_has_no_torque(molecule):
    axes = find_torsion_axes(molecule.bonds, molecule.n_atoms)
    padded = TorsionAxes(np.pad(axes.ends, ((0, 3), (0, 0))), np.pad(axes.moved, ((0, 3), (0, 0))))
    forces = np.random.default_rng(1).normal(size=molecule.positions.shape).astype(np.float32)
    positions = molecule.positions.astype(np.float32)
    found = np.asarray(torques(positions, forces, padded))
    np.testing.assert_allclose(found[:-3], torques(positions, forces, axes), rtol=1e-6)
    assert not found[-3:].any()


def test_a_molecule_without_axes(molecule):
    axes = find_torsion_axes(np.array([[0, 1], [0, 2]]), 3)
    assert torques(jnp.zeros((3, 3)), jnp.ones((3, 3)), axes).shape == (0,)
