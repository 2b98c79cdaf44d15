"""Geometries far from minima: bonds keep their lengths in turns, no atoms come too close, modes have a temperature."""

import numpy as np
import pytest

from explorer.dataset.displacements import (
    contact,
    is_possible,
    movable_parts,
    moved_hydrogen,
    stiffness_matrix,
    thermally_displaced,
    turned,
)
from explorer.dataset.force_field import MIN_STIFFNESS
from explorer.io.build import embed, from_rdkit, from_smiles
from explorer.units import BOLTZMANN

ACID = from_smiles("CC(=O)NCC(=O)O")
PARTS = movable_parts(ACID)


def _pair():
    from rdkit import Chem

    mol = Chem.AddHs(Chem.MolFromSmiles("CO.O"))
    positions = embed(mol, 1, 1)[0]
    positions[[1, 6], 0] += 0.0
    return from_rdkit(mol, positions, name="pair", source="")


def _bond_lengths(positions):
    return np.linalg.norm(positions[ACID.bonds[:, 0]] - positions[ACID.bonds[:, 1]], axis=-1)


def test_turns_reach_the_acid_hydrogen_and_the_amide():
    turns = {frozenset(turn[:2]) for turn in PARTS.turns}
    numbers = ACID.atomic_numbers
    hydroxyl = next(x for h, x in PARTS.hydrogens if numbers[x] == 8)
    assert any(hydroxyl in turn for turn in turns)
    amide = {frozenset((i, j)) for i, j in ACID.bonds.tolist() if {numbers[i], numbers[j]} == {6, 7}}
    assert len(amide & turns) == 2


@pytest.mark.parametrize("tight", [False, True])
def test_turns_keep_all_bonds_and_tight_ones_come_closer(tight):
    rng = np.random.default_rng(0)
    frames = [turned(PARTS, ACID.positions, tight, rng) for _ in range(60)]
    frames = np.array([frame for frame in frames if frame is not None])
    assert len(frames) > 40
    for frame in frames:
        np.testing.assert_allclose(_bond_lengths(frame), _bond_lengths(ACID.positions), atol=1e-9)
    assert is_possible(PARTS, frames).all()
    closest = _closest(frames)
    assert np.median(closest) < 2.0 if tight else np.median(closest) > 1.9


def _closest(frames):
    distances = np.linalg.norm(frames[:, :, None] - frames[:, None], axis=-1)
    return np.where(PARTS.apart, distances, np.inf).min(axis=(1, 2))


def test_only_one_hydrogen_moves_and_reaches_other_atoms():
    rng = np.random.default_rng(1)
    nearest = []
    for _ in range(300):
        frame = moved_hydrogen(PARTS, ACID.positions, rng)
        if frame is None:
            continue
        moved = np.flatnonzero(np.abs(frame - ACID.positions).max(axis=1) > 1e-12)
        assert len(moved) == 1
        assert ACID.atomic_numbers[moved[0]] == 1
        to_heavy = np.linalg.norm(frame[ACID.atomic_numbers > 1] - frame[moved[0]], axis=-1)
        nearest.append(np.sort(to_heavy)[:2])
    shortest, second = np.array(nearest).T
    assert shortest.min() < 0.85
    assert shortest.max() > 1.4
    assert second.min() < 1.3


def test_pairs_are_pressed_together_and_pulled_apart_as_rigid_bodies():
    pair = _pair()
    parts, rng = movable_parts(pair), np.random.default_rng(2)
    start = pair.positions.copy()
    start[parts.fragments[1]] += np.array([4.5, 0, 0]) - start[parts.fragments[1]].mean(axis=0)
    gaps = []
    for _ in range(100):
        frame = contact(parts, start, rng)
        if frame is not None:
            for part in parts.fragments:
                inner = [np.linalg.norm(x[part][:, None] - x[part], axis=-1) for x in (frame, start)]
                np.testing.assert_allclose(*inner, atol=1e-9)
            gaps.append(np.linalg.norm(frame[parts.fragments[0]][:, None] - frame[parts.fragments[1]], axis=-1).min())
    reached = np.linalg.norm(start[parts.fragments[0]][:, None] - start[parts.fragments[1]], axis=-1).min()
    assert min(gaps) < reached - 0.3
    assert max(gaps) > reached + 1.5


def test_single_molecule_is_scaled_about_its_centre():
    frame = contact(PARTS, ACID.positions, np.random.default_rng(3))
    assert frame is not None
    ratios = _bond_lengths(frame) / _bond_lengths(ACID.positions)
    assert np.ptp(ratios) < 1e-9
    assert 0.93 <= ratios[0] <= 1.08


def test_atoms_on_each_other_are_not_possible():
    frames = np.repeat(ACID.positions[None], 2, axis=0)
    frames[1, -1] = frames[1, 0] + 0.1
    np.testing.assert_array_equal(is_possible(PARTS, frames), [True, False])


def test_displacements_have_the_energy_of_the_temperature():
    hessian = stiffness_matrix(ACID, ACID.positions)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-9)
    assert np.linalg.eigvalsh(hessian).min() > 0
    rng = np.random.default_rng(4)
    steps = [(thermally_displaced(hessian, ACID.positions, 500.0, rng) - ACID.positions).ravel() for _ in range(400)]
    stiffer = hessian + MIN_STIFFNESS * np.eye(len(hessian))
    energies = [0.5 * step @ stiffer @ step for step in steps]
    assert np.mean(energies) == pytest.approx(0.5 * ACID.positions.size * BOLTZMANN * 500, rel=0.05)
