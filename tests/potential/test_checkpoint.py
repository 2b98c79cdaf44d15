"""Checkpoints are read back unchanged, and files that do not match are refused; capacities of pair lists."""

import json
import re
from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest
from random_network import random_parameters
from safetensors.numpy import load_file, save_file

from explorer.errors import CheckpointError, InputError
from explorer.io.build import from_smiles
from explorer.potential import checkpoint
from explorer.potential.capacity import choose_capacity
from explorer.potential.checkpoint import checkpoint_digest, find_checkpoint, load_checkpoint, save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import ModelInfo, load_potential
from explorer.potential.pairs import GLOBULE_DENSITY, count_pairs, globule_pairs, n_all_pairs
from explorer.potential.potential import evaluate
from explorer.system import system_of

HP = Hyperparameters(
    n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=6, trained_elements=(1, 6, 8), reference="none"
)


@cache
def parameters() -> dict:
    return random_parameters(HP, 3)


@pytest.fixture
def folder(tmp_path):
    save_checkpoint(tmp_path / "model", HP, parameters())
    return tmp_path / "model"


def test_checkpoint_comes_back_unchanged(folder):
    hp, params = load_checkpoint(folder)
    assert hp == HP
    jax.tree.map(np.testing.assert_array_equal, params, parameters())


def test_checkpoint_holds_readable_json_and_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["hyperparameters.json", "parameters.safetensors"]
    assert json.loads((folder / "hyperparameters.json").read_text())["n_features"] == 8


def test_digest_changes_with_one_number(folder, tmp_path):
    params = parameters() | {
        "energy": parameters()["energy"] | {"scale": parameters()["energy"]["scale"].at[6].add(1e-6)}
    }
    save_checkpoint(tmp_path / "other", HP, params)
    save_checkpoint(tmp_path / "same", HP, parameters())
    assert checkpoint_digest(folder) == checkpoint_digest(tmp_path / "same") != checkpoint_digest(tmp_path / "other")


def test_missing_file_is_named(folder):
    (folder / "parameters.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no parameters\.safetensors"):
        load_checkpoint(folder)


def test_damaged_parameters_are_refused(folder):
    (folder / "parameters.safetensors").write_bytes(b"not a model")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(folder)


def test_parameters_of_another_network_are_refused(folder):
    save_checkpoint(folder, Hyperparameters(n_features=16, n_layers=1), random_parameters(HP, 3))
    with pytest.raises(CheckpointError, match="do not belong together"):
        load_checkpoint(folder)


def changed(folder, **values):
    """Change values of the hyperparameters in the file."""
    path = folder / "hyperparameters.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("n_features", "128", "n_features must be like"),
        ("n_features", True, "n_features must be like"),
        ("n_features", -8, "between 1 and 4096"),
        ("n_features", 10**9, "between 1 and 4096"),
        ("n_heads", 0, "between 1 and"),
        ("n_layers", 10**6, "between 1 and 32"),
        ("n_layers", 0, "between 1 and 32"),
        ("degrees", [1, 60], "degrees must be between 0 and 8"),
        ("degrees", 3, "degrees must be like"),
        ("cutoff", float("nan"), "NaN is no number"),
        ("cutoff", 1e308, "between 0.5 and 100"),
        ("cutoff", -4.5, "between 0.5 and 100"),
        ("average_neighbors", 0.0, "average_neighbors must be between"),
        ("filter_widths", [[["a"]]], "filter_widths must be like"),
        ("embedded_states", ["colour"], "embedded_states must be one of"),
        ("trained_elements", [1, 6, 200], "between 1 and 118"),
        ("trained_elements", [1, 6, 6], "without repetition"),
        ("atomic_energies", [1.0], "must have 3 entries"),
        ("activation", None, "activation must be like"),
    ],
)
def test_hyperparameters_that_make_no_sense_are_refused_in_one_line(folder, name, value, reason):
    changed(folder, **{name: value})
    with pytest.raises(CheckpointError, match=re.escape(reason)) as refusal:
        load_checkpoint(folder)
    assert "hyperparameters.json" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["[]", "3", "", "[" * 100_000, "\ud800", '{"n_features": }', b"\xff\xfe{}"])
def test_hyperparameters_that_are_no_object_are_refused(folder, text):
    path = folder / "hyperparameters.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x: x.astype(np.int32), "floating-point"),
        (lambda x: np.full_like(x, np.nan), "not finite"),
        (lambda x: np.full_like(x, np.inf), "not finite"),
        (lambda x: x[:1], "should have shape"),
    ],
)
def test_parameters_that_are_not_finite_numbers_of_the_right_shape_are_refused(folder, change, reason):
    path = folder / "parameters.safetensors"
    arrays = load_file(path)
    name = "layer_0/exchange/kernel"
    save_file(arrays | {name: change(arrays[name])}, path)  # without a digest, as before version 0.2
    with pytest.raises(CheckpointError, match=reason):
        load_checkpoint(folder)


