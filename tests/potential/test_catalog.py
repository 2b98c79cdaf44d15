"""Imported models are found by name and give the energies of the published files."""

import jax
import jax.numpy as jnp
import pytest

from explorer.errors import CheckpointError
from explorer.io.build import from_smiles
from explorer.potential.catalog import import_model
from explorer.potential.checkpoint import find_checkpoint, imported_checkpoints, shipped_checkpoints
from explorer.potential.load import load_potential
from explorer.potential.potential import evaluate
from explorer.system import system_of


@pytest.fixture
def published(write_published, tmp_path, monkeypatch):
    monkeypatch.setenv("PES_EXPLORE_MODELS", str(tmp_path / "models"))
    return write_published(tmp_path / "published")


def test_imported_model_is_found_and_equals_the_published_files(published, tmp_path):
    assert imported_checkpoints() == []
    folder, notes = import_model(published, "mine")
    assert folder == find_checkpoint("mine") == tmp_path / "models" / "mine"
    assert (imported_checkpoints(), notes) == (["mine"], ())
    assert sorted(path.name for path in folder.parent.iterdir()) == ["mine"]
    ethanol = from_smiles("CCO")
    energies = []
    for name in ("mine", f"so3lr:{published}"):
        potential, info = load_potential(name, ethanol, "float64")
        assert (info.reference, info.trained_elements) == ("PBE0+MBD", (1, 6, 8))
        energies.append(jax.jit(evaluate)(potential, system_of(ethanol, jnp.float64)).energy)
    assert energies[0] == energies[1]


def test_a_model_is_replaced_on_request_only(published):
    import_model(published, "mine")
    with pytest.raises(CheckpointError, match="--force"):
        import_model(published, "mine")
    import_model(published, "mine", force=True)


@pytest.mark.parametrize(
    "name", ["default", "lennard-jones", *shipped_checkpoints(), "../mine", "so3lr:mine", "", ".hidden"]
)
def test_names_that_would_hide_others_or_leave_the_folder_are_refused(published, name):
    with pytest.raises(CheckpointError, match=r"is reserved|was wanted"):
        import_model(published, name)
    assert imported_checkpoints() == []


def test_nothing_is_left_of_an_import_that_fails(published, tmp_path):
    (published / "params.pkl").write_bytes(b"")
    with pytest.raises(CheckpointError):
        import_model(published, "mine")
    assert not list(tmp_path.glob("models/*"))


def test_unknown_model_names_the_imported_ones(published):
    import_model(published, "mine")
    with pytest.raises(CheckpointError, match="imported: mine"):
        find_checkpoint("mein")
