"""Fates of planted minima of a four-atom molecule whose torsion identifies the conformer."""

import numpy as np
import pytest

from explorer.comparison.surface_changes import Fate, RelaxedStructures, surface_changes
from explorer.config import IdentitySettings
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.similarity.symmetry import symmetry_of

SETTINGS = IdentitySettings(mirror="distinct")
INTACT, BROKEN = StructureClass.INTACT, StructureClass.BOND_BROKEN


def chain(degrees: float) -> np.ndarray:
    """F-C-O-Cl-like chain with this torsion, Å."""
    angle = np.radians(degrees)
    return np.array([[-1.0, 1.2, 0], [0, 0, 0], [1.5, 0, 0], [2.5, 1.4 * np.cos(angle), 1.4 * np.sin(angle)]])


BONDS = np.array([[0, 1], [1, 2], [2, 3]])
MOLECULE = Molecule(
    name="chain",
    atomic_numbers=np.array([9, 6, 8, 17]),
    positions=chain(0),
    bonds=BONDS,
    bond_orders=np.ones(3),
    formal_charges=np.zeros(4, int),
)


def relaxed(ids, starts, ends, energies, kinds=None, converged=None):
    n = len(ids)
    return RelaxedStructures(
        np.array(ids),
        np.array([chain(a) for a in starts]),
        np.array(energies, float),
        np.array([chain(a) for a in ends]),
        kinds or [INTACT] * n,
        np.ones(n, bool) if converged is None else np.array(converged),
    )


@pytest.fixture(scope="module")
def found():
    old = relaxed(
        ids=[10, 11, 12, 13, 14, 15],
        starts=[0, 10, 185, 175, 240, 300],
        ends=[3, 90, 90, 180, 240, 300],
        energies=[-5.0, -4.9, -4.9, -4.7, -4.6, -4.5],
        kinds=[INTACT] * 4 + [BROKEN, INTACT],
        converged=[True] * 5 + [False],
    )
    new = relaxed(ids=[0, 1, 2], starts=[3, 90, 210], ends=[3, 90, 210], energies=[-5.0, -4.9, -4.4])
    before = np.array([-2.0, -1.9, -1.8, -1.7, -1.6, -1.5])
    return surface_changes(symmetry_of(MOLECULE), SETTINGS, before, old, new)


def test_every_minimum_has_the_fate_that_was_planted(found):
    fates = {change.id: (change.fate, change.into, change.found) for change in found.changes}
    assert fates == {
        10: (Fate.STAYED, None, 0),
        11: (Fate.MOVED, None, 1),
        12: (Fate.VANISHED, 11, 1),  # 11 moved less than 12
        13: (Fate.STAYED, None, None),  # not found by the second run
        14: (Fate.LOST, None, None),  # no longer a conformer
        15: (Fate.LOST, None, None),  # not converged
    }


def test_minimum_that_no_other_relaxes_to_has_appeared(found):
    assert found.appeared == (2,)
    assert found.appeared_energies == pytest.approx((0.6,))
    assert found.lowest_change == 0


def test_energies_are_above_the_lowest_of_each_surface(found):
    by_id = {change.id: change for change in found.changes}
    assert (by_id[13].before, by_id[13].after) == pytest.approx((0.3, 0.3))
    assert np.isnan(by_id[15].after)
    assert sum(map(found.count, Fate)) == 6
