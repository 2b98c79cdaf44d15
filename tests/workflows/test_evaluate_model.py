"""Evaluation of a trained model on held-out frames: errors, calibration and model card."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest
from rdkit.Chem import AllChem

from explorer.dataset.dataset import MoleculeData, save_dataset
from explorer.errors import ConfigError
from explorer.io.build import from_smiles, to_rdkit
from explorer.potential.checkpoint import checkpoint_digest, load_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import so3krates
from explorer.system import from_arrays
from explorer.train.settings import FitSettings
from explorer.train.train_model import train_model
from explorer.uncertainty.assessor import load_assessor
from explorer.units import KCAL_PER_MOL
from explorer.workflows.evaluate_model import evaluate_model

HP = Hyperparameters(
    n_features=16,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=8,
    radial_filter="linear",
    n_members=2,
    charge_spin_embedding=False,
    zbl=False,
)
SETTINGS = FitSettings(epochs=1, decay_epochs=0, batch_size=8, learning_rate=5e-2, warmup=2)


def labelled(smiles: str, n: int, split: list[str], stage: str) -> MoleculeData:
    """Frames around a structure with energies and forces of MMFF94."""
    molecule = from_smiles(smiles)
    mol = to_rdkit(molecule)
    field = AllChem.MMFFGetMoleculeForceField(mol, AllChem.MMFFGetMoleculeProperties(mol))
    positions = molecule.positions + 0.06 * np.random.default_rng(n).normal(size=(n, molecule.n_atoms, 3))
    flat = [frame.ravel().tolist() for frame in positions]
    energy = np.array([field.CalcEnergy(x) for x in flat]) * KCAL_PER_MOL
    forces = -np.array([field.CalcGrad(x) for x in flat]).reshape(positions.shape) * KCAL_PER_MOL
    return MoleculeData(
        atomic_numbers=molecule.atomic_numbers,
        bonds=molecule.bonds,
        total_charge=0,
        positions=positions,
        energy=energy,
        forces=forces,
        conformer=np.array([f"{smiles}:{k // 4}" for k in range(n)]),
        stage=np.full(n, stage),
        split=np.array(split),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    split = ["train"] * 16 + ["test"] * 20
    # all molecules have seven atoms, so that they share their programs
    seen = {name: labelled(smiles, 36, split, "dynamics-500") for name, smiles in (("a", "CC=O"), ("b", "C1CO1"))}
    others = {"c": labelled("OCO", 20, ["test"] * 20, "minimum")}
    data, held_out = folder / "seen.npz", folder / "others.npz"
    save_dataset(data, seen, {"reference": "MMFF94", "frames": {"a": 36, "b": 36}})
    save_dataset(held_out, others, {"reference": "MMFF94"})
    return data, held_out, others["c"]


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "small"
    train_model(files[0], folder, HP, SETTINGS, lambda record: None)
    return folder


@pytest.mark.slow  # compiles a force call for each molecule
def test_errors_equal_those_of_single_force_calls(files, trained):
    data, held_out, other = files
    found = evaluate_model(data, trained, SETTINGS, held_out)
    hp, params = load_checkpoint(trained)
    call = jax.jit(evaluate)
    said = [call(so3krates(hp, params), from_arrays(other.atomic_numbers, x)) for x in other.positions]
    energy = np.array([float(e.energy) for e in said])
    off = np.array([e.forces for e in said]) - other.forces
    total = found.held_out.rows[-1]
    assert (total.n_frames, found.test.rows[-1].n_frames) == (20, 40)
    assert total.forces_mae == pytest.approx(1000 * np.abs(off).mean(), rel=1e-3)
    oxygen = next(r for r in found.held_out.elements if r.kind == "O")
    assert oxygen.forces_mae == pytest.approx(1000 * np.abs(off[:, other.atomic_numbers == 8]).mean(), rel=1e-3)
    wrong = (energy - energy.mean()) - (other.energy - other.energy.mean())
    assert found.held_out.minima[-1].mae == pytest.approx(np.abs(wrong).mean() / KCAL_PER_MOL, rel=1e-3)
    assert (found.n_calibrated, found.trust.frames, found.trust.n_frames) == (60, "held-out molecules", 20)
    assert found.digest == checkpoint_digest(trained)


def test_repeated_call_evaluates_other_molecules(files, trained):
    data, held_out, _ = files
    before, records = checkpoint_digest(trained), []
    evaluate_model(data, trained, SETTINGS)
    first = json.loads((trained / "errors.json").read_text())
    train_model(data, trained, HP, SETTINGS, records.append)
    evaluate_model(data, trained, SETTINGS, held_out)
    second = json.loads((trained / "errors.json").read_text())
    assert records == []
    assert checkpoint_digest(trained) == before
    assert (first["held_out"], first["trust"]["frames"]) == (None, "test split")
    assert second["held_out"]["rows"][-1]["n_frames"] == 20
    assert load_assessor(trained).calibration.n_frames == 60


def test_model_card_has_the_measured_errors(files, trained):
    data, held_out, _ = files
    found = evaluate_model(data, trained, SETTINGS, held_out)
    card = (trained / "README.md").read_text()
    for text in (
        found.digest,
        "## Errors on held-out molecules",
        f"| all | all | 20 | {found.held_out.rows[-1].energy_mae:.2f} |",
        "| O | 40 |",
        "kcal/mol",
        "calibrated on 60 frames",
        "ac-ala3-nhme (42 atoms)",
        "--held-out others.npz",
    ):
        assert text in card


def test_too_few_frames_leave_a_model_without_calibration(files, trained, tmp_path):
    few = tmp_path / "few.npz"
    save_dataset(
        few, {"a": labelled("CC=O", 20, ["train"] * 16 + ["test"] * 4, "dynamics-500")}, {"reference": "MMFF94"}
    )
    evaluate_model(files[0], trained, SETTINGS)
    assert load_assessor(trained) is not None
    found = evaluate_model(few, trained, SETTINGS)
    assert (found.n_calibrated, found.trust) == (0, None)
    assert load_assessor(trained) is None
    assert "not calibrated" in (trained / "README.md").read_text()


def test_held_out_molecules_are_not_in_the_training_data(files, trained):
    with pytest.raises(ConfigError, match="has a, b too"):
        evaluate_model(files[0], trained, SETTINGS, files[0])


@pytest.mark.slow
def test_model_without_committee_is_calibrated_by_distance_alone(files, tmp_path):
    data, held_out, _ = files
    train_model(data, tmp_path, replace(HP, n_members=1), SETTINGS, lambda record: None)
    found = evaluate_model(data, tmp_path, SETTINGS, held_out)
    assert load_assessor(tmp_path).calibration.slope_spread == 0
    assert np.isnan(found.trust.energy_correlation)
