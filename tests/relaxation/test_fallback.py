"""Fallback from internal to Cartesian coordinates, for each structure of a batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from springs import CHAIN, springs, stretched_chain

from explorer.config import RelaxSettings
from explorer.io.build import from_sequence, from_smiles
from explorer.potential.potential import Evaluation
from explorer.relaxation import internal
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.relaxer import make_relaxer, relax_many
from explorer.relaxation.state import FALLBACK_TEXT, Fallback, Status, ending
from explorer.system import system_of

SETTINGS = RelaxSettings()


def relaxed(potential, molecule, starts):
    system = system_of(molecule, jnp.float64)
    return relax_many(potential, make_relaxer(molecule, SETTINGS), system, np.asarray(starts))


def with_compilations(function, caplog):
    """The result of a function and the messages of JAX about programs that it compiled for the loop of a batch."""
    caplog.clear()
    with jax.log_compiles():
        result = function()
    messages = [record.getMessage() for record in caplog.records]
    return result, [message for message in messages if message.startswith("Compiling") and "_tick" in message]


def test_an_angle_that_becomes_straight_ends_in_cartesian_steps_with_the_reason():
    result = relaxed(stretched_chain(180), CHAIN, CHAIN.positions[None])
    assert result.status[0] == Status.CONVERGED
    assert result.fallback[0] == Fallback.STRAIGHT_ANGLE
    assert result.energy[0] == pytest.approx(0, abs=1e-5)
    legs = result.positions[0][[0, 3]] - result.positions[0][[1, 2]]
    axis = result.positions[0][2] - result.positions[0][1]
    cosines = legs @ axis / np.linalg.norm(legs, axis=1) / np.linalg.norm(axis)
    np.testing.assert_allclose(cosines, [-1, 1], atol=1e-5)


def test_an_angle_that_stays_bent_needs_no_fallback():
    result = relaxed(stretched_chain(100), CHAIN, CHAIN.positions[None])
    assert result.status[0] == Status.CONVERGED
    assert result.fallback[0] == Fallback.NONE
    assert result.energy[0] == pytest.approx(0, abs=1e-6)


def test_coincident_bonded_atoms_end_in_cartesian_steps_and_leave_the_other_rows_unchanged(caplog):
    molecule = from_smiles("CC")
    potential = springs(molecule.positions)
    noise = 0.1 * np.random.default_rng(0).normal(size=(3, molecule.n_atoms, 3))
    starts = jnp.asarray(molecule.positions + noise)
    broken = starts.at[1, 0].set(starts[1, 1])
    relaxer = make_relaxer(molecule, SETTINGS)
    system = system_of(molecule, jnp.float64)
    good, compiled = with_compilations(lambda: relax_many(potential, relaxer, system, starts, batch=3), caplog)
    assert compiled, "JAX reports compilations in another way"
    bad, compiled_again = with_compilations(lambda: relax_many(potential, relaxer, system, broken, batch=3), caplog)
    assert not compiled_again
    assert bad.fallback.tolist() == [Fallback.NONE, Fallback.NOT_FINITE, Fallback.NONE]
    assert np.all(bad.status == Status.CONVERGED)
    assert float(bad.energy[1]) == pytest.approx(0, abs=1e-6)
    for left, right in zip(good, bad, strict=True):
        np.testing.assert_array_equal(np.asarray(left)[[0, 2]], np.asarray(right)[[0, 2]])


def test_coordinates_that_do_not_follow_end_in_cartesian_steps(monkeypatch):
    molecule = from_smiles("CC")
    frozen = jnp.asarray(internal.internal_values(internal_coordinates(molecule), jnp.asarray(molecule.positions)))
    monkeypatch.setattr(internal, "internal_values", lambda coordinates, positions: frozen)
    start = molecule.positions + 0.005 * np.random.default_rng(0).normal(size=molecule.positions.shape)
    result = relaxed(springs(molecule.positions), molecule, start[None])
    assert result.fallback[0] == Fallback.BACK_TRANSFORMATION
    assert result.status[0] == Status.CONVERGED
    assert result.energy[0] == pytest.approx(0, abs=1e-6)


def test_cartesian_steps_with_the_model_hessian_relax_a_peptide(mmff):
    molecule = from_sequence("A")
    surface, relaxer = mmff(molecule), make_relaxer(molecule, SETTINGS)
    step = jax.jit(relaxer.step)
    positions = jnp.asarray(molecule.positions)
    state = relaxer.init(positions)
    state = state.replace(fallback=jnp.full_like(state.fallback, Fallback.STRAIGHT_ANGLE))
    while int(state.status) == Status.RUNNING:
        energy, forces = surface(np.asarray(positions))
        evaluation = Evaluation(jnp.asarray(energy), jnp.asarray(forces), jnp.asarray(False))
        positions, state = step(positions, evaluation, state)
    assert int(state.status) == Status.CONVERGED
    assert np.linalg.norm(surface(np.asarray(positions))[1], axis=-1).max() < SETTINGS.fmax
    assert int(state.fallback) == Fallback.STRAIGHT_ANGLE


def test_the_ending_says_why_internal_coordinates_were_left():
    assert set(FALLBACK_TEXT) == set(Fallback)
    assert ending(Status.CONVERGED, Fallback.NONE) == "converged"
    assert ending(Status.NOT_CONVERGED, Fallback.STRAIGHT_ANGLE) == (
        "not converged; Cartesian steps, since an angle became straight"
    )