def test_a_wrong_number_of_layers_is_named_without_describing_them(folder):
    path = folder / "parameters.safetensors"
    save_file(load_file(path), path)  # without a digest
    changed(folder, n_layers=9)
    with pytest.raises(CheckpointError, match=r"n_layers is 9 .* parameters of 1 layers"):
        load_checkpoint(folder)


def test_a_change_that_leaves_all_numbers_finite_is_noticed(folder):
    path = folder / "parameters.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1  # one bit of the last number
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not those that were saved"):
        load_checkpoint(folder)


def test_a_changed_cutoff_is_noticed_and_notes_may_be_edited(folder):
    changed(folder, reference="gfn2", training_data="")
    load_checkpoint(folder)
    changed(folder, cutoff=4.0)
    with pytest.raises(CheckpointError, match="not those that were saved"):
        load_checkpoint(folder)


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """A folder of shipped models with one, `water`."""
    save_checkpoint(tmp_path / "checkpoints" / "water", HP, parameters())
    monkeypatch.setattr(checkpoint, "data_folder", lambda: tmp_path)
    return tmp_path / "checkpoints"


def test_default_and_the_names_of_former_default_models_stand_for_one_folder(monkeypatch, shipped, caplog):
    monkeypatch.setattr(checkpoint, "DEFAULT_MODEL", "water")
    assert find_checkpoint("default") == shipped / "water"
    assert not caplog.records
    assert find_checkpoint("peptides") == shipped / "water"
    assert "peptides is no longer shipped; peptides now stands for the default model water" in caplog.text
    save_checkpoint(shipped / "peptides", HP, parameters())
    assert find_checkpoint("peptides") == shipped / "peptides"  # while it is shipped too


def test_a_model_that_left_is_refused_with_what_to_take_instead(shipped, monkeypatch, tmp_path):
    with pytest.raises(CheckpointError, match=r"alanine is no longer shipped\. .*`default` .* Shipped models: water"):
        find_checkpoint("alanine")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alanine").mkdir()
    assert find_checkpoint("alanine") == Path("alanine")  # a folder of the user's own


def test_unknown_model_names_the_shipped_ones(shipped, tmp_path):
    assert find_checkpoint("water") == tmp_path / "checkpoints" / "water"
    with pytest.raises(CheckpointError, match="Shipped models: water"):
        find_checkpoint("wter")


def test_loaded_potential_fits_the_molecule_and_names_its_model(folder):
    ethanol = from_smiles("CCO")
    potential, info = load_potential(str(folder), ethanol, "float64")
    assert info.digest == checkpoint_digest(folder)
    assert info.trained_elements == (1, 6, 8)
    evaluation = jax.jit(evaluate)(potential, system_of(ethanol))
    assert np.isfinite(evaluation.energy)
    assert not evaluation.overflow


def test_element_outside_the_training_set_is_refused(folder):
    with pytest.raises(InputError, match="is N"):
        load_potential(str(folder), from_smiles("CN"))


def test_lennard_jones_needs_no_checkpoint():
    potential, info = load_potential("lennard-jones", from_smiles("C"))
    assert potential.cutoff == float("inf")
    assert info.digest == ""


def test_unknown_precision_is_refused(folder):
    with pytest.raises(CheckpointError, match="float16"):
        load_potential(str(folder), from_smiles("C"), "float16")


def test_a_globule_has_the_pairs_of_points_drawn_in_a_ball():
    rng, n_atoms = np.random.default_rng(0), 60
    radius = (3 * n_atoms / (4 * np.pi * GLOBULE_DENSITY)) ** (1 / 3)
    points = rng.normal(size=(400, n_atoms, 3))
    points *= radius * rng.random((400, n_atoms, 1)) ** (1 / 3) / np.linalg.norm(points, axis=-1, keepdims=True)
    counts = [count_pairs(ball, 4.5) for ball in points]
    assert globule_pairs(n_atoms, 4.5) == pytest.approx(np.mean(counts), rel=0.02)
    assert globule_pairs(n_atoms, np.inf) == pytest.approx(n_all_pairs(n_atoms))


def test_capacity_has_headroom_and_never_exceeds_all_pairs():
    chain = np.arange(60.0)[:, None] * np.array([1.5, 0, 0])
    assert 1.25 * count_pairs(chain, 4.5) <= choose_capacity(chain, 4.5) < n_all_pairs(60)
    assert choose_capacity(chain[:4], 4.5) == n_all_pairs(4)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("so3lr:/home/me/models/so3lr", "so3lr:so3lr"),
        ("/home/me/models/peptides/", "peptides"),
        ("default", "default"),
        ("lennard-jones", "lennard-jones"),
        ("ase:tblite.ase:TBLite?method=GFN2-xTB", "ase:tblite.ase:TBLite?method=GFN2-xTB"),
    ],
)
def test_public_name_has_no_folder(name, published):
    assert ModelInfo(name=name).public_name == published
