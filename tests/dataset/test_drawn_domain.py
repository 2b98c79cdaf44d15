"""Molecules of the domain: every kind that is promised is drawn, each once, and held-out ones are not trained on."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcNumAmideBonds

from explorer.dataset import peptide_draw
from explorer.dataset.domain import (
    FAMILIES,
    canonical_smiles,
    draw_molecules,
    is_drawable,
    recipe_text,
)
from explorer.dataset.fragments import GROUPS, NUCLEOSIDES, SUGARS, draw_lipid
from explorer.dataset.peptide_draw import draw_linear, draw_macrocycle
from explorer.dataset.recipe import load_recipe
from explorer.io.build import peptide_smiles

TRAINING = Path(__file__).resolve().parents[2] / "data" / "training"
# What the training recipe must contain, as SMARTS that RDKit finds without this project, with the number of molecules.
PROMISED = {
    "thiolate": "[S-][CH2]",
    "tyrosinate": "[O-]c1ccc(C[CH]N)cc1",
    "neutral arginine": "CCCN=C(N)N",
    "arginine": "C(N)(=[NH2+])NCC",
    "neutral lysine": "[NH2]CCCC[CH](N)C=O",
    "lysine": "[NH3+]CCCC[CH](N)C=O",
    "histidine delta": "[CH]Cc1cnc[nH]1",
    "histidine epsilon": "[CH]Cc1c[nH]cn1",
    "histidinium": "[CH]Cc1c[nH]c[nH+]1",
    "aspartate or glutamate": "[CH]CC(=O)[O-]",
    "aspartic or glutamic acid": "[CH]CC(=O)[OH]",
    "N terminus NH2": "[NH2;!$(N*=*)][CH]C(=O)[#7]",
    "N terminus NH3+": "[NH3+][CH]C(=O)",
    "acetyl": "[CH3]C(=O)N[CH]C(=O)",
    "formyl": "[CH](=O)N[CH]C(=O)",
    "C terminus COOH": "N[CH]C(=O)[OH]",
    "C terminus COO-": "N[CH]C(=O)[O-]",
    "C terminus NH2": "N[CH]C(=O)[NH2]",
    "C terminus NHMe": "N[CH]C(=O)N[CH3]",
    "C terminus OMe": "N[CH]C(=O)O[CH3]",
    "disulfide": "[CH]CSSC[CH]",
    "N-methyl": "O=CN([CH3])[CH]C=O",
    "D residue": "N[C@H](C)C=O",
    "hydroxyproline": "O[CH]1CN(C=O)[CH](C=O)C1",
    "macrocycle": "[r{12-}]",
}


@pytest.fixture(scope="module")
def trained():
    return [Chem.AddHs(Chem.MolFromSmiles(m.smiles)) for m in load_recipe(TRAINING / "chain-molecules.toml").molecules]


@pytest.mark.parametrize("kind", list(PROMISED))
def test_every_promised_group_is_in_the_training_recipe(trained, kind):
    pattern = Chem.MolFromSmarts(PROMISED[kind])
    assert sum(mol.HasSubstructMatch(pattern, useChirality=True) for mol in trained) >= 8


def test_held_out_molecules_are_not_trained_on():
    recipes = [load_recipe(TRAINING / f"chain-molecules{name}.toml") for name in ("", "-heldout")]
    trained, held_out = ({canonical_smiles(m.smiles) for m in recipe.molecules} for recipe in recipes)
    assert len(held_out) == 100
    assert not trained & held_out
    assert recipes[1].split == "test"
    for recipe, smiles in zip(recipes, (trained, held_out), strict=True):
        assert len(smiles) == len({m.name for m in recipe.molecules})


def test_same_seed_draws_the_same_molecules_and_each_once():
    drawn = draw_molecules(60, 5)
    assert drawn == draw_molecules(60, 5)
    assert drawn != draw_molecules(60, 6)
    smiles = [one for members in drawn.values() for one in members.values()]
    assert len(smiles) == len(set(smiles)) == 60
    left = draw_molecules(60, 5, exclude=set(smiles))
    assert not {one for members in left.values() for one in members.values()} & set(smiles)
    assert {*draw_molecules(20, 5, families=["lipids"])} == {"lipids"}


def test_molecules_are_small_enough_and_not_highly_charged():
    for family, members in draw_molecules(150, 7).items():
        for smiles in members.values():
            mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
            assert mol.GetNumAtoms() <= FAMILIES[family][2]
            assert abs(Chem.GetFormalCharge(mol)) <= 2
            assert {a.GetSymbol() for a in mol.GetAtoms()} <= set("HCNOS")
            assert not any(a.GetNumRadicalElectrons() for a in mol.GetAtoms())
    assert not is_drawable("[NH3+]CC[NH2+]CC[NH3+]", 80)
    assert not is_drawable("C" * 40, 80)


def test_listed_molecules_are_read_by_rdkit_and_differ():
    listed = [*GROUPS.values(), *SUGARS.values(), *NUCLEOSIDES.values()]
    assert len({canonical_smiles(smiles) for smiles in listed}) == len(listed)


def test_residues_are_those_of_the_peptide_builder():
    """L residues between acetyl and N-methylamide, as `peptide_smiles` writes them; hydroxyproline is (2S,4R)."""
    for letter in "ACDEFGHIKLMNPQRSTVWY":
        one = peptide_draw._Residue(letter)
        built = peptide_draw._chain([one.smiles()], one, "ac", "nhme")
        assert canonical_smiles(built) == canonical_smiles(peptide_smiles(letter))
    one = peptide_draw._Residue("HYP")
    built = peptide_draw._chain([one.smiles()], one, "ac", "nhme")
    assert canonical_smiles(built) == canonical_smiles("CC(=O)N1C[C@H](O)C[C@H]1C(=O)NC")
    labels = dict(Chem.FindMolChiralCenters(Chem.MolFromSmiles(built), useLegacyImplementation=False))
    assert sorted(labels.values()) == ["R", "S"]


def test_first_nitrogen_of_a_charged_end_has_the_right_number_of_hydrogens():
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(300):
        name, smiles = draw_linear(rng)
        if name.startswith("h2-"):
            mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
            end = mol.GetSubstructMatches(Chem.MolFromSmarts("[N+;!$(N=*);!$([NH3+]CCCC)]C"))
            seen |= {sum(a.GetAtomicNum() == 1 for a in mol.GetAtomWithIdx(k).GetNeighbors()) for k, _ in end}
    assert seen == {2, 3}


def test_macrocycles_have_a_ring_of_at_least_twelve_atoms_and_lipids_their_length():
    rng = np.random.default_rng(2)
    for _ in range(40):
        _, smiles = draw_macrocycle(rng)
        mol = Chem.MolFromSmiles(smiles)
        assert max(map(len, mol.GetRingInfo().AtomRings())) >= 12
        assert CalcNumAmideBonds(mol) >= 3
    for _ in range(40):
        name, smiles = draw_lipid(rng)
        length = int(name.split("-")[1][1:].rstrip("ez"))
        assert Chem.MolFromSmiles(smiles).GetNumHeavyAtoms() >= length


def test_recipe_reads_back_names_and_smiles(tmp_path):
    drawn = draw_molecules(80, 3)
    (tmp_path / "r.toml").write_text(recipe_text(drawn, "seed = 4\nsampler = 'network'\n", n_starts=3))
    recipe = load_recipe(tmp_path / "r.toml")
    assert {m.name: m.smiles for m in recipe.molecules} == {k: v for group in drawn.values() for k, v in group.items()}
    assert {m.n_starts for m in recipe.molecules} == {3}
    assert (recipe.seed, recipe.sampler) == (4, "network")
