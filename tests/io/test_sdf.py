"""SDF records written by RDKit are read back with bonds, charges, energies and line numbers."""

import re

import numpy as np
import pytest
from rdkit import Chem

from explorer.errors import InputError
from explorer.io.build import from_smiles, to_rdkit
from explorer.io.sdf import parse_sdf


def record(smiles: str, v3000: bool = False, **fields: object) -> str:
    block = Chem.MolToMolBlock(to_rdkit(from_smiles(smiles)), forceV3000=v3000)
    data = "".join(f">  <{name}>\n{value}\n\n" for name, value in fields.items())
    return f"{block}{data}$$$$\n"


@pytest.mark.parametrize("v3000", [False, True])
@pytest.mark.parametrize("smiles", ["[NH3+]CC(=O)[O-]", "C[N+](=O)[O-]", "c1ccccc1", "N#CC=C"])
def test_record_is_the_molecule_that_rdkit_wrote(smiles, v3000):
    (structure,) = parse_sdf(record(smiles, v3000), "x.sdf")
    assert Chem.MolToSmiles(Chem.RemoveHs(structure.mol)) == Chem.CanonSmiles(smiles)
    np.testing.assert_allclose(structure.positions, from_smiles(smiles).positions, atol=1e-4)
    np.testing.assert_array_equal(structure.atomic_numbers, from_smiles(smiles).atomic_numbers)


@pytest.mark.parametrize("v3000", [False, True])
def test_line_of_an_atom_contains_its_symbol(v3000):
    text = record("CO", v3000) * 2
    lines = text.splitlines()
    records = parse_sdf(text, "x.sdf")
    assert [structure.title for structure in records] == ["x.sdf", "x.sdf, record 2"]
    for structure in records:
        for name, number in zip(structure.atom_names, structure.lines, strict=True):
            assert name.rstrip("0123456789") in lines[number - 1].split()


@pytest.mark.parametrize("end", ["$$$$\n", "$$$$ \n", "$$$$\t\n", "$$$$ end\n"])
def test_no_record_is_lost_whatever_follows_the_dollars(end):
    text = record("CO").replace("$$$$\n", end)
    for records in (text * 2, (text * 2).rstrip("\n")):
        first, second = parse_sdf(records, "x.sdf")
        assert (first.n_atoms, second.n_atoms) == (6, 6)
        assert second.lines[0] == first.lines[0] + text.count("\n")


def test_energy_is_a_data_field():
    text = record("C", energy_eV=-1.5e-2) + record("C", note="2.0") + record("C", Energy="3")
    first, second, third = parse_sdf(text, "x.sdf")
    assert (first.energy, second.energy, third.energy) == (-1.5e-2, None, None)
    assert (first.remarks, second.remarks) == ((), ())
    assert third.remarks[0].startswith("'Energy' has no unit")


@pytest.mark.parametrize(("order", "kind"), [("4", "an aromatic bond outside a ring"), ("5", "a query or other bond")])
def test_bond_without_an_order_is_refused(order, kind):
    text = re.sub(r"^(  1  2  )1", rf"\g<1>{order}", record("CO"), flags=re.MULTILINE)
    (error,) = parse_sdf(text, "x.sdf")
    assert kind in str(error)


def test_isotopes_are_kept():
    (structure,) = parse_sdf(record("[2H]C([2H])O"), "x.sdf")
    assert sorted(structure.isotopes.tolist()) == [0, 0, 0, 0, 2, 2]


def test_isotope_that_cannot_exist_is_refused_with_the_name_of_the_file():
    (error,) = parse_sdf(record("CO").replace("M  END", "M  ISO  1   1 999\nM  END"), "x.sdf")
    assert str(error).startswith("x.sdf, atom 1 (C): a mass number from 6 to 22 was expected, received 999.")


def test_record_without_bonds_has_no_molecule():
    mol = Chem.RWMol()
    conformer = Chem.Conformer(2)
    for k in range(2):
        mol.AddAtom(Chem.Atom(18))
        conformer.SetAtomPosition(k, (3.8 * k, 0.0, 1.0))
    mol.AddConformer(conformer)
    (structure,) = parse_sdf(Chem.MolToMolBlock(mol) + "$$$$\n", "x.sdf")
    assert structure.mol is None
    assert structure.atomic_numbers.tolist() == [18, 18]


def test_missing_hydrogens_are_reported():
    text = Chem.MolToMolBlock(Chem.RemoveHs(to_rdkit(from_smiles("CCO"))))
    (error,) = parse_sdf(text, "x.sdf")
    assert isinstance(error, InputError)
    assert "atom 1 (C1, line 5) lacks hydrogens, and 2 more atoms do" in str(error)
