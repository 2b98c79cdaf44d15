"""Quasi-Newton relaxation against ASE's BFGS, and single steps: convergence, rejection, precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.optimize import BFGS
from test_coordinates import two_waters

from explorer.config import RelaxSettings
from explorer.io.build import from_sequence, from_smiles
from explorer.potential.potential import Evaluation
from explorer.relaxation.relaxer import make_relaxer
from explorer.relaxation.state import STATUS_TEXT, Status

SETTINGS = RelaxSettings()


def evaluation(energy, forces):
    return Evaluation(jnp.asarray(energy), jnp.asarray(forces), jnp.asarray(False))


@pytest.fixture(scope="module")
def ethane():
    """Positions, relaxer, and its step compiled once."""
    molecule = from_smiles("CC")
    relaxer = make_relaxer(molecule, SETTINGS)
    return jnp.asarray(molecule.positions), relaxer, jax.jit(relaxer.step)


def test_peptide_reaches_the_minimum_of_ase_bfgs(gfn2_atoms, relax_on):
    molecule = from_sequence("A")
    atoms = gfn2_atoms(molecule)

    def surface(positions):
        atoms.positions = positions
        return atoms.get_potential_energy(), atoms.get_forces()

    positions, state = relax_on(make_relaxer(molecule, SETTINGS), surface, molecule.positions)
    assert int(state.status) == Status.CONVERGED
    assert int(state.n_steps) <= 30
    atoms.positions = np.asarray(positions)
    BFGS(atoms, logfile=None).run(fmax=0.002, steps=150)
    assert float(state.energy) == pytest.approx(atoms.get_potential_energy(), abs=1e-4)


@pytest.mark.parametrize("smiles", ["CC", "O", "C1CCCCCCCNC(=O)CC1"])
def test_hard_shapes_converge(smiles, mmff, relax_on):
    molecule = from_smiles(smiles)
    start = molecule.positions + 0.05 * np.random.default_rng(0).normal(size=molecule.positions.shape)
    _, state = relax_on(make_relaxer(molecule, SETTINGS), mmff(molecule), start)
    assert STATUS_TEXT[int(state.status)] == STATUS_TEXT[Status.CONVERGED]
    assert int(state.n_steps) <= 60


@pytest.mark.parametrize("molecule", [from_smiles("O=C=O"), two_waters()], ids=["CO2", "water dimer"])
def test_linear_molecule_and_two_fragments_converge(molecule, gfn2_atoms, relax_on):
    atoms = gfn2_atoms(molecule)

    def surface(positions):
        atoms.positions = positions
        return atoms.get_potential_energy(), atoms.get_forces()

    start = molecule.positions + 0.05 * np.random.default_rng(0).normal(size=molecule.positions.shape)
    _, state = relax_on(make_relaxer(molecule, SETTINGS), surface, start)
    assert int(state.status) == Status.CONVERGED
    assert int(state.n_steps) <= 60


@pytest.mark.parametrize("sequence", ["P"])
def test_proline_converges_in_single_precision(sequence, mmff, relax_on):
    molecule = from_sequence(sequence)
    surface = mmff(molecule)
    positions, state = relax_on(make_relaxer(molecule, SETTINGS), surface, molecule.positions, jnp.float32)
    assert int(state.status) == Status.CONVERGED
    assert np.linalg.norm(surface(positions)[1], axis=-1).max() < 1.05 * SETTINGS.fmax


def test_a_step_that_finds_convergence_does_not_move_and_later_steps_do_nothing(ethane):
    start, relaxer, step = ethane
    still = evaluation(-1.0, jnp.zeros_like(start))
    positions, state = step(start, still, relaxer.init(start))
    assert int(state.status) == Status.CONVERGED
    np.testing.assert_array_equal(positions, start)
    again, frozen = step(positions, evaluation(jnp.nan, jnp.full_like(start, jnp.nan)), state)
    np.testing.assert_array_equal(again, start)
    jax.tree.map(np.testing.assert_array_equal, frozen, state)


@pytest.mark.parametrize("energy", [10.0, np.nan])
def test_a_step_that_raises_the_energy_is_undone_and_shortened(ethane, energy):
    start, relaxer, step = ethane
    forces = jnp.zeros_like(start).at[0].set(1.0).at[1].set(-1.0)
    trial, state = step(start, evaluation(0.0, forces), relaxer.init(start))
    shorter, state = step(trial, evaluation(energy, forces), state)
    np.testing.assert_array_equal(state.positions, start)
    assert float(state.energy) == 0.0
    assert int(state.status) == Status.RUNNING
    assert int(state.n_steps) == 2
    assert float(jnp.abs(shorter - start).max()) < float(jnp.abs(trial - start).max())


def test_energies_that_never_decrease_end_as_stuck():
    molecule = from_smiles("O")
    relaxer = make_relaxer(molecule, RelaxSettings(max_steps=500))
    step = jax.jit(relaxer.step)
    positions = jnp.asarray(molecule.positions)
    forces = jnp.zeros_like(positions).at[0].set(1.0)
    state, energy = relaxer.init(positions), 0.0
    while int(state.status) == Status.RUNNING:
        positions, state = step(positions, evaluation(energy, forces), state)
        energy += 1.0
    assert int(state.status) == Status.STUCK


def test_internal_coordinates_keep_float32_in_float64_mode():
    molecule = from_smiles("CC")
    relaxer = make_relaxer(molecule, SETTINGS)
    start = jnp.asarray(molecule.positions, jnp.float32)
    state = relaxer.init(start)
    forces = Evaluation(jnp.float32(0), 0.1 * start, jnp.asarray(False))
    _, after = jax.eval_shape(relaxer.step, start, forces, state)
    assert jax.tree.map(lambda a: a.dtype, after) == jax.tree.map(lambda a: a.dtype, state)
