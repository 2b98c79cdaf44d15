"""Molecules in another atom order are merged; other molecules are not."""

from dataclasses import replace

import numpy as np

from explorer.comparison.atom_order import in_one_order
from explorer.dataset.dataset import MoleculeData

NUMBERS, BONDS = np.array([6, 8, 1, 1, 1, 1]), np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 5]])
POSITIONS = np.random.default_rng(0).normal(size=(4, 6, 3))


def methanol(order: np.ndarray, positions: np.ndarray) -> MoleculeData:
    n = len(positions)
    return MoleculeData(
        atomic_numbers=NUMBERS[order],
        bonds=np.sort(np.argsort(order)[BONDS], axis=1),
        total_charge=0,
        positions=positions[:, order],
        energy=np.arange(n, dtype=float),
        forces=2 * positions[:, order],
        conformer=np.array(["a"] * n),
        stage=np.array(["file"] * n),
        split=np.array(["train"] * n),
    )


def test_frames_in_another_order_join_the_first_with_their_forces():
    shuffled = methanol(np.array([5, 3, 1, 0, 4, 2]), POSITIONS[1:])
    cation = replace(methanol(np.arange(6), POSITIONS[:2]), total_charge=1)
    merged = in_one_order({"one": methanol(np.arange(6), POSITIONS[:1]), "two": shuffled, "ion": cation})
    assert list(merged) == ["one", "ion"]
    one = merged["one"]
    assert (len(one.energy), len(merged["ion"].energy)) == (4, 2)
    np.testing.assert_array_equal(one.positions[:, :2], POSITIONS[:, :2])  # carbon and oxygen
    np.testing.assert_array_equal(one.forces, 2 * one.positions)
    assert sorted(one.positions[2, 2:5].tolist()) == sorted(POSITIONS[2, 2:5].tolist())
