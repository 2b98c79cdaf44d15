"""A stated charge never wins over complete bonds; radicals and charged groups are perceived as they are."""

from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem

from explorer.errors import InputError
from explorer.io.build import from_sequence, from_smiles, to_rdkit
from explorer.io.complete import complete_molecule
from explorer.io.structure import Structure
from explorer.records.molecule import Molecule


def structure_of(molecule: Molecule) -> Structure:
    """The atoms alone, as an XYZ file has them."""
    return Structure(
        title="m.xyz",
        atomic_numbers=molecule.atomic_numbers,
        positions=molecule.positions,
        atom_names=molecule.atom_names,
        lines=tuple(range(3, 3 + molecule.n_atoms)),
    )


def perceived(molecule: Molecule, **stated) -> Molecule:
    return complete_molecule(structure_of(molecule), "m", "m.xyz", **stated)


@pytest.mark.parametrize(
    ("sequence", "caps", "stated"),
    [("R", "ace-nme", -1), ("A", "ace-nme", -2), ("KK", "ace-nme", 0), ("D", "ace-nme", -3), ("AGA", "none", -2)],
)
def test_charge_that_contradicts_complete_bonds_is_refused_with_both_numbers(sequence, caps, stated):
    molecule = from_sequence(sequence, caps)
    with pytest.raises(InputError, match=rf"imply a charge of {molecule.total_charge}, but {stated} was given"):
        perceived(molecule, charge=stated)
    assert perceived(molecule, charge=molecule.total_charge).total_charge == molecule.total_charge


def test_charge_decides_at_a_doubtful_atom_and_nowhere_else():
    molecule = from_smiles("CC(=O)N[C@@H](C[S-])C(=O)NC")
    with pytest.raises(
        InputError, match=r"S\d+, line \d+\) lacks a hydrogen or is charged.*--charge -1.*ultiplicity 2"
    ):
        perceived(molecule)
    found = perceived(molecule, charge=-1)
    np.testing.assert_array_equal(found.formal_charges, molecule.formal_charges)
    np.testing.assert_array_equal(found.bond_orders, molecule.bond_orders)
    with pytest.raises(InputError, match="imply a charge of -1, but -3 was given"):
        perceived(molecule, charge=-3)


@pytest.mark.parametrize(
    "smiles",
    [
        "CC(=O)N[C@@H](CN=[N+]=[N-])C(=O)NC",
        "Cc1ccc([N+]#N)cc1",
        "CC(=O)C=[N+]=[N-]",
        "C[N+]#[C-]",
        "CC#[N+][O-]",
        "C[P+](C)(C)C",
        "c1ccc2[nH+]cccc2c1",
        "Cc1cc[n+]([O-])cc1",
    ],
)
def test_charged_groups_are_perceived_without_a_stated_charge(smiles):
    molecule = from_smiles(smiles)
    found = perceived(molecule)
    np.testing.assert_array_equal(np.sort(found.formal_charges), np.sort(molecule.formal_charges))
    canonical = {Chem.MolToSmiles(Chem.RemoveHs(to_rdkit(one))) for one in (molecule, found)}
    assert len(canonical) == 1


@pytest.mark.parametrize("smiles", ["C[CH]C", "CC1(C)CCCC(C)(C)N1[O]", "[CH2]c1ccccc1", "CO[O]"])
def test_radical_is_perceived_with_its_multiplicity(smiles):
    radical = from_smiles(smiles)
    assert radical.multiplicity == 2
    with pytest.raises(InputError, match="--multiplicity"):
        perceived(radical)
    found = perceived(radical, multiplicity=2)
    assert (found.total_charge, found.multiplicity) == (0, 2)
    np.testing.assert_array_equal(found.formal_charges, radical.formal_charges)
    with pytest.raises(InputError, match="--multiplicity"):
        perceived(radical, multiplicity=4)


def test_cluster_has_the_lowest_multiplicity_and_a_small_charge():
    line = replace(
        structure_of(from_smiles("C")), atomic_numbers=np.full(5, 11), positions=3.0 * np.arange(15).reshape(5, 3)
    )
    assert complete_molecule(line, "Na5", "").multiplicity == 2
    assert complete_molecule(line, "Na5", "", charge=1).multiplicity == 1
    for charge in (37, -(10**20)):
        with pytest.raises(InputError, match="charge of at most 8"):
            complete_molecule(line, "Na5", "", charge=charge)


def test_huge_charge_of_a_molecule_is_refused_at_once():
    with pytest.raises(InputError, match="imply a charge of -1"):
        perceived(from_smiles("CC[S-]"), charge=10**20)


def test_too_many_atoms_and_far_atoms_are_refused_before_pairs_are_formed():
    grid = 2.0 * np.indices((50, 50, 40)).reshape(3, -1).T
    structure = replace(
        structure_of(from_smiles("C")),
        atomic_numbers=np.full(len(grid), 18),
        positions=grid,
        atom_names=("Ar",) * len(grid),
    )
    with pytest.raises(InputError, match="at most 5000 atoms are possible, received 100000"):
        complete_molecule(structure, "Ar", "")
    pair = replace(
        structure, atomic_numbers=np.array([18, 18]), positions=np.array([[0.0, 0, 0], [0, 0, 900]]), lines=(3, 4)
    )
    with pytest.raises(InputError, match="is 900 Å from the next atom"):
        complete_molecule(pair, "Ar", "")


def test_formal_charges_of_atoms_decide_where_bonds_leave_the_charge_open():
    methyl = Structure(
        title="m.pdb",
        atomic_numbers=np.array([6, 1, 1, 1]),
        positions=np.array([[0.0, 0, 0], [1.08, 0, 0], [-0.54, 0.935, 0], [-0.54, -0.935, 0]]),
        atom_names=("C", "H1", "H2", "H3"),
        lines=(1, 2, 3, 4),
    )
    with pytest.raises(InputError):
        complete_molecule(methyl, "m", "m.pdb")
    cation = complete_molecule(replace(methyl, sum_of_formal_charges=1), "m", "m.pdb")
    assert cation.total_charge == 1
    assert cation.remarks == ()


def test_formal_charges_of_atoms_that_contradict_bonds_are_said_to_be_ignored():
    ion = structure_of(from_sequence("K"))
    for stated in (0, 2):
        molecule = complete_molecule(replace(ion, sum_of_formal_charges=stated), "m", "m.pdb")
        assert molecule.total_charge == 1
        assert f"formal charges in the file add up to {stated}" in molecule.remarks[0]
    assert complete_molecule(replace(ion, sum_of_formal_charges=1), "m", "m.pdb").remarks == ()
    with pytest.raises(InputError, match="imply a charge of 1, but 2 was given"):
        complete_molecule(replace(ion, sum_of_formal_charges=1), "m", "m.pdb", charge=2)
