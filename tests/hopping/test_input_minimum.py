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
