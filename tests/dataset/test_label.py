"""Labelling resumes, stores failures and the forces of the reference method, and splits by conformer."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.emt import EMT

from explorer.dataset.collect import collect
from explorer.dataset.dataset import load_dataset, load_meta, split_of
from explorer.dataset.label import label_recipe, reference_calculator
from explorer.dataset.label_file import label_file
from explorer.dataset.recipe import MoleculeRecipe, Recipe, Sampling, load_recipe
from explorer.errors import ConfigError, InputError

REFERENCE = "ase:ase.calculators.emt:EMT"
SHORT = Sampling(temperatures=(300.0,), n_steps=8, n_equilibration=4, stride=2, n_relaxation=4, relaxation_stride=2)
RECIPE = Recipe((MoleculeRecipe("methanol", 2, smiles="CO", sampling=SHORT),))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Parts of the recipe, and the counts that were reported meanwhile."""
    folder, calls = tmp_path_factory.mktemp("parts"), []
    label_recipe(RECIPE, REFERENCE, folder, 1, lambda done, total: calls.append((done, total)))
    return folder, calls


@pytest.fixture
def parts(made, tmp_path):
    """A copy of the parts."""
    return Path(copytree(made[0], tmp_path / "parts"))


def test_recipe_is_labelled_with_the_forces_of_the_reference(made, parts, tmp_path):
    _, calls = made
    meta = collect(RECIPE, REFERENCE, parts, tmp_path / "d.npz")
    data = load_dataset(tmp_path / "d.npz")["methanol"]
    assert calls == [(0, 2), (1, 2), (2, 2)]
    assert json.loads(json.dumps(meta)) == load_meta(tmp_path / "d.npz")
    assert meta["frames"] == {"methanol": len(data.energy)}
    assert set(data.stage) == {"relaxation", "dynamics-300"}
    atoms = Atoms(data.atomic_numbers, positions=data.positions[-1], calculator=EMT())
    assert data.energy[-1] == pytest.approx(atoms.get_potential_energy(), abs=1e-4)
    np.testing.assert_allclose(data.forces[-1], atoms.get_forces(), atol=1e-3)


def test_finished_starts_are_not_repeated(parts):
    before = {path: path.stat().st_mtime_ns for path in parts.iterdir()}
    (parts / "methanol-00001.npz").unlink()
    label_recipe(RECIPE, REFERENCE, parts, 1)
    after = {path: path.stat().st_mtime_ns for path in parts.iterdir()}
    assert before.keys() == after.keys()
    assert [path.name for path in before if before[path] != after[path]] == ["methanol-00001.npz"]


def test_failed_start_is_recorded_with_its_reason(parts, tmp_path):
    fails = MoleculeRecipe("silane", 1, smiles="[SiH4]", sampling=SHORT)  # EMT has no silicon
    recipe = Recipe((*RECIPE.molecules, fails))
    label_recipe(recipe, REFERENCE, parts, 1)
    meta = collect(RECIPE, REFERENCE, parts, tmp_path / "d.npz")
    assert meta["failures"] == []
    meta = collect(recipe, REFERENCE, parts, tmp_path / "d.npz")
    assert len(meta["failures"]) == 1
    assert meta["failures"][0].startswith("silane start 0: ")
    assert list(load_dataset(tmp_path / "d.npz")) == ["methanol"]
    only = Recipe(molecules=(fails,))
    with pytest.raises(InputError, match="silane start 0"):
        collect(only, REFERENCE, parts, tmp_path / "e.npz")


def test_unfinished_labelling_is_counted_and_resumed(parts, tmp_path):
    whole = collect(RECIPE, REFERENCE, parts, tmp_path / "d.npz")
    (parts / "methanol-00001.npz").unlink()
    half = collect(RECIPE, REFERENCE, parts, tmp_path / "d.npz")
    assert (whole["starts_not_done"], half["starts_not_done"]) == (0, 1)
    assert half["frames"]["methanol"] < whole["frames"]["methanol"]
    label_recipe(RECIPE, REFERENCE, parts, 1)
    assert collect(RECIPE, REFERENCE, parts, tmp_path / "d.npz") == whole


