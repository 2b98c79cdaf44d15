"""The ASE calculator against Lennard-Jones and finite differences of ASE."""

import pickle
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.fd import calculate_numerical_forces
from ase.calculators.lj import LennardJones
from ase.optimize import BFGS
from random_network import random_parameters

from explorer.errors import CheckpointError, ConfigError
from explorer.io.build import from_smiles
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.so3krates import so3krates

HP = Hyperparameters(n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=6)


@cache
def parameters() -> dict:
    return random_parameters(HP, 1)


def ethanol() -> Atoms:
    molecule = from_smiles("CCO")
    return Atoms(molecule.atomic_numbers, positions=molecule.positions)


def test_lennard_jones_equals_ase():
    atoms = Atoms("Ar5", positions=np.random.default_rng(0).uniform(0, 3, (5, 3)))
    ours, theirs = atoms.copy(), atoms.copy()
    ours.calc = ExplorerCalculator("lennard-jones", precision="float64")
    theirs.calc = LennardJones(rc=1e6, smooth=False)
    # ASE shifts the energy by its value at the cutoff, which is 1e-36 here
    assert ours.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(ours.get_forces(), theirs.get_forces(), rtol=1e-10)


def test_forces_are_minus_the_gradient():
    atoms = ethanol()
    atoms.calc = ExplorerCalculator(so3krates(HP, parameters()), precision="float64")
    numerical = calculate_numerical_forces(atoms, eps=1e-4)
    forces = atoms.get_forces()
    np.testing.assert_allclose(forces, numerical, atol=1e-6 * np.abs(forces).max())


def test_capacity_grows_until_the_pairs_fit():
    tight, wide = ethanol(), ethanol()
    tight.calc = ExplorerCalculator(so3krates(HP, parameters(), capacity=5), precision="float64")
    wide.calc = ExplorerCalculator(so3krates(HP, parameters()), precision="float64")
    assert tight.get_potential_energy() == pytest.approx(wide.get_potential_energy(), rel=1e-12)


def test_charge_and_multiplicity_come_from_info():
    atoms = ethanol()
    atoms.calc = ExplorerCalculator(so3krates(HP, parameters()), precision="float64")
    neutral = atoms.get_potential_energy()
    atoms.info["charge"] = 1
    charged = atoms.get_potential_energy()
    atoms.info = {"multiplicity": 3}
    triplet = atoms.get_potential_energy()
    assert len({round(energy, 9) for energy in (neutral, charged, triplet)}) == 3
    atoms.info = {}
    assert atoms.get_potential_energy() == neutral


def test_far_from_the_origin_float32_keeps_its_digits():
    calculator = ExplorerCalculator(so3krates(HP, parameters()))
    near, far = ethanol(), ethanol()
    far.positions += 1000.0
    near.calc = far.calc = calculator
    assert far.get_potential_energy() == pytest.approx(near.get_potential_energy(), abs=1e-4)
    assert calculator.dtype == jnp.float32


def test_ase_optimiser_finds_the_trimer():
    atoms = Atoms("Ar3", positions=[[0, 0, 0], [1.3, 0, 0], [0.5, 1.2, 0.1]])
    atoms.calc = ExplorerCalculator(lennard_jones(), precision="float64")
    assert BFGS(atoms, logfile=None).run(fmax=1e-4, steps=100)
    assert atoms.get_potential_energy() == pytest.approx(-3.0, abs=1e-6)


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms("Ar2", positions=[[0, 0, 0], [0, 0, np.nan]]), "finite positions"),
        (Atoms("Ar2", positions=[[0, 0, 0], [0, 0, np.inf]]), "finite positions"),
        (Atoms(), "finite positions"),
        (Atoms("Ar3", positions=[[0, 0, 0], [0, 0, 2], [0, 0, 2]]), "atom 1 .* is 0.000 Å from another"),
        (Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 2]], info={"charge": 0.5}), "whole number .*'charge'.*received 0.5"),
        (Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 2]], info={"charge": "one"}), "received 'one'"),
        (Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 2]], info={"charge": np.nan}), "received nan"),
        (Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 2]], info={"multiplicity": 0}), "'multiplicity'.*received 0"),
    ],
)
def test_meaningless_atoms_are_refused(atoms, message):
    atoms.calc = ExplorerCalculator("lennard-jones")
    with pytest.raises(ConfigError, match=message):
        atoms.get_potential_energy()


def test_free_energy_is_the_energy():
    atoms = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 1.2]])
    atoms.calc = ExplorerCalculator("lennard-jones")
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()


@pytest.mark.parametrize("potential", ["lennard-jones", lennard_jones()])
def test_calculator_survives_pickling_after_a_calculation(potential):
    atoms = Atoms("O2", positions=[[0, 0, 0], [0, 0, 1.2]])
    calculator = ExplorerCalculator(potential, precision="float64")
    energy = calculator.get_potential_energy(atoms)
    copy = pickle.loads(pickle.dumps(calculator))
    assert copy.get_potential_energy(atoms.copy()) == energy
    moved = Atoms("O2", positions=[[0, 0, 0], [0, 0, 1.3]])
    assert copy.get_potential_energy(moved) == calculator.get_potential_energy(moved)


def test_a_calculator_without_atoms_is_an_error():
    with pytest.raises(ConfigError, match=r"calculate\(atoms\)"):
        ExplorerCalculator("lennard-jones").calculate()


def test_periodic_atoms_and_unknown_models_are_refused():
    atoms = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 1.2]], cell=[5, 5, 5], pbc=True)
    atoms.calc = ExplorerCalculator("lennard-jones")
    with pytest.raises(ConfigError, match="periodic"):
        atoms.get_potential_energy()
    atoms = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 1.2]])
    atoms.calc = ExplorerCalculator("no-such-model")
    with pytest.raises(CheckpointError, match="no-such-model"):
        atoms.get_potential_energy()
    with pytest.raises(ConfigError, match="float16"):
        ExplorerCalculator("lennard-jones", precision="float16")
