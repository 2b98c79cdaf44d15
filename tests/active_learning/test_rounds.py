"""A learning run from end to end, with a network trained on few frames and MMFF94s as the reference method."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from random_network import random_parameters
from rdkit.Chem import rdForceFieldHelpers

from explorer.active_learning.plan import LearnSettings, checked_reference, learn_settings, make_plan
from explorer.active_learning.progress import LearningProgress
from explorer.active_learning.rounds import learn
from explorer.config import BudgetSettings, HoppingSettings, Settings
from explorer.config_file import to_dict
from explorer.dataset.dataset import MoleculeData, load_dataset, save_dataset
from explorer.dataset.label import label_structures
from explorer.errors import ConfigError, InputError
from explorer.io.build import embed, from_smiles, to_rdkit
from explorer.potential.charged_atoms import atoms_of
from explorer.potential.checkpoint import checkpoint_digest, save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.records.minimum import Minimum
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.store.store import Store
from explorer.train.settings import FitSettings
from explorer.train.train_model import train_model

REFERENCE = "ase:explorer.bench.mmff:MMFF"
MOLECULE = from_smiles("CCCCCO")
HP = Hyperparameters(
    n_features=16,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=8,
    radial_filter="linear",
    charge_spin_embedding=False,
    zbl=True,
    electrostatics=True,
)
FIT = FitSettings(epochs=20, decay_epochs=30, batch_size=4, learning_rate=2e-2, warmup=20, ema_decay=0.9)


def progress_with(lines: list[str], stop=lambda: False) -> LearningProgress:
    return LearningProgress(
        say=lines.append, count=lambda *_: None, epoch=lambda *_: None, search=lambda _: None, stop=stop
    )


def frames(n: int) -> dict[str, MoleculeData]:
    """Return displaced conformers with their labels."""
    rng = np.random.default_rng(0)
    positions = np.tile(minima(), (n, 1, 1))[:n]
    positions += rng.uniform(0.02, 0.1, size=(n, 1, 1)) * rng.normal(size=positions.shape)
    structures = [atoms_of(MOLECULE, x) for x in positions]
    labels = [frame for frame in label_structures(structures, REFERENCE) if not isinstance(frame, str)]
    energies, forces = [f.energy for f in labels], [f.forces for f in labels]
    names = np.array([f"pentanol:{k // 4}" for k in range(n)])
    split = np.array(["train", "train", "train", "validation", "test"])[np.arange(n) % 5]
    return {
        "pentanol": MoleculeData(
            atomic_numbers=MOLECULE.atomic_numbers,
            bonds=MOLECULE.bonds,
            total_charge=0,
            positions=positions,
            energy=np.array(energies),
            forces=np.array(forces),
            conformer=names,
            stage=names,
            split=split,
        )
    }


def minima() -> np.ndarray:
    mol = to_rdkit(MOLECULE)
    mol.RemoveAllConformers()
    relaxed = []
    for positions in embed(mol, 20, seed=1):
        one = to_rdkit(MOLECULE, positions)
        rdForceFieldHelpers.MMFFOptimizeMolecule(one, mmffVariant="MMFF94s")
        relaxed.append(np.array(one.GetConformer().GetPositions()))
    return np.array(relaxed)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return the folder of a run of a network that was trained on few frames."""
    folder = tmp_path_factory.mktemp("learn")
    (folder / "model").mkdir()
    data = folder / "model" / "few.npz"  # in the folder of the checkpoint, so that old frames are found
    save_dataset(data, frames(200), {"reference": REFERENCE, "failures": []})
    train_model(data, folder / "model", HP, FIT, lambda record: None)
    return explored(folder / "run", folder / "model")


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Path:
    """Return the folder of a run of an untrained network."""
    folder = tmp_path_factory.mktemp("untrained")
    hp = replace(HP, trained_elements=(1, 6, 8), atomic_energies=(0.0, 0.0, 0.0), reference=REFERENCE)
    save_checkpoint(folder / "model", hp, random_parameters(hp, 0))
    return explored(folder / "run", folder / "model")


def explored(folder: Path, model: Path) -> Path:
    """Write a run of a model whose minima are those of the force field."""
    settings = Settings(
        potential=str(model),
        training_frames=0,
        budget=BudgetSettings(hops=6, minutes=0.0),
        hopping=HoppingSettings(n_walkers=2),
    )
    found = tuple(
        Minimum(
            id=k,
            energy=0.01 * k,
            positions=x - x.mean(axis=0),
            structure_class=StructureClass.INTACT,
            fmax=0.01,
            n_evaluations=10,
            round=0,
        )
        for k, x in enumerate(minima())
    )
    provenance = {"potential_digest": checkpoint_digest(model)}
    with Store.begin(folder / "run.sqlite", MOLECULE, to_dict(settings), provenance) as store:
        store.commit(first_round(found))
    return folder


