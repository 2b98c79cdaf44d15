"""Atoms belong to the residues of the sequence that a peptide was built from."""

import numpy as np
import pytest

from explorer.io.build import from_sequence, from_smiles
from explorer.io.sequence import MODIFIED_SIDE_CHAINS, SIDE_CHAINS
from explorer.topology.residues import OTHER_RESIDUE, residues_of

CYCLIC = "CC(=O)N[C@H]1CSSC[C@@H](C(=O)NC)NC1=O"  # two cystines that share a disulfide


def in_order(molecule):
    """Residues of the heavy atoms in the order of the sequence, without repetitions."""
    names = np.array(residues_of(molecule.atomic_numbers, molecule.bonds))[molecule.atomic_numbers > 1].tolist()
    return [name for k, name in enumerate(names) if k == 0 or name != names[k - 1]]


@pytest.mark.parametrize(
    ("sequence", "caps", "expected"),
    [
        ("ACDEFGHIK", "ace-nme", ["ACE", *"ACDEFGHIK", "NME"]),
        ("LMNPQRSTVWY", "none", list("LMNPQRSTVWY")),
        ("[HIP]A[HID]G[HIE]", "ace", ["ACE", "HIP", "A", "HID", "G", "H"]),
        ("[ASH]G[GLH]P[LYN]", "nme", ["ASH", "G", "GLH", "P", "LYN", "NME"]),
    ],
)
def test_residues_are_those_of_the_sequence(sequence, caps, expected):
    assert in_order(from_sequence(sequence, caps)) == expected


def test_atoms_of_a_residue_are_as_many_as_its_formula_says():
    molecule = from_sequence("GWK")
    names = residues_of(molecule.atomic_numbers, molecule.bonds)
    counts = {name: names.count(name) for name in dict.fromkeys(names)}
    # C2H3O, C2H3NO, C11H10N2O, C6H13N2O+, CH4N
    assert counts == {"ACE": 6, "G": 7, "W": 24, "K": 22, "NME": 6}


def test_disulfide_is_cut_and_its_halves_are_named():
    assert set(in_order(from_smiles(CYCLIC))) == {"ACE", "CYX", "NME"}


def test_molecule_that_is_not_a_peptide_has_no_residues():
    ethanol = from_smiles("CCO")
    assert set(residues_of(ethanol.atomic_numbers, ethanol.bonds)) == {OTHER_RESIDUE}


def test_all_residues_that_can_be_built_are_known():
    for name in ("G", "P", *SIDE_CHAINS, *MODIFIED_SIDE_CHAINS, "AIB", "HYP", "SAR"):
        molecule = from_sequence(name if len(name) == 1 else f"[{name}]")
        assert OTHER_RESIDUE not in residues_of(molecule.atomic_numbers, molecule.bonds)
