"""Padding changes neither the projections by which minima are recognised nor the velocities of an escape."""

import jax
import numpy as np
import pytest

from explorer.config import IdentitySettings, Settings
from explorer.dynamics.velocities import at_temperature, kinetic_energy, remove_rigid_motion
from explorer.hopping.engine import make_engine
from explorer.hopping.padding import padded_engine, padded_projection
from explorer.hopping.recognition import make_projection
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.load import load_potential
from explorer.units import BOLTZMANN

MOLECULE = from_sequence("A")


@pytest.mark.parametrize("sequence", ["A", "VF", "FLF", "WG"])
def test_projections_are_the_same(sequence):
    """FLF has sets of eight equivalent pairs of atoms, WG none."""
    molecule = from_sequence(sequence)
    projection = make_projection(molecule, IdentitySettings())
    structures = embed(to_rdkit(molecule), 20, seed=0)
    padded = padded_projection(projection)
    np.testing.assert_allclose(padded.project(structures), projection.project(structures), rtol=1e-12)


def test_peptides_of_a_size_share_the_shapes():
    potential = load_potential("default", MOLECULE)[0]

    def shapes(sequence):
        engine = padded_engine(potential, make_engine(from_sequence(sequence), Settings()), 44)
        return jax.tree.structure(engine), [np.shape(leaf) for leaf in jax.tree.leaves(engine)]

    assert shapes("AAA") == shapes("SL") == shapes("FC")


def test_analytic_potentials_receive_no_padding():
    engine = make_engine(MOLECULE, Settings())
    assert padded_engine(lennard_jones(), engine, 44) is engine


def test_velocities_are_those_of_the_molecule():
    padded = padded_engine(load_potential("default", MOLECULE)[0], make_engine(MOLECULE, Settings()), 40)
    n, rng = MOLECULE.n_atoms, np.random.default_rng(2)
    masses, of_padded = padded.masses[:n], padded.masses
    velocities, zeros = rng.normal(size=(n, 3)), np.zeros((40 - n, 3))

    def escape(velocities, positions, masses):
        return at_temperature(remove_rigid_motion(velocities, positions, masses), masses, 500.0)

    alone = escape(velocities, MOLECULE.positions, masses)
    beside = escape(np.vstack([velocities, zeros]), np.vstack([MOLECULE.positions, zeros]), of_padded)
    np.testing.assert_allclose(beside[:n], alone, rtol=1e-5)
    assert kinetic_energy(beside, of_padded) == pytest.approx(1.5 * n * BOLTZMANN * 500, rel=1e-5)
