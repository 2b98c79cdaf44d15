"""Residues whose geometry contradicts their name are said, for every chiral amino acid and its mirror image."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.io.build import from_sequence
from explorer.io.handedness import handedness_remarks
from explorer.records.molecule import Molecule


def labelled(molecule: Molecule, residue: str) -> Molecule:
    """Give the atoms of the first alpha carbon their PDB names."""
    bonds, numbers = molecule.bonds, molecule.atomic_numbers
    neighbours = [set(bonds[(bonds == k).any(axis=1)].ravel().tolist()) - {k} for k in range(molecule.n_atoms)]
    names = list(molecule.atom_names)
    for k in np.flatnonzero(numbers == 6).tolist():
        nitrogens = [j for j in neighbours[k] if numbers[j] == 7]
        carbonyls = [j for j in neighbours[k] if numbers[j] == 6 and any(numbers[i] == 8 for i in neighbours[j])]
        carbonyls = [j for j in carbonyls if any(numbers[i] == 7 for i in neighbours[j] - {k})]
        others = [j for j in neighbours[k] if numbers[j] == 6 and j not in carbonyls]
        if nitrogens and carbonyls and others:
            for atom, name in ((k, "CA"), (nitrogens[0], "N"), (carbonyls[0], "C"), (others[0], "CB")):
                names[atom] = f"{residue}2:{name}"
            return replace(molecule, atom_names=tuple(names))
    raise AssertionError("no alpha carbon")


@pytest.mark.parametrize(("letter", "name"), [("A", "ALA"), ("C", "CYS"), ("T", "THR"), ("H", "HID"), ("P", "PRO")])
def test_mirror_image_under_the_name_of_an_l_residue_is_said(letter, name):
    molecule = labelled(from_sequence(letter), name)
    assert handedness_remarks(molecule) == ()
    (remark,) = handedness_remarks(replace(molecule, positions=-molecule.positions))
    label = "S" if letter == "C" else "R"  # sulphur reverses the priorities
    assert remark == f"{name}2 is D ({label} at CA), but its name is that of an L residue."


def test_names_of_d_residues_are_known():
    molecule = labelled(from_sequence("v"), "DVA")
    assert handedness_remarks(molecule) == ()
    assert "DVA2 is L (S at CA), but its name is that of a D residue." in handedness_remarks(
        replace(molecule, positions=-molecule.positions)
    )


@pytest.mark.parametrize("name", ["GLY", "LIG", "AIB", "NME", "DA"])
def test_other_residues_have_no_handedness(name):
    molecule = labelled(from_sequence("A"), name)
    assert handedness_remarks(replace(molecule, positions=-molecule.positions)) == ()


def test_molecules_without_residues_have_no_remark():
    assert handedness_remarks(from_sequence("a")) == ()
