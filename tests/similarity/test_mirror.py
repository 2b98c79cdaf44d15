"""Mirror images: when they are merged, and the degeneracy of merged minima."""

import numpy as np
import pytest
from rdkit.Chem import AllChem, rdMolTransforms
from test_fingerprint import cluster

from explorer.config import IdentitySettings
from explorer.errors import ConfigError
from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.landscape.populations import populations
from explorer.similarity.mirror import merges_mirror_images, mirror_degeneracies
from explorer.similarity.symmetry import symmetry_of


@pytest.mark.parametrize(
    ("sequence", "mirror", "expected"),
    [("G", "auto", True), ("A", "auto", False), ("G", "distinct", False), ("A", "merge", True)],
)
def test_mirror_images_are_merged_as_set_and_else_where_the_molecule_is_achiral(sequence, mirror, expected):
    assert merges_mirror_images(symmetry_of(from_sequence(sequence)), IdentitySettings(mirror=mirror)) is expected


def test_unknown_value_is_refused():
    with pytest.raises(ConfigError, match=r"identity\.mirror must be auto, distinct or merge, received both"):
        IdentitySettings(mirror="both")


def butane(angle: float) -> np.ndarray:
    """The MMFF94 minimum next to a torsion in degrees, Å."""
    mol = to_rdkit(from_smiles("CCCC"))
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), 0, 1, 2, 3, angle)
    assert AllChem.MMFFOptimizeMolecule(mol, maxIters=5000) == 0
    return mol.GetConformer().GetPositions()


def test_gauche_butane_counts_twice_and_anti_butane_once():
    molecule = from_smiles("CCCC")
    symmetry = symmetry_of(molecule)
    positions = np.array([butane(180.0), butane(63.0), butane(-63.0)])
    degeneracies = mirror_degeneracies(symmetry, IdentitySettings(), positions)
    assert degeneracies.tolist() == [1, 2, 2]
    assert mirror_degeneracies(symmetry, IdentitySettings(mirror="distinct"), positions).tolist() == [1, 1, 1]
    # one gauche minimum that counts twice has the share of both
    energies = np.array([0.0, 0.039])
    once, both = populations(energies, 298.15, degeneracies[:2]), populations(energies[[0, 1, 1]], 298.15)
    np.testing.assert_allclose(once, [both[0], both[1:].sum()])


def test_cluster_without_a_mirror_plane_counts_twice_and_a_flat_one_once():
    molecule = cluster(6, seed=3)
    flat = molecule.positions * [1, 1, 0]
    degeneracies = mirror_degeneracies(symmetry_of(molecule), IdentitySettings(), np.stack([molecule.positions, flat]))
    assert degeneracies.tolist() == [2, 1]
