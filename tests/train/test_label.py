"""Labelling: resumable, failures recorded, the reference's own forces, whole conformers in one split."""

import json
from dataclasses import replace

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from explorer.errors import ConfigError, InputError
from explorer.train.collect import collect
from explorer.train.dataset import load_dataset, load_meta, split_of
from explorer.train.given import label_file
from explorer.train.label import label_recipe, reference_calculator
from explorer.train.recipe import MoleculeRecipe, Recipe, load_recipe

REFERENCE = "ase:ase.calculators.emt:EMT"
RECIPE = Recipe(
    molecules=(MoleculeRecipe("methanol", 2, smiles="CO"),), temperatures=(300.0,), n_steps=8, n_equilibration=4,
    stride=2, n_relaxation=4, relaxation_stride=2,
)  # fmt: skip


def test_recipe_is_labelled_with_the_forces_of_the_reference(tmp_path):
    calls = []
    label_recipe(RECIPE, REFERENCE, tmp_path / "parts", 1, lambda done, total: calls.append((done, total)))
    meta = collect(RECIPE, REFERENCE, tmp_path / "parts", tmp_path / "d.npz")
    data = load_dataset(tmp_path / "d.npz")["methanol"]
    assert calls == [(0, 2), (1, 2), (2, 2)]
    assert json.loads(json.dumps(meta)) == load_meta(tmp_path / "d.npz")
    assert meta["frames"] == {"methanol": len(data.energy)}
    assert set(data.stage) == {"relaxation", "dynamics-300"}
    atoms = Atoms(data.atomic_numbers, positions=data.positions[-1], calculator=EMT())
    assert data.energy[-1] == pytest.approx(atoms.get_potential_energy(), abs=1e-4)
    np.testing.assert_allclose(data.forces[-1], atoms.get_forces(), atol=1e-3)


def test_finished_starts_are_not_repeated(tmp_path):
    label_recipe(RECIPE, REFERENCE, tmp_path, 1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "methanol-00001.npz").unlink()
    label_recipe(RECIPE, REFERENCE, tmp_path, 1)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert before.keys() == after.keys()
    assert [path.name for path in before if before[path] != after[path]] == ["methanol-00001.npz"]


def test_failed_start_is_recorded_with_its_reason(tmp_path):
    fails = MoleculeRecipe("silane", 1, smiles="[SiH4]")  # EMT has no silicon
    recipe = Recipe(molecules=(*RECIPE.molecules, fails), temperatures=(300.0,), n_steps=4, n_equilibration=2, stride=2)
    label_recipe(recipe, REFERENCE, tmp_path, 1)
    meta = collect(RECIPE, REFERENCE, tmp_path, tmp_path / "d.npz")
    assert meta["failures"] == []
    meta = collect(recipe, REFERENCE, tmp_path, tmp_path / "d.npz")
    assert len(meta["failures"]) == 1
    assert meta["failures"][0].startswith("silane start 0: ")
    assert list(load_dataset(tmp_path / "d.npz")) == ["methanol"]
    only = Recipe(molecules=(fails,))
    with pytest.raises(InputError, match="silane start 0"):
        collect(only, REFERENCE, tmp_path, tmp_path / "e.npz")


def test_split_is_by_conformer_and_near_its_shares():
    names = [f"peptide:{k}" for k in range(4000)]
    splits = [split_of(name) for name in names]
    assert splits == [split_of(name) for name in names]
    shares = {split: splits.count(split) / 4000 for split in ("train", "validation", "test")}
    assert shares == pytest.approx({"train": 0.84, "validation": 0.08, "test": 0.08}, abs=0.02)


def test_given_structures_are_labelled_and_failures_named(tmp_path):
    structures = [Atoms("CO", positions=[[0, 0, 0], [0, 0, 1.1]]), Atoms("Si"), Atoms("N2", positions=np.eye(3)[:2])]
    ase.io.write(tmp_path / "in.extxyz", structures)
    n_labelled, failures = label_file(tmp_path / "in.extxyz", tmp_path / "out.extxyz", REFERENCE)
    labelled = ase.io.read(tmp_path / "out.extxyz", index=":")
    assert (n_labelled, len(failures)) == (2, 1)
    assert failures[0].startswith("frame 2: ")
    for atoms, original in zip(labelled, (structures[0], structures[2]), strict=True):
        original.calc = EMT()
        assert atoms.get_potential_energy() == pytest.approx(original.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(atoms.get_forces(), original.get_forces(), atol=1e-6)


def test_unknown_reference_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="gfn3"):
        reference_calculator("gfn3")
    with pytest.raises(ConfigError, match="No recipe"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(InputError, match="No file"):
        label_file(tmp_path / "none.extxyz", tmp_path / "out.extxyz", REFERENCE)


def test_series_of_one_molecule_are_joined_and_start_differently(tmp_path):
    hot = MoleculeRecipe("methanol", 1, smiles="CO", series="hot", temperatures=(900.0,))
    recipe = replace(RECIPE, molecules=(*RECIPE.molecules, hot))
    label_recipe(recipe, REFERENCE, tmp_path, 1)
    collect(recipe, REFERENCE, tmp_path, tmp_path / "d.npz")
    data = load_dataset(tmp_path / "d.npz")["methanol"]
    first, series = (np.load(tmp_path / f"methanol-{name}.npz")["positions"][0] for name in ("00000", "hot-00000"))
    assert np.abs(first - series).max() > 1e-3
    assert set(data.stage) == {"relaxation", "dynamics-300", "dynamics-900"}


def test_two_entries_of_one_name_need_a_series(tmp_path):
    entry = '[[molecule]]\nname = "a"\nn_starts = 1\nsmiles = "C"\n'
    (tmp_path / "r.toml").write_text(2 * entry)
    with pytest.raises(ConfigError, match="two entries 'a'"):
        load_recipe(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text(entry + entry + 'series = "b"\ntemperatures = [500]\n')
    assert load_recipe(tmp_path / "r.toml").molecules[1].temperatures == (500,)
