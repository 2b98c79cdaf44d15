"""Hessians against differences of forces, and vibrations against those of ASE."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from ase.optimize import BFGS
from ase.vibrations import Vibrations
from random_network import random_parameters

from explorer.io.build import from_smiles
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.potential import Potential, evaluate
from explorer.potential.so3krates import so3krates
from explorer.records.molecule import Molecule
from explorer.system import System, from_arrays, system_of
from explorer.vibrations.hessian import hessian_product, hessians
from explorer.vibrations.modes import normal_modes, rigid_modes
from explorer.vibrations.spectrum import Spectrometer

MOLECULE = from_smiles("CO")
MASSES = MOLECULE.masses
HP = Hyperparameters(n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=6)
STEP = 1e-4  # Å


@pytest.fixture(scope="module")
def network() -> tuple[Potential, System]:
    """A small network with random parameters and methanol, not at a stationary point; the capacity is too small."""
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), random_parameters(HP, 3))
    return so3krates(HP, params, capacity=5), system_of(MOLECULE, jnp.float64)


@pytest.fixture(scope="module")
def forces(network):
    potential, system = network
    large = potential.replace(capacity=20)
    return jax.jit(lambda x: evaluate(large, system.replace(positions=x)).forces)


@pytest.fixture(scope="module")
def hessian_pair(network) -> np.ndarray:
    """Hessians of methanol and of methanol rotated about (1, 1, 1), which exchanges the axes."""
    potential, system = network
    x = np.asarray(system.positions)
    return hessians(potential, system, np.stack([x, x[:, [1, 2, 0]]]))


def test_product_is_the_difference_of_forces_along_the_vector(network, forces):
    potential, system = network
    vector = np.random.default_rng(0).normal(size=system.positions.size)
    step = STEP * vector.reshape(-1, 3)
    product = jax.jit(lambda v: hessian_product(potential.replace(capacity=20), system)(v))(vector)
    expected = (forces(system.positions - step) - forces(system.positions + step)).reshape(-1) / (2 * STEP)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(product, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_without_second_derivatives_the_hessian_is_that_of_differences_of_forces(network, hessian_pair):
    potential, system = network
    potential = potential.replace(has_hessian=False)
    by_forces = hessians(potential, system, np.asarray(system.positions)[None])[0]
    assert np.abs(by_forces - hessian_pair[0]).max() > 1e-9, "second derivatives were used after all"
    np.testing.assert_allclose(by_forces, hessian_pair[0], atol=1e-3 * np.abs(hessian_pair[0]).max())
    at_rest = hessian_product(potential.replace(capacity=20), system)(jnp.zeros(system.positions.size))
    np.testing.assert_array_equal(at_rest, 0)


def test_whole_hessian_is_that_of_central_differences_with_all_pairs(network, forces, hessian_pair):
    x, n = np.asarray(network[1].positions), network[1].positions.size
    steps = STEP * np.eye(n).reshape(n, *x.shape)
    differences = [np.asarray(forces(x - step) - forces(x + step)).reshape(-1) / (2 * STEP) for step in steps]
    np.testing.assert_allclose(hessian_pair[0], differences, atol=1e-6 * np.abs(hessian_pair).max())


def test_hessian_rotates_with_the_molecule_and_vanishes_along_translations(hessian_pair):
    order = np.arange(hessian_pair.shape[1]).reshape(-1, 3)[:, [1, 2, 0]].ravel()
    np.testing.assert_allclose(hessian_pair[1], hessian_pair[0][np.ix_(order, order)], atol=1e-8)
    np.testing.assert_allclose(hessian_pair @ np.tile([0.3, -0.2, 0.5], len(MASSES)), 0, atol=1e-8)


def test_vibrations_equal_those_of_ase(tmp_path):
    """The pentagonal bipyramid of seven argon-like atoms, all 15 vibrations."""
    ring = [(np.cos(t), np.sin(t), 0) for t in 2 * np.pi * np.arange(5) / 5]
    calculator = ExplorerCalculator(lennard_jones(), "float64")
    atoms = Atoms("Ar7", [*ring, (0, 0, 0.55), (0, 0, -0.55)], calculator=calculator)
    BFGS(atoms, logfile=None).run(fmax=1e-9, steps=500)
    assert atoms.get_potential_energy() == pytest.approx(-16.505384, abs=1e-6)
    vibrations = Vibrations(atoms, name=str(tmp_path / "vibrations"), delta=STEP)
    vibrations.run()
    system = from_arrays(atoms.numbers, atoms.positions, dtype=jnp.float64)
    hessian = hessians(lennard_jones(), system, atoms.positions[None])[0]
    modes = normal_modes(hessian, atoms.positions, atoms.get_masses())
    assert len(modes.wavenumbers) == 15
    np.testing.assert_allclose(modes.wavenumbers, vibrations.get_frequencies().real[6:], rtol=1e-5)


def test_linear_molecule_has_one_more_vibration_and_a_saddle_bends():
    """Three collinear Lennard-Jones atoms without forces have two imaginary bends."""
    distance = (2 * (1 + 2**-13) / (1 + 2**-7)) ** (1 / 6)
    row = np.array([[-distance, 0, 0], [0, 0, 0], [distance, 0, 0]])
    system = from_arrays(np.full(3, 18), row, dtype=jnp.float64)
    assert float(jnp.abs(evaluate(lennard_jones(), system).forces).max()) < 1e-12
    modes = normal_modes(hessians(lennard_jones(), system, row[None])[0], row, np.full(3, 39.95))
    assert len(modes.wavenumbers) == 4
    assert (modes.wavenumbers < 0).tolist() == [True, True, False, False]
    assert modes.wavenumbers[0] == pytest.approx(modes.wavenumbers[1])
    np.testing.assert_allclose(modes.directions[:2, :, 0], 0, atol=1e-9)


def test_rigid_motions_are_six_or_five_or_three():
    rng = np.random.default_rng(0)
    bent, masses = rng.normal(size=(4, 3)), np.array([1.0, 12.0, 16.0, 14.0])
    line = np.outer([0.0, 1.1, 2.3, 4.0], [1.0, 2.0, -1.0])
    rigid = rigid_modes(bent, masses)
    np.testing.assert_allclose(rigid.T @ rigid, np.eye(6), atol=1e-12)
    assert rigid_modes(line, masses).shape == (12, 5)
    assert rigid_modes(np.zeros((1, 3)), masses[:1]).shape == (3, 3)


def test_isotopes_lower_the_wavenumbers_of_a_dimer():
    length = 2.0 ** (1 / 6)
    argon = Molecule(
        name="Ar2",
        atomic_numbers=np.array([18, 18]),
        positions=np.array([[0.0, 0, 0], [length, 0, 0]]),
        bonds=np.empty((0, 2), int),
        bond_orders=np.empty(0),
        formal_charges=np.zeros(2, int),
    )
    heavy = replace(argon, isotopes=np.array([160, 160]))
    stretch = [
        Spectrometer(one, lennard_jones()).measure(one.positions[None], np.array([True]))[0].wavenumbers.max()
        for one in (argon, heavy)
    ]
    assert stretch[0] / stretch[1] == pytest.approx(np.sqrt(160 / 39.95), rel=1e-3)
