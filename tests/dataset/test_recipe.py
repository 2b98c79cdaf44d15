"""Recipes: groups, defaults and settings of tables, and the coverage of the shipped recipes."""

import re
from collections import Counter
from pathlib import Path

import pytest

from explorer.dataset.label import molecule_of
from explorer.dataset.recipe import load_recipe
from explorer.errors import ConfigError
from explorer.io.sequence import SIDE_CHAINS

TRAINING = Path(__file__).resolve().parents[2] / "data" / "training"
LETTERS = {letter for letter in SIDE_CHAINS if len(letter) == 1} | {"G", "P"}

GROUP = """
seed = 3
stride = 4
n_walkers = 2

[[group]]
n_starts = 2
caps = "none"
stride = 7
temperatures = [400]
sequences = ["AG", "[HIP]"]
[group.smiles]
pair = "CO.CO"

[[molecule]]
name = "x"
n_starts = 1
smiles = "C"
"""


def test_group_is_one_entry_for_each_molecule(tmp_path):
    (tmp_path / "r.toml").write_text(GROUP)
    recipe = load_recipe(tmp_path / "r.toml")
    x, *group = recipe.molecules
    assert [(m.name, m.n_starts) for m in group] == [("ag", 2), ("(hip)", 2), ("pair", 2)]
    assert {(m.sampling.stride, m.sampling.n_walkers, m.sampling.temperatures) for m in group} == {(7, 2, (400,))}
    assert (x.sampling.stride, recipe.seed) == (4, 3)
    assert [molecule_of(m).GetNumAtoms() for m in group] == [20, 21, 12]


def test_unknown_key_and_empty_recipe_are_refused(tmp_path):
    (tmp_path / "r.toml").write_text('[[group]]\nn_starts = 1\nstrides = 3\nsequences = ["A"]\n')
    with pytest.raises(ConfigError, match="strides"):
        load_recipe(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text("seed = 1\n")
    with pytest.raises(ConfigError, match="names no molecules"):
        load_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize("name", ["peptides.toml", "peptides-heldout.toml"])
def test_molecules_of_shipped_recipes_can_be_built(name):
    assert all(molecule_of(entry).GetNumAtoms() > 4 for entry in load_recipe(TRAINING / name).molecules)


def test_held_out_molecules_are_not_in_the_training_recipe_and_have_every_residue():
    trained, held_out = (load_recipe(TRAINING / f"peptides{name}.toml") for name in ("", "-heldout"))
    assert held_out.split == "test"
    assert not {m.name for m in trained.molecules} & {m.name for m in held_out.molecules}
    assert {letter for m in held_out.molecules for letter in m.sequence} == LETTERS


def test_every_residue_and_protonation_state_is_in_the_training_recipe():
    counts = Counter(
        residue
        for sequence in {m.sequence for m in load_recipe(TRAINING / "peptides.toml").molecules}
        for residue in re.findall(r"[A-Z]|\[[A-Z]+\]", sequence)
    )
    states = {f"[{state}]" for state in SIDE_CHAINS if len(state) > 1} - {"[HIE]"}  # the same as H
    assert all(counts[residue] >= 12 for residue in LETTERS | states)
    assert counts["[CYX]"] >= 8
