"""Plateau with small forces above a minimum, on which a force threshold alone stops."""

import jax.numpy as jnp
import numpy as np
import pytest
from springs import CHAIN, chain_dihedral, stretched_chain, with_torsion

from explorer.config import RelaxSettings
from explorer.relaxation.relaxer import make_relaxer, relax_many
from explorer.relaxation.state import Status
from explorer.system import system_of

DEPTH, WIDTH = 0.0049, 0.4  # eV, rad: the well beside the plateau of alanine dipeptide with AMBER
EDGE = 0.05  # rad, over which the slope changes its sign
START = np.radians(120.0)


def relax_from_the_plateau(slope: float, settings: RelaxSettings):
    """The chain with the dihedral energy s √(φ² + δ²) - D exp(-φ²/w²): outside the well a constant slope."""

    def torsion(angle, slope):
        return slope * jnp.sqrt(angle**2 + EDGE**2) - DEPTH * jnp.exp(-((angle / WIDTH) ** 2))

    potential = with_torsion(stretched_chain(100), torsion, slope)
    system = system_of(CHAIN, jnp.float64)
    return relax_many(potential, make_relaxer(CHAIN, settings), system, chain(START)[None])


def chain(angle: float) -> np.ndarray:
    """The chain at its bond lengths and angles, the dihedral given in rad."""
    along, out = np.cos(np.radians(100)), np.sin(np.radians(100))
    first = np.array([along, out, 0.0])
    last = np.array([1.45 - along, out * np.cos(angle), out * np.sin(angle)])
    return np.array([first, [0, 0, 0], [1.45, 0, 0], last])


@pytest.mark.parametrize("slope", [0.001, 0.002, 0.003])
def test_a_loose_force_threshold_does_not_stop_on_the_plateau(slope):
    result = relax_from_the_plateau(slope, RelaxSettings(fmax=0.01))
    assert result.status[0] == Status.CONVERGED
    assert chain_dihedral(result.positions[0]) == pytest.approx(0, abs=0.02)
    assert result.energy[0] == pytest.approx(slope * EDGE - DEPTH, abs=1e-5)


def test_the_force_threshold_alone_stops_there():
    result = relax_from_the_plateau(0.002, RelaxSettings(fmax=0.01, energy_change=1.0, step=1.0))
    assert result.status[0] == Status.CONVERGED
    assert 0.001 < result.fmax[0] < 0.003
    assert abs(chain_dihedral(result.positions[0])) > 1


@pytest.mark.parametrize("off", ["fmax", "energy_change", "step"])
def test_relaxation_continues_until_all_three_criteria_hold(off):
    """With one tiny threshold, meeting the two others does not end a relaxation."""
    loose = {"fmax": 1.0, "energy_change": 1.0, "step": 1.0}
    tight = {"fmax": 1e-5, "energy_change": 1e-11, "step": 1e-5}
    result = relax_from_the_plateau(0.002, RelaxSettings(**(loose | {off: tight[off]})))
    assert result.status[0] == Status.CONVERGED
    assert chain_dihedral(result.positions[0]) == pytest.approx(0, abs=0.02)
