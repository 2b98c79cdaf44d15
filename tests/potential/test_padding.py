"""Padding grows little and concerns networks only. `test_prediction.py` shows that it changes no prediction."""

import numpy as np
import pytest

from explorer.io.build import from_sequence
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.padding import with_padding
from explorer.potential.so3krates import so3krates
from explorer.sizes import rounded_size
from explorer.system import system_of

MOLECULE = from_sequence("G")  # 19 atoms, 20 with padding
SYSTEM = system_of(MOLECULE, np.dtype("float64"))


@pytest.mark.parametrize("n", [1, 7, 16, 17, 42, 45, 64, 65, 161, 4097])
def test_sizes_grow_little_and_stay(n):
    assert n <= rounded_size(n) <= 1.125 * n
    assert rounded_size(rounded_size(n)) == rounded_size(n)


def test_atoms_of_the_molecule_come_first():
    padded = with_padding(so3krates(Hyperparameters(), {}), SYSTEM)
    np.testing.assert_array_equal(padded.atom_mask, np.arange(20) < 19)
    np.testing.assert_array_equal(padded.atomic_numbers, [*MOLECULE.atomic_numbers, 0])
    np.testing.assert_array_equal(padded.positions[:19], SYSTEM.positions)
    again = with_padding(so3krates(Hyperparameters(), {}), padded)
    np.testing.assert_array_equal(again.atomic_numbers, padded.atomic_numbers)


def test_analytic_potentials_receive_no_padding():
    assert len(with_padding(lennard_jones(), SYSTEM).positions) == 19
