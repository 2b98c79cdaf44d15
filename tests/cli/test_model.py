"""Models are imported, listed, described and checked."""

import ase.io
import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from mlff_writer import write_v0

from cli.main import app
from explorer.errors import CheckpointError
from explorer.potential import verify
from explorer.potential.checkpoint import DEFAULT_MODEL, checkpoint_digest, find_checkpoint
from explorer.potential.load import read_networks
from explorer.potential.verify import ModelCheck
from explorer.uncertainty.assessor import load_assessor


@pytest.fixture(autouse=True)
def models(monkeypatch, tmp_path):
    """A folder of imported models that is the test's own."""
    monkeypatch.setenv("PES_EXPLORE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.parametrize("command", ["import", "list", "info", "check"])
def test_help_has_an_example_and_units(pes_explore, command):
    code, out, _ = pes_explore("model", command, "--help")
    assert code == 0
    assert f"Example: pes-explore model {command}" in out
    assert any(text in out for text in ("eV", "Å", "No code"))


def test_model_is_a_group_of_commands(pes_explore):
    assert [group.name for group in app.registered_groups] == ["landscape", "model", "bench"]
    assert pes_explore("model", "no-such-command").code == 2


def test_shipped_model_is_listed_and_described(pes_explore):
    code, out, _ = pes_explore("model", "list")
    assert code == 0
    assert DEFAULT_MODEL in out
    code, out, _ = pes_explore("model", "info", "default")
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert rows["digest"].strip() == checkpoint_digest(find_checkpoint("default"))
    assert rows["folder"].strip().endswith(DEFAULT_MODEL)


def test_published_model_is_imported_and_listed(pes_explore, reference_data, models):
    code, out, _ = pes_explore("model", "import", reference_data / "so3lr", "--name", "mine")
    assert (code, out) == (0, f"{models / 'mine'}\n")
    code, out, _ = pes_explore("model", "list")
    assert "mine H C N O F P S Cl 4.5 PBE0+MBD" in " ".join(out.split())
    code, _, err = pes_explore("model", "import", reference_data / "so3lr", "--name", "mine")
    assert code == 1
    assert "--force" in err


def test_two_checkpoints_of_mlff_are_calibrated_as_a_committee(pes_explore, tmp_path, models, monkeypatch):
    monkeypatch.setattr("cli.device.prepare_device", lambda: None)
    for seed in range(2):
        write_v0(tmp_path / f"{seed}", seed=seed)
    generator = np.random.default_rng(0)
    frames = []
    for width in np.linspace(0.01, 0.2, 96):
        atoms = molecule("H2O")
        atoms.positions += width * generator.normal(size=(3, 3))
        atoms.calc = SinglePointCalculator(atoms, energy=-2076.0, forces=np.zeros((3, 3)))
        frames.append(atoms)
    ase.io.write(tmp_path / "water.extxyz", frames)
    name = ",".join(f"mlff:{tmp_path / str(seed)}?units=eV&elements=H,C,O" for seed in range(2))
    code, out, err = pes_explore("model", "calibrate", name, tmp_path / "water.extxyz")
    assert (code, "does not record" in err) == (0, False)
    *rows, folder = out.splitlines()
    assert dict(row.rsplit(maxsplit=1) for row in rows)["members"] == "2"
    assert folder == str(read_networks(name).folder)
    assert load_assessor(read_networks(name).folder) is not None
    code, _, err = pes_explore("model", "calibrate", name, tmp_path / "water.npz")
    assert (code, "No training data at" in err) == (1, True)


def test_a_folder_without_a_model_is_one_line(pes_explore, tmp_path):
    code, out, err = pes_explore("model", "import", tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith("pes-explore: ")
    assert "has no hyperparameters.json" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("deviation", [1e-9, 1e-3, float("nan")])
def test_check_prints_its_numbers_and_fails_with_a_failed_test(pes_explore, monkeypatch, deviation):
    checks = [ModelCheck("forces are finite differences", deviation, 1e-6, "eV/Å")]
    monkeypatch.setattr(verify, "check_model", lambda name, molecule: checks)
    code, out, err = pes_explore("model", "check", "default", "ac-ala-nhme")
    assert f"{deviation:.1e}" in out
    assert code == int(not deviation < 1e-6)
    assert ("default fails on ac-ala-nhme: forces" in err) == (code == 1)


def test_check_of_an_unknown_model_is_one_line(pes_explore, monkeypatch):
    def missing(name, molecule):
        raise CheckpointError("There is no model")

    monkeypatch.setattr(verify, "check_model", missing)
    assert pes_explore("model", "check", "nothing") == (1, "", "pes-explore: There is no model\n")
