"""Padding changes neither the steps of a relaxation nor the model Hessian of the molecule."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fragments import two_waters

from explorer.config import RelaxSettings
from explorer.io.build import from_sequence, from_smiles
from explorer.potential.load import load_potential
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.internal import model_hessian
from explorer.relaxation.padding import padded_coordinates, padded_relaxer
from explorer.relaxation.relaxer import make_relaxer
from explorer.relaxation.state import Fallback
from explorer.relaxation.wilson import internal_values, straightness

N_PADDED = 40
MOLECULES = {"peptide": from_sequence("G"), "alkyne": from_smiles("CC#CCO"), "two fragments": two_waters()}


@pytest.fixture(params=MOLECULES)
def molecule(request):
    return MOLECULES[request.param]


def with_zeros(positions):
    return np.pad(positions, ((0, N_PADDED - len(positions)), (0, 0)))


def test_the_model_hessian_of_the_molecule_is_the_same(molecule):
    coordinates, n = internal_coordinates(molecule), 3 * molecule.n_atoms
    padded = padded_coordinates(coordinates, N_PADDED)
    _, hessian = model_hessian(coordinates, molecule.positions)
    _, of_padded = model_hessian(padded, with_zeros(molecule.positions))
    np.testing.assert_allclose(of_padded[:n, :n], hessian, atol=1e-10)
    np.testing.assert_array_equal(of_padded[n:, :n], 0)
    assert np.linalg.eigvalsh(of_padded).min() > 0


def test_values_are_finite_and_as_straight(molecule):
    coordinates = internal_coordinates(molecule)
    padded, positions = padded_coordinates(coordinates, N_PADDED), with_zeros(molecule.positions)
    assert np.isfinite(internal_values(padded, positions)).all()
    np.testing.assert_allclose(straightness(padded, positions), straightness(coordinates, molecule.positions))


@pytest.mark.parametrize("fallback", [Fallback.NONE, Fallback.STRAIGHT_ANGLE])
def test_relaxations_take_the_same_steps(fallback, mmff, relax_on):
    molecule = MOLECULES["peptide"]
    surface, n = mmff(molecule), molecule.n_atoms
    relaxer = make_relaxer(molecule, RelaxSettings(fmax=1e-3, energy_change=1e-6))
    padded = padded_relaxer(load_potential("default", molecule)[0], relaxer, N_PADDED)
    assert padded.coordinates.n_atoms == N_PADDED

    def on_padded(positions):
        energy, forces = surface(positions[:n])
        return energy, with_zeros(forces)

    start = molecule.positions + np.random.default_rng(1).normal(scale=0.05, size=(n, 3))
    positions, state = relax_on(in_fallback(relaxer, fallback), surface, start)
    of_padded, padded_state = relax_on(in_fallback(padded, fallback), on_padded, with_zeros(start))
    assert int(padded_state.n_steps) == int(state.n_steps)
    assert int(padded_state.fallback) == int(state.fallback) == fallback
    np.testing.assert_allclose(padded_state.energy, state.energy, atol=1e-8)
    np.testing.assert_allclose(of_padded[:n], positions, atol=1e-5)
    np.testing.assert_array_equal(of_padded[n:], 0)


def in_fallback(relaxer, fallback):
    """A relaxer whose relaxations begin after a failure of internal coordinates."""

    def init(data, positions, memory=None):
        return relaxer.algorithm.init(data, positions, memory).replace(fallback=jnp.asarray(fallback, jnp.int32))

    return relaxer.replace(algorithm=relaxer.algorithm._replace(init=init))


def test_peptides_of_a_size_share_the_shapes():
    def shapes(sequence):
        return jax.tree.map(np.shape, padded_coordinates(internal_coordinates(from_sequence(sequence)), 44))

    assert jax.tree.leaves(shapes("AAA")) == jax.tree.leaves(shapes("SL")) == jax.tree.leaves(shapes("FC"))
