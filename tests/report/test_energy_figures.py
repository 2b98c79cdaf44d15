"""Energy range of the spectrum with spurious minima far from all conformers."""

import numpy as np
import pytest

from explorer.report.energy_figures import shown_energies


def test_a_spurious_minimum_does_not_compress_the_conformers():
    energies = np.array([-360.0, 0.0, 10.0, 30.0, 41.0, 90.0])
    low, high = shown_energies(energies, np.array([False, True, True, True, False, False]))
    assert (low, high) == (-15.0, 45.0)


@pytest.mark.parametrize("is_conformer", [True, False])
def test_all_minima_of_one_kind_are_shown(is_conformer):
    energies = np.array([0.0, 3.0, 50.0])
    assert shown_energies(energies, np.full(3, is_conformer)) == (0.0, 50.0)
