"""Starts of hops against the definitions of their modes."""

import numpy as np
import pytest

from explorer.config import HoppingSettings
from explorer.dynamics.velocities import kinetic_energy, masses_of
from explorer.hopping.escape import PUSH_LENGTH
from explorer.hopping.start import HopStarter
from explorer.hopping.walker import Phase
from explorer.io.build import from_sequence
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.units import BOLTZMANN

MOLECULE = from_sequence("A")
SETTINGS = HoppingSettings()
TARGET = np.random.default_rng(0).normal(size=MOLECULE.positions.shape)


def start(mode, **settings):
    request = HopRequest(walker=0, origin=MOLECULE.positions, mode=mode, target=TARGET, temperature=700.0)
    return HopStarter(MOLECULE, HoppingSettings(**settings))(request)


def test_a_jump_relaxes_from_its_target():
    begun = start(EscapeMode.JUMP)
    assert (begun.phase, begun.highest_energy) == (Phase.RELAX, np.inf)
    np.testing.assert_array_equal(begun.positions, TARGET)
    assert not begun.velocities.any()


def test_directed_dynamics_start_at_the_minimum_with_the_temperature_and_without_rigid_motion():
    begun, masses = start(EscapeMode.DIRECTED), masses_of(MOLECULE, SETTINGS.hydrogen_mass)
    assert begun.phase == Phase.DYNAMICS
    np.testing.assert_array_equal(begun.positions, MOLECULE.positions)
    assert kinetic_energy(begun.velocities, masses) == pytest.approx(1.5 * MOLECULE.n_atoms * BOLTZMANN * 700.0)
    momentum = masses[:, None] * begun.velocities
    assert np.abs(momentum.sum(axis=0)).max() < 1e-10
    assert np.abs(np.cross(MOLECULE.positions, momentum).sum(axis=0)).max() < 1e-4


@pytest.mark.parametrize("mode", [EscapeMode.SOFTENED, EscapeMode.PUSH])
def test_softening_starts_displaced_by_its_length(mode):
    begun = start(mode)
    assert begun.phase == Phase.SOFTEN
    np.testing.assert_allclose(begun.positions - MOLECULE.positions, begun.velocities)
    assert np.linalg.norm(begun.velocities) == pytest.approx(SETTINGS.softening_length)


def test_a_push_without_softening_moves_the_outermost_atom_by_its_length():
    begun = start(EscapeMode.PUSH, n_softening=0)
    assert begun.phase == Phase.RELAX
    assert np.linalg.norm(begun.positions - MOLECULE.positions, axis=1).max() == pytest.approx(PUSH_LENGTH)
