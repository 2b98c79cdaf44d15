"""Hydrogen bonds against textbook turns, and donors and acceptors of common groups."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdMolTransforms import SetDihedralDeg

from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of
from explorer.topology.hydrogen_bonds import hydrogen_bond_patterns, hydrogen_bond_sites


def turned(molecule: Molecule, *angles: tuple[float, float]) -> np.ndarray:
    """Return positions with the given φ and ψ of each residue, all amides trans."""
    mol = to_rdkit(molecule)
    conformer = mol.GetConformer()
    for residue, pair in zip(topology_of(molecule).backbone, angles, strict=True):
        for atoms, angle in zip(residue.tolist(), pair, strict=True):
            SetDihedralDeg(conformer, *atoms, angle)
    return conformer.GetPositions()


@pytest.mark.parametrize(
    ("sequence", "angles", "pattern"),
    [
        ("A", [(-80, 75)], "C7"),  # γ turn, C7eq
        ("A", [(75, -65)], "C7"),  # C7ax
        ("A", [(-150, 150)], "none"),  # the C5 of an extended residue has an angle of about 105°
        ("AA", [(-60, -30), (-90, 0)], "C10"),  # β turn of type I
        ("AA", [(-80, 75), (-80, 75)], "C7+C7"),
        ("AAA", [(-57, -47)] * 3, "C13"),  # one turn of the α helix
    ],
)
def test_turns_have_their_textbook_names(sequence, angles, pattern):
    molecule = from_sequence(sequence, "ace-nme")
    assert hydrogen_bond_patterns(molecule, turned(molecule, *angles)) == [pattern]


def test_structures_of_a_batch_have_their_own_patterns_in_any_frame():
    molecule = from_sequence("A", "ace-nme")
    both = np.stack([turned(molecule, (-80, 75)), turned(molecule, (-150, 150))])
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    assert hydrogen_bond_patterns(molecule, both @ rotation + 5.0) == ["C7", "none"]


def test_a_bond_between_two_molecules_is_no_ring():
    positions = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0], [2.9, 0, 0], [3.2, 0.9, 0], [3.2, -0.9, 0]])
    waters = Molecule(
        name="waters",
        atomic_numbers=np.array([8, 1, 1, 8, 1, 1]),
        positions=positions,
        bonds=np.array([[0, 1], [0, 2], [3, 4], [3, 5]]),
        bond_orders=np.ones(4),
        formal_charges=np.zeros(6, int),
    )
    assert hydrogen_bond_patterns(waters, positions) == ["D"]
    positions[3:] += [1.0, 0, 0]
    assert hydrogen_bond_patterns(waters, positions) == ["none"]


@pytest.mark.parametrize(
    ("smiles", "n_donors", "acceptors"),
    [
        ("CC(=O)NC", 1, "O"),  # amide: the lone pair of N is shared
        ("CN", 2, "N"),
        ("C[NH3+]", 3, ""),
        ("Cc1c[nH]cn1", 1, "N"),  # only the pyridine-like nitrogen of imidazole
        ("CC(=O)O", 1, "OO"),
        ("Nc1ccccc1", 2, ""),  # aniline
        ("NC(N)=NC", 4, "N"),  # neutral guanidine: the imine nitrogen
    ],
)
def test_donors_and_acceptors_of_groups(smiles, n_donors, acceptors):
    molecule = from_smiles(smiles)
    sites = hydrogen_bond_sites(molecule)
    assert len(sites.donors) == n_donors
    symbols = [Chem.GetPeriodicTable().GetElementSymbol(int(molecule.atomic_numbers[a])) for a in sites.acceptors]
    assert "".join(sorted(symbols)) == acceptors


def test_a_cluster_has_no_hydrogen_bonds():
    argon = Molecule(
        name="Ar3", atomic_numbers=np.full(3, 18), positions=np.eye(3), bonds=np.empty((0, 2), int),
        bond_orders=np.empty(0), formal_charges=np.zeros(3, int),
    )  # fmt: skip
    assert hydrogen_bond_patterns(argon, argon.positions) == ["none"]
