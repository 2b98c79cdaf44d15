"""Torsion distances to training frames: RDKit sets and measures the torsions, brute force finds the nearest."""

import time

import numpy as np
import pytest
from rdkit.Chem import rdMolTransforms

from explorer.comparison import novelty
from explorer.comparison.novelty import conformation_torsions, nearest_frame_distance
from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of


def twisted(molecule: Molecule, quadruple: np.ndarray, degrees: float) -> np.ndarray:
    """Positions with one torsion rotated by some degrees, by RDKit."""
    mol = to_rdkit(molecule)
    conformer, atoms = mol.GetConformer(), [int(i) for i in quadruple]
    rdMolTransforms.SetDihedralDeg(conformer, *atoms, rdMolTransforms.GetDihedralDeg(conformer, *atoms) + degrees)
    return conformer.GetPositions()


def test_distance_is_the_smallest_rms_difference_by_brute_force(monkeypatch):
    monkeypatch.setattr(novelty, "_MAX_PAIRS_PER_CHUNK", 30)  # several chunks
    molecule = from_sequence("AA")
    mol = to_rdkit(molecule)
    structures = embed(mol, 14, seed=3)
    minima, frames = structures[:4], structures[4:]
    quadruples, periods = conformation_torsions(topology_of(molecule))
    assert set(periods) == {360.0}
    angles = []
    for structure in structures:
        conformer = to_rdkit(molecule, structure).GetConformer()
        angles.append([rdMolTransforms.GetDihedralDeg(conformer, *map(int, q)) for q in quadruples])
    difference = np.abs(np.array(angles)[:4, None] - np.array(angles)[None, 4:])
    difference = np.minimum(difference, 360 - difference)
    expected = np.sqrt((difference**2).mean(axis=2)).min(axis=1)
    np.testing.assert_allclose(nearest_frame_distance(molecule, minima, frames), expected, atol=1e-3)


def test_one_rotated_torsion_of_n_gives_its_angle_over_sqrt_n():
    molecule = from_sequence("A")
    quadruples, _ = conformation_torsions(topology_of(molecule))
    assert len(quadruples) == 4  # phi, psi, two omegas
    turned = twisted(molecule, quadruples[0], 200.0)  # 160 degrees the other way round
    distance = nearest_frame_distance(molecule, turned[None], molecule.positions[None])
    np.testing.assert_allclose(distance, [160 / 2], atol=1e-3)


def test_methyl_rotation_gives_zero_distance():
    molecule = from_sequence("A")
    methyl = next(
        [h, c, a, n]
        for c, a in np.vstack([molecule.bonds, molecule.bonds[:, ::-1]]).tolist()
        for h in range(molecule.n_atoms)
        for n in range(molecule.n_atoms)
        if molecule.atomic_numbers[[h, c, a]].tolist() == [1, 6, 6]
        and molecule.atomic_numbers[n] == 7
        and [c, h] in molecule.bonds.tolist()
        and sorted([a, n]) in molecule.bonds.tolist()
        and sum(c in bond and molecule.atomic_numbers[bond].min() == 1 for bond in molecule.bonds) == 3
    )
    turned = twisted(molecule, np.array(methyl), 60.0)
    assert nearest_frame_distance(molecule, turned[None], molecule.positions[None])[0] < 1e-3


@pytest.mark.parametrize(("sequence", "period"), [("F", 180.0), ("D", 180.0), ("V", 360.0), ("L", 360.0), ("R", 180.0)])
def test_equivalent_ends_shorten_the_period(sequence, period):
    topology = topology_of(from_sequence(sequence))
    _, periods = conformation_torsions(topology)
    assert periods.min() == period


def test_half_turn_of_a_phenyl_ring_gives_zero_distance_but_rotation_about_its_other_bond_does_not():
    molecule = from_sequence("F")
    quadruples, periods = conformation_torsions(topology_of(molecule))
    (ring,) = quadruples[periods == 180.0]
    for degrees, expected in ((180.0, 0.0), (90.0, 90 / np.sqrt(len(periods)))):
        turned = twisted(molecule, ring, degrees)
        distance = nearest_frame_distance(molecule, turned[None], molecule.positions[None])[0]
        # an embedded ring is flat to a few degrees only
        assert distance == pytest.approx(expected, abs=3.0)


def test_molecule_without_torsions_and_empty_data_give_nan():
    methane, peptide = from_smiles("C"), from_sequence("A")
    assert np.isnan(nearest_frame_distance(methane, methane.positions[None], methane.positions[None])).all()
    assert np.isnan(nearest_frame_distance(peptide, peptide.positions[None], np.zeros((0, peptide.n_atoms, 3)))).all()
    assert nearest_frame_distance(peptide, np.zeros((0, peptide.n_atoms, 3)), peptide.positions[None]).shape == (0,)


def test_thousand_minima_over_five_thousand_frames_take_seconds():
    molecule = from_sequence("AAA")
    generator = np.random.default_rng(0)
    frames = molecule.positions + generator.normal(scale=0.3, size=(5000, molecule.n_atoms, 3))
    start = time.perf_counter()
    distances = nearest_frame_distance(molecule, frames[:1000] + 0.01, frames.astype(np.float32))
    assert time.perf_counter() - start < 5.0
    assert distances.max() < 0.1
