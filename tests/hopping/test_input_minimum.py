"""Relaxation of the input: a surface without forces has no minima."""

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.config import Settings
from explorer.errors import InputError
from explorer.hopping.input_minimum import first_minimum
from explorer.io.build import from_smiles
from explorer.relaxation.relaxer import Status
from explorer.topology.bonds import topology_of
from explorer.uncertainty.criteria import Assessment

MOLECULE = from_smiles("CO")


def relaxer(energy, fmax):
    """A relaxer that leaves every structure where it is."""
    return lambda positions: SimpleNamespace(
        positions=positions,
        energy=np.array([energy(positions[0])]),
        fmax=np.array([fmax]),
        status=np.array([Status.CONVERGED]),
        n_steps=np.array([1]),
    )


def test_constant_energy_is_refused_as_flat():
    with pytest.raises(InputError, match="stays at -1 eV when atoms move: this surface is flat"):
        first_minimum(MOLECULE, topology_of(MOLECULE), Settings(), relaxer(lambda x: -1.0, 0.0))


@pytest.mark.parametrize(("energy", "fmax"), [(lambda x: float(np.sum(x**2)), 0.0), (lambda x: -1.0, 1e-9)])
def test_other_minima_are_kept(energy, fmax):
    minimum, _ = first_minimum(MOLECULE, topology_of(MOLECULE), Settings(), relaxer(energy, fmax))
    np.testing.assert_array_equal(minimum.positions, MOLECULE.positions)


def test_a_displaced_input_that_does_not_converge_does_not_hide_why_the_input_is_unknown():
    """Only the displaced structures fail to relax, and what the model does not know is the relaxed input."""

    def relax(positions):
        is_input = np.array_equal(positions[0], MOLECULE.positions)
        relaxed = relaxer(lambda x: -1.0, 0.001 if is_input else 5.0)(positions)
        relaxed.status = np.array([Status.CONVERGED if is_input else Status.NOT_CONVERGED])
        return relaxed

    def assess(positions, energy, lengths):
        return [Assessment(None, "O-H of 1.3 Å")]

    with pytest.raises(InputError, match=r"structures that the model does not know \(O-H of 1.3 Å\)"):
        first_minimum(MOLECULE, topology_of(MOLECULE), Settings(), relax, assess)
