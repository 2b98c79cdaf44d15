"""Minima that differ by the turn of a methyl are one; everything else that separates minima still does."""

from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from explorer.bench.planted_pairs import copied, distorted
from explorer.config import IdentitySettings
from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.similarity.alignment import rmsd
from explorer.similarity.count_by_threshold import count_distinct
from explorer.similarity.dedup import deduplicate
from explorer.similarity.identity import identity_distance, identity_distances
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

SETTINGS = IdentitySettings()
PEPTIDE = from_sequence("A")
SYMMETRY = symmetry_of(PEPTIDE)


def turned(molecule, smarts: str, angle: float) -> np.ndarray:
    """Positions with the last atom of the first match, and what moves with it, turned about the bond before it."""
    mol = to_rdkit(molecule)
    dihedral = mol.GetSubstructMatch(Chem.MolFromSmarts(smarts))
    conformer = mol.GetConformer()
    before = rdMolTransforms.GetDihedralDeg(conformer, *dihedral)
    rdMolTransforms.SetDihedralDeg(conformer, *dihedral, before + angle)
    return conformer.GetPositions()


def n_distinct(molecule, structures, energies=None) -> int:
    energies = np.zeros(len(structures)) if energies is None else energies
    labels = deduplicate(symmetry_of(molecule), energies, np.array(structures), ["intact"] * len(structures), SETTINGS)
    return len(set(labels.tolist()))


ACETYL_METHYL = "O=C[CH3][H]"


@pytest.mark.parametrize("angle", [30, 60, 90, 200])
def test_turned_acetyl_methyl_is_the_same_minimum(angle):
    other = turned(PEPTIDE, ACETYL_METHYL, angle)
    assert rmsd(SYMMETRY, PEPTIDE.positions, other) > SETTINGS.rmsd
    assert identity_distance(SYMMETRY, PEPTIDE.positions, other) == pytest.approx(0, abs=1e-6)
    assert n_distinct(PEPTIDE, [PEPTIDE.positions, other]) == 1
    assert n_distinct(PEPTIDE, [PEPTIDE.positions, other], np.array([0, 1.01 * SETTINGS.energy_window])) == 2


def test_search_and_counts_by_threshold_know_the_turned_methyl():
    other = turned(PEPTIDE, ACETYL_METHYL, 60)
    history = History(SYMMETRY, SETTINGS)
    history.add(
        Minimum(
            id=0,
            energy=0.0,
            positions=PEPTIDE.positions,
            structure_class=StructureClass.INTACT,
            fmax=0.0,
            n_evaluations=0,
            round=0,
        )
    )
    assert history.identify(0.0, other, StructureClass.INTACT) == 0
    both, thresholds = np.array([PEPTIDE.positions, other]), np.array([0.05, 0.125])
    counts = count_distinct(SYMMETRY, np.zeros(2), both, ["intact"] * 2, SETTINGS, thresholds)
    assert counts.tolist() == [1, 1]


def test_mirror_image_with_a_turned_methyl_is_recognised_where_mirror_images_are_merged():
    glycine = from_sequence("G")
    other = -turned(glycine, ACETYL_METHYL, 60)
    assert n_distinct(glycine, [glycine.positions, other]) == 1
    merging = replace(SETTINGS, mirror="distinct")
    labels = deduplicate(symmetry_of(glycine), np.zeros(2), np.array([glycine.positions, other]), ["a"] * 2, merging)
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("molecule", "smarts"),
    [
        (from_smiles("CCO"), "CC[O][H]"),
        (from_smiles("CCN"), "CC[N][H]"),
        (from_smiles("CC(C)C(=O)O"), "CC[C]=O"),
        (from_sequence("S"), "C[C;X4][O][H]"),
    ],
    ids=["hydroxyl", "amino", "carboxyl", "serine"],
)
def test_other_turned_groups_are_other_minima(molecule, smarts):
    assert n_distinct(molecule, [molecule.positions, turned(molecule, smarts, 60)]) == 2


@pytest.mark.parametrize("size", [0.09, 0.13])
@pytest.mark.parametrize("sequence", ["A", "V", "L"])
def test_turned_methyl_excuses_no_other_distortion(sequence, size):
    """0.13 Å of all atoms; 0.09 Å beside a methyl that is turned."""
    molecule = from_sequence(sequence)
    rng = np.random.default_rng(1)
    at = turned(molecule, ACETYL_METHYL, 60) if size < SETTINGS.rmsd else molecule.positions
    for _ in range(20):
        other = copied(molecule, distorted(size)(molecule, at, rng), rng, noise=0.0)
        assert n_distinct(molecule, [molecule.positions, other]) == 2


def test_distances_are_at_most_the_rmsd_and_equal_those_without_a_limit_below_it():
    molecule = from_sequence("AF")
    symmetry, structures = symmetry_of(molecule), embed(to_rdkit(molecule), 12, seed=2)
    structures = np.concatenate([structures, structures[:1] + 0.05, structures[:1] + np.array([0.02, 0, 0])])
    all_of_them = identity_distances(symmetry, structures[0], structures)
    limited = identity_distances(symmetry, structures[0], structures, limit=0.125)
    below = all_of_them <= 0.125
    assert below.sum() == 3
    np.testing.assert_allclose(limited[below], all_of_them[below], atol=1e-9)
    assert np.all(limited[~below] > 0.125)


@pytest.mark.parametrize("smiles", ["C", "CC", "CO", "O", "C[NH3+]"])
def test_small_molecules_are_compared_by_all_atoms(smiles):
    molecule = from_smiles(smiles)
    assert symmetry_of(molecule).without_methyls is None
