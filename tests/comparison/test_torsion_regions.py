"""Regions of torsions without training frames, in structures whose torsions RDKit sets."""

import numpy as np
import pytest
from rdkit.Chem import rdMolTransforms

from explorer.comparison.novelty import conformation_torsions
from explorer.comparison.torsion_regions import regions_without_frames
from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of


def structure_with(molecule: Molecule, *values: float) -> np.ndarray:
    """Positions with the first torsions of the molecule at the given values, degrees."""
    conformer = to_rdkit(molecule).GetConformer()
    quadruples, _ = conformation_torsions(topology_of(molecule))
    for quadruple, value in zip(quadruples.tolist(), values, strict=False):
        rdMolTransforms.SetDihedralDeg(conformer, *quadruple, value)
    return conformer.GetPositions()


BUTANE, ALANINE = from_smiles("CCCC"), from_sequence("A")


@pytest.mark.parametrize(("difference", "is_new"), [(29, False), (31, True), (-29, False), (-31, True)])
def test_a_region_is_empty_beyond_thirty_degrees(difference, is_new):
    frames = np.array([structure_with(BUTANE, 170)])
    minimum = structure_with(BUTANE, 170 + difference)  # across 180° where the difference is positive
    regions = regions_without_frames(BUTANE, minimum[None], frames)
    assert bool(regions) is is_new


def test_phi_and_psi_are_a_region_together():
    # frames have each value of the minimum, but in different structures
    frames = np.array([structure_with(ALANINE, -60, 140), structure_with(ALANINE, 60, -40)])
    minima = np.array([structure_with(ALANINE, -60, -40), structure_with(ALANINE, -65, 150)])
    (region,) = regions_without_frames(ALANINE, minima, frames)
    assert region.minima == (0,)
    assert region.centre == pytest.approx((-60, -30), abs=31)
    assert [len(names) for names in region.torsions] == [4, 4]


def test_minima_in_one_empty_region_are_listed_together():
    frames = np.array([structure_with(BUTANE, 180)])
    minima = np.array([structure_with(BUTANE, value) for value in (62, 180, 58, -60)])
    regions = regions_without_frames(BUTANE, minima, frames)
    assert [(one.centre, one.minima) for one in regions] == [((-60,), (3,)), ((60,), (0, 2))]


def test_without_torsions_or_frames_there_are_no_regions():
    water = from_smiles("O")
    assert regions_without_frames(water, water.positions[None], water.positions[None]) == []
    assert regions_without_frames(BUTANE, BUTANE.positions[None], np.zeros((0, BUTANE.n_atoms, 3))) == []