def first_round(found: tuple[Minimum, ...]) -> Round:
    return Round(index=0, minima=found, hops=(), walkers={}, n_evaluations=100, wall_seconds=1.0, potential_seconds=1.0)


SETTINGS = LearnSettings(n=5, n_held_out=3, fit=replace(FIT, epochs=5, decay_epochs=20, learning_rate=1e-2))


@pytest.mark.slow
def test_round_lowers_the_error_of_held_out_minima_and_is_done_once(run, tmp_path):
    plan, lines = make_plan(run, tmp_path / "out", SETTINGS), []
    assert plan.settings.reference == REFERENCE
    stops = iter([False] * 3 + [True])
    assert learn(plan, 1, 1, progress_with(lines, lambda: next(stops, False))) == []  # stopped during round 0
    assert lines[-1].startswith("Stopped.")
    before, after = learn(plan, 1, 1, progress_with(lines))
    assert after["check"]["force_error"] < before["check"]["force_error"]
    assert after["labels"]["n_chosen"] == 5
    assert after["labels"]["failures"] == []
    fates = after["landscape"]
    assert sum(fates[f"n_{fate}"] for fate in ("stayed", "moved", "vanished", "lost")) == before["n_conformers"]
    data = load_dataset(tmp_path / "out" / "round-1" / "model" / "training.npz")
    assert set(data[f"{MOLECULE.name}-learned"].split) == {"train", "validation", "test"}
    page = (tmp_path / "out" / "learn.html").read_text()
    assert "https://" not in page.split("<script>")[0]
    assert json.loads((tmp_path / "out" / "learn.json").read_text())["rounds"] == [before, after]
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "round-1").rglob("*")}
    assert learn(plan, 1, 1, progress_with(lines)) == [before, after]
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "round-1").rglob("*")}


def test_learning_run_is_not_resumed_with_other_settings(untrained, tmp_path):
    held_out = make_plan(untrained, tmp_path, SETTINGS).held_out
    np.testing.assert_array_equal(make_plan(untrained, tmp_path, SETTINGS).held_out, held_out)
    assert len(held_out) == 3
    with pytest.raises(ConfigError, match="other settings than requested"):
        make_plan(untrained, tmp_path, replace(SETTINGS, n=6))


def test_two_references_do_not_mix(untrained, tmp_path):
    with pytest.raises(ConfigError, match=r"labels of ase:explorer\.bench\.mmff:MMFF, received gfn2"):
        make_plan(untrained, tmp_path, replace(SETTINGS, reference="gfn2"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("potential", ["lennard-jones", REFERENCE, "so3lr:models/so3lr"])
def test_potential_that_cannot_be_trained_is_refused(potential, tmp_path):
    with Store.begin(tmp_path / "run" / "run.sqlite", MOLECULE, to_dict(Settings(potential=potential)), {}) as store:
        store.commit(first_round(()))
    with pytest.raises(InputError, match=rf"made with .*\({potential}\), which cannot be trained here"):
        make_plan(tmp_path / "run", tmp_path / "out", SETTINGS)


def test_network_with_dispersion_is_refused(tmp_path):
    hp = replace(HP, dispersion=True, trained_elements=(1, 6, 8), atomic_energies=(0.0, 0.0, 0.0), reference=REFERENCE)
    save_checkpoint(tmp_path / "model", hp, random_parameters(hp, 0))
    with pytest.raises(InputError, match=r"made with a network with dispersion \(.*\), which cannot be trained here"):
        make_plan(explored(tmp_path / "run", tmp_path / "model"), tmp_path / "out", SETTINGS)


def test_overrides_change_the_training_settings_and_unknown_ones_are_named():
    settings = learn_settings("gfn2", 20, 0.2, {"fit.epochs": "3"})
    assert (settings.n, settings.window, settings.fit.epochs) == (20, 0.2, 3)
    with pytest.raises(ConfigError, match=r"fit\.NAME, received 'model\.n_layers'"):
        learn_settings("gfn2", 20, None, {"model.n_layers": "3"})
    with pytest.raises(ConfigError, match=r"Did you mean 'fit\.epochs'"):
        learn_settings("gfn2", 20, None, {"fit.epoch": "3"})


def test_teacher_so3lr_is_taken_where_it_was_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("PES_EXPLORE_MODELS", str(tmp_path))
    with pytest.raises(ConfigError, match=r"It was trained on labels of SO3LR. Get SO3LR by pes-explore model fetch"):
        checked_reference("so3lr", "", "It")
    assert checked_reference("so3lr", "so3lr:models/so3lr", "It") == "so3lr:models/so3lr"
    (tmp_path / "so3lr").mkdir()
    (tmp_path / "so3lr" / "hyperparameters.json").write_text("{}")
    assert checked_reference("so3lr", "", "It") == "so3lr"
