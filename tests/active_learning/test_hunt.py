"""Rounds of a hunt on made-up searches, with MMFF94s as the reference method."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from random_network import random_parameters

from explorer.active_learning.hunt import hunt
from explorer.active_learning.hunt_plan import HuntSettings, make_hunt_plan
from explorer.active_learning.progress import LearningProgress
from explorer.config_file import to_dict
from explorer.errors import ConfigError, InputError
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.records.minimum import Minimum
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.store.store import Store
from explorer.workflows.session import Session

REFERENCE = "ase:explorer.bench.mmff:MMFF"
HP = Hyperparameters(
    n_features=16,
    n_heads=2,
    degrees=(1, 2),
    n_layers=1,
    n_radial=12,
    radial_filter="linear",
    charge_spin_embedding=False,
    zbl=True,
)


def progress_with(lines: list[str], stop=lambda: False) -> LearningProgress:
    return LearningProgress(
        say=lines.append, count=lambda *_: None, epoch=lambda *_: None, search=lambda _: None, stop=stop
    )


@pytest.fixture
def recipe(tmp_path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text('[[molecule]]\nname = "propanol"\nsmiles = "CCCO"\nn_starts = 1\n')
    return path


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Path:
    """Return the folder of a network with random parameters, for what ends before any computation."""
    folder = tmp_path_factory.mktemp("model")
    hp = replace(HP, trained_elements=(1, 6, 8), atomic_energies=(0.0, 0.0, 0.0), reference=REFERENCE)
    save_checkpoint(folder, hp, random_parameters(hp, 0))
    return folder


def minima_of(molecule, rng: np.random.Generator, energies: list[float]) -> tuple[Minimum, ...]:
    """Return made-up minima of a molecule with the energies (eV) of a model; the last one is a hole."""
    estimate = UncertaintyEstimate(0.0, 0.0, 0.0, 0.1, TrustLevel.TRUSTED)
    return tuple(
        Minimum(
            id=k,
            energy=energy,
            positions=molecule.positions + rng.normal(0, 0.01, molecule.positions.shape),
            structure_class=StructureClass.INTACT,
            fmax=0.0,
            n_evaluations=10,
            round=0,
            uncertainty=estimate,
            exclusion="too low" if k == len(energies) - 1 else "",
        )
        for k, energy in enumerate(energies)
    )


@pytest.fixture
def made_searches(monkeypatch) -> list[str]:
    """Put stored minima in place of searches: a hole in every run of the first model, none of a later one."""
    asked: list[str] = []

    def search(molecule, settings, folder, progress):
        asked.append(settings.potential)
        if molecule.name == "refused":
            raise InputError("This molecule cannot be searched.")
        energies = [0.0, 0.01, 0.02, -3.0] if "round" not in settings.potential else [0.0, 0.01, 0.02]
        minima = minima_of(molecule, np.random.default_rng(0), energies)
        if len(energies) == 3:
            minima = tuple(replace(one, exclusion="") for one in minima)
        with Store.begin(folder / "run.sqlite", molecule, to_dict(settings), {}) as store:
            store.commit(
                Round(
                    index=0, minima=minima, hops=(), walkers={}, n_evaluations=400, wall_seconds=1.0,
                    potential_seconds=1.0,
                )
            )  # fmt: skip
        return Session.open(folder)

    def train(before, data, settings, progress):
        copytree(before, data.parent, dirs_exist_ok=True)
        return {"all": 42.0}

    monkeypatch.setattr("explorer.active_learning.hunt_steps.search_to_the_end", search)
    monkeypatch.setattr("explorer.active_learning.hunt_training.fine_tune", train)
    return asked


def test_rounds_go_on_until_nothing_is_found_and_are_done_once(untrained, tmp_path, made_searches):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("[[group]]\nn_starts = 1\n[group.smiles]\npropanol = 'CCCO'\nrefused = 'CCO'\n")
    settings = HuntSettings(recipe=str(recipe), n=2, max_force_error=100.0, n_finds=2)
    plan, lines = make_hunt_plan(str(untrained), tmp_path / "out", settings), []
    first, second = hunt(plan, 5, 1, progress_with(lines))
    assert (first["n_molecules"], first["n_refused"], first["n_minima"]) == (2, 1, 4)
    assert first["finds"]["hole"] == 1
    assert first["labels"]["n_frames"] > 4  # with the ways into it and out of it
    assert first["training"]["frames"]["new"] == first["labels"]["n_frames"]
    assert len(first["force_error_at_finds"]) == 2
    assert {one["name"]: bool(one["refused"]) for one in first["molecules"]} == {"propanol": False, "refused": True}
    assert not any(second["finds"].values())
    assert "training" not in second
    assert lines[-1] == "Round 2 found nothing that is wrong or unknown. The hunt has ended."
    assert set(made_searches) == {str(untrained), plan.model_of(1)}
    assert plan.model_of(5) == str(tmp_path / "out" / "round-1" / "model")
    stored = json.loads((tmp_path / "out" / "hunt.json").read_text())
    assert stored["rounds"] == [first, second]
    page = (tmp_path / "out" / "hunt.html").read_text()
    assert "This molecule cannot be searched." in page
    assert "https://" not in page.split("<script>")[0]
    n_searches = len(made_searches)
    assert hunt(plan, 5, 1, progress_with(lines)) == [first, second]
    assert len(made_searches) == n_searches


def test_a_stopped_hunt_goes_on_with_the_unfinished_step(untrained, recipe, tmp_path, made_searches):
    settings = HuntSettings(recipe=str(recipe), n=1, max_force_error=100.0)
    plan, lines = make_hunt_plan(str(untrained), tmp_path / "out", settings), []
    assert hunt(plan, 1, 1, progress_with(lines, lambda: True)) == []
    assert lines[-1].startswith("Stopped.")
    assert made_searches == [str(untrained)]
    (only,) = hunt(plan, 1, 1, progress_with(lines))
    assert made_searches == [str(untrained)]  # the search was stored
    assert only["finds"]["hole"] == 1


def test_hunt_is_not_resumed_with_other_settings(untrained, recipe, tmp_path):
    settings = HuntSettings(recipe=str(recipe), n=2)
    plan = make_hunt_plan(str(untrained), tmp_path / "out", settings)
    assert plan.settings.reference == REFERENCE
    assert plan.model_of(3) == str(untrained)  # nothing is trained yet
    make_hunt_plan(str(untrained), tmp_path / "out", settings)
    with pytest.raises(ConfigError, match="other settings than requested"):
        make_hunt_plan(str(untrained), tmp_path / "out", replace(settings, n=3))


def test_what_cannot_be_hunted_is_refused_before_files_are_written(untrained, recipe, tmp_path):
    settings = HuntSettings(recipe=str(recipe))
    with pytest.raises(ConfigError, match=r"labels of ase:explorer\.bench\.mmff:MMFF, received gfn2"):
        make_hunt_plan(str(untrained), tmp_path / "out", replace(settings, reference="gfn2"))
    with pytest.raises(InputError, match="so3lr:somewhere is the published SO3LR, which cannot be trained here"):
        make_hunt_plan("so3lr:somewhere", tmp_path / "out", settings)
    with pytest.raises(InputError, match=r"No training data at missing\.npz"):
        make_hunt_plan(str(untrained), tmp_path / "out", replace(settings, replay="missing.npz"))
    with pytest.raises(ConfigError, match="recipe"):
        make_hunt_plan(str(untrained), tmp_path / "out", replace(settings, recipe="missing.toml"))
    with pytest.raises(ConfigError, match="n_finds must be at least 1"):
        HuntSettings(n_finds=0)
    assert not (tmp_path / "out").exists()
