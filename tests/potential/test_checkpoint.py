"""Checkpoints are read back unchanged, and files that do not match are refused; capacities of pair lists."""

import json

import jax
import numpy as np
import pytest

from explorer.errors import CheckpointError, InputError
from explorer.io.build import from_smiles
from explorer.potential import checkpoint
from explorer.potential.capacity import choose_capacity
from explorer.potential.checkpoint import checkpoint_digest, find_checkpoint, load_checkpoint, save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import ModelInfo, load_potential
from explorer.potential.pairs import GLOBULE_DENSITY, count_pairs, globule_pairs, n_all_pairs
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import initialize
from explorer.system import system_of

HP = Hyperparameters(
    n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=6, trained_elements=(1, 6, 8), reference="none"
)

PARAMS = initialize(HP, 3)


@pytest.fixture
def folder(tmp_path):
    save_checkpoint(tmp_path / "model", HP, PARAMS)
    return tmp_path / "model"


def test_checkpoint_comes_back_unchanged(folder):
    hp, params = load_checkpoint(folder)
    assert hp == HP
    jax.tree.map(np.testing.assert_array_equal, params, PARAMS)


def test_checkpoint_holds_readable_json_and_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["hyperparameters.json", "parameters.safetensors"]
    assert json.loads((folder / "hyperparameters.json").read_text())["n_features"] == 8


def test_digest_changes_with_one_number(folder, tmp_path):
    params = PARAMS | {"energy": PARAMS["energy"] | {"scale": PARAMS["energy"]["scale"].at[6].add(1e-6)}}
    save_checkpoint(tmp_path / "other", HP, params)
    save_checkpoint(tmp_path / "same", HP, PARAMS)
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
    save_checkpoint(folder, Hyperparameters(n_features=16, n_layers=1), initialize(HP, 3))
    with pytest.raises(CheckpointError, match="do not belong together"):
        load_checkpoint(folder)


def test_unknown_model_names_the_shipped_ones(monkeypatch, tmp_path):
    save_checkpoint(tmp_path / "checkpoints" / "water", HP, PARAMS)
    monkeypatch.setattr(checkpoint, "data_folder", lambda: tmp_path)
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