def test_broken_hot_and_high_frames_are_left_out_and_counted(parts, tmp_path):
    path = parts / "methanol-00000.npz"
    with np.load(path) as part:
        arrays = dict(part)
    arrays["positions"][0, 1] += 3.0  # the oxygen
    arrays["forces"][1] = 100.0
    arrays["energy"][2] += 0.5 * len(arrays["atomic_numbers"])
    np.savez(path, **arrays)
    whole = sum(len(np.load(parts / f"methanol-0000{k}.npz")["energy"]) for k in range(2))
    meta = collect(RECIPE, REFERENCE, parts, tmp_path / "d.npz")
    reasons = ("frames_with_broken_bonds", "frames_above_max_force", "frames_above_max_energy")
    assert [meta[reason] for reason in reasons] == [1, 1, 1]
    assert meta["frames"]["methanol"] == whole - 3


def test_recipe_of_held_out_molecules_is_all_test(parts, tmp_path):
    collect(replace(RECIPE, split="test"), REFERENCE, parts, tmp_path / "d.npz")
    assert set(load_dataset(tmp_path / "d.npz")["methanol"].split) == {"test"}


def test_split_depends_on_the_conformer_only_and_has_the_right_shares():
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


def test_given_charge_is_used_by_the_reference(tmp_path):
    tblite = pytest.importorskip("tblite.ase")
    ammonium = molecule("NH3") + Atoms("H", positions=[[0, 0, 1.2]])
    ammonium.info["charge"] = 1
    ase.io.write(tmp_path / "in.extxyz", ammonium)
    label_file(tmp_path / "in.extxyz", tmp_path / "out.extxyz", "gfn2")
    energy = ase.io.read(tmp_path / "out.extxyz").get_potential_energy()
    ammonium.calc = tblite.TBLite(method="GFN2-xTB", charge=1, verbosity=0)
    assert ammonium.get_potential_energy() == pytest.approx(energy, abs=1e-5)


def test_unknown_reference_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="gfn3"):
        reference_calculator("gfn3")
    with pytest.raises(ConfigError, match="No recipe"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(InputError, match="No file"):
        label_file(tmp_path / "none.extxyz", tmp_path / "out.extxyz", REFERENCE)


def test_series_of_one_molecule_are_joined_and_have_different_starts(parts, tmp_path):
    hot = MoleculeRecipe("methanol", 1, smiles="CO", series="hot", sampling=replace(SHORT, temperatures=(900.0,)))
    recipe = replace(RECIPE, molecules=(*RECIPE.molecules, hot))
    label_recipe(recipe, REFERENCE, parts, 1)
    collect(recipe, REFERENCE, parts, tmp_path / "d.npz")
    data = load_dataset(tmp_path / "d.npz")["methanol"]
    first, series = (np.load(parts / f"methanol-{name}.npz")["positions"][0] for name in ("00000", "hot-00000"))
    assert np.abs(first - series).max() > 1e-3
    assert set(data.stage) == {"relaxation", "dynamics-300", "dynamics-900"}


def test_two_entries_of_one_name_need_a_series(tmp_path):
    entry = '[[molecule]]\nname = "a"\nn_starts = 1\nsmiles = "C"\n'
    (tmp_path / "r.toml").write_text(2 * entry)
    with pytest.raises(ConfigError, match="two entries 'a'"):
        load_recipe(tmp_path / "r.toml")
    (tmp_path / "r.toml").write_text(entry + entry + 'series = "b"\ntemperatures = [500]\n')
    assert load_recipe(tmp_path / "r.toml").molecules[1].sampling.temperatures == (500,)
