"""A run is read, its potential loaded, its summary computed and written once; memory holds the stored record."""

import shutil
import time
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.bench.systems import random_cluster
from explorer.config import BudgetSettings, HoppingSettings, Settings
from explorer.dataset.dataset import MoleculeData, save_dataset
from explorer.errors import InputError
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import embed, to_rdkit
from explorer.io.read import read_molecule
from explorer.records.run import RunRecord
from explorer.store.read import read_run
from explorer.workflows import outputs
from explorer.workflows.results import write_outputs
from explorer.workflows.run import resume_run, start_run
from explorer.workflows.session import Session, require_same_model

ROOT = Path(__file__).resolve().parents[2]
HOPPING, BUDGET = HoppingSettings(n_walkers=2), BudgetSettings(hops=4, minutes=0)
CLUSTER = Settings(potential="lennard-jones", precision="float64", hopping=HOPPING, budget=BUDGET)


@pytest.fixture
def counted(monkeypatch):
    """Number of times that a run was read, a potential loaded, a summary computed and written."""
    counts = Counter()

    def count(module: str, name: str, key: str) -> None:
        from importlib import import_module

        function = getattr(import_module(module), name)

        def counting(*arguments, **options):
            counts[key] += 1
            return function(*arguments, **options)

        monkeypatch.setattr(f"{module}.{name}", counting)

    count("explorer.store.read", "connect", "read")
    count("explorer.potential.load", "load_potential", "loaded")
    count("explorer.workflows.outputs", "summarise", "summarised")
    count("explorer.workflows.outputs", "write_json", "written")
    return counts


def searched(molecule, settings: Settings, out: Path) -> Session:
    with start_run(molecule, settings, out, lambda progress: None, lambda: False) as session:
        write_outputs(session)
    return session


def assert_same(one: object, other: object) -> None:
    """Equal field by field, arrays by value."""
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, tuple) and not hasattr(one, "_fields"):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other


def test_work_is_done_once_in_a_run_of_a_cluster(counted, tmp_path):
    searched(random_cluster(7, 0), CLUSTER, tmp_path)
    assert dict(counted) == {"loaded": 1, "summarised": 1, "written": 1}


@pytest.mark.slow
def test_work_is_done_once_in_a_run_that_is_compared_with_its_training_data(counted, tmp_path):
    molecule, model = read_molecule(ROOT / "data" / "peptides" / "ac-ala-nhme.pdb"), tmp_path / "model"
    shutil.copytree(FIXED_NETWORK, model)
    positions, name = embed(to_rdkit(molecule), 4, seed=0), np.full(4, "ac-ala-nhme")
    frames = MoleculeData(
        atomic_numbers=molecule.atomic_numbers,
        bonds=molecule.bonds,
        total_charge=0,
        positions=positions,
        energy=np.zeros(4),
        forces=np.zeros_like(positions),
        conformer=name,
        stage=name,
        split=np.full(4, "train"),
    )
    save_dataset(model / "peptides.npz", {"ac-ala-nhme": frames}, {})  # the file that its hyperparameters name
    settings = Settings(potential=str(model), hopping=HOPPING, budget=BUDGET, training_frames=4)
    session = searched(molecule, settings, tmp_path / "run")
    assert dict(counted) == {"loaded": 1, "summarised": 1, "written": 1}
    assert session.record.comparison is not None
    assert session.record.properties is not None
    assert_same(session.record, read_run(tmp_path / "run"))


def test_record_in_memory_is_the_stored_one_and_a_resumed_run_is_read_once(counted, tmp_path):
    session = searched(random_cluster(7, 0), CLUSTER, tmp_path)
    assert_same(session.record, read_run(tmp_path))
    counted.clear()
    again = resume_run(Session.open(tmp_path), lambda progress: None, lambda: False, replace(BUDGET, hops=8))
    write_outputs(again)
    assert dict(counted) == {"read": 1, "loaded": 1, "summarised": 1, "written": 1}
    assert_same(again.record, read_run(tmp_path))
    assert len(again.record.hops) > len(session.record.hops)


def test_results_are_written_without_a_potential(counted, tmp_path):
    session = searched(random_cluster(7, 0), CLUSTER, tmp_path)
    counted.clear()
    written = outputs.write_results(session.record, tmp_path, 310.0)
    assert dict(counted) == {"summarised": 1, "written": 1}
    assert "310" in written.report.read_text(encoding="utf-8")


def test_another_model_of_the_same_name_is_refused():
    record = RunRecord(
        molecule=random_cluster(3, 0), config={}, provenance={"potential_digest": "a"}, minima=(), hops=(), rounds=()
    )
    require_same_model(record, "a")
    with pytest.raises(InputError, match="stands for b"):
        require_same_model(record, "b")


def test_preparation_is_no_search_time_and_is_shown_apart(tmp_path, monkeypatch):
    """Two seconds of compilation before a search of one second, and again before its continuation."""
    compile_in_background = WalkerPool.compile_in_background

    def slow(self):
        time.sleep(2)
        return compile_in_background(self)

    monkeypatch.setattr(WalkerPool, "compile_in_background", slow)
    settings = replace(CLUSTER, budget=BudgetSettings(minutes=1 / 60))
    began = time.time()
    session = start_run(random_cluster(7, 1), settings, tmp_path, lambda progress: None, lambda: False, began)
    elapsed, rounds = time.time() - began, session.record.rounds
    assert rounds[0].wall_seconds == 0
    assert rounds[1].wall_seconds < 1.5, "the clock starts with the first hop"
    assert rounds[-1].wall_seconds >= 1
    before = float(session.record.provenance["seconds_before_search"])
    assert 2 < before <= elapsed - rounds[-1].wall_seconds + 0.1
    with session:
        summary = write_outputs(session)
    assert summary.summary["seconds_before_search"] == before
    assert f"before it {before:.0f} s of preparation" in dict(summary.table)["wall time"]

    n_before = len(rounds)
    began = time.time()
    resumed = resume_run(
        Session.open(tmp_path), lambda progress: None, lambda: False, BudgetSettings(minutes=2 / 60), began
    ).record
    assert resumed.rounds[n_before].wall_seconds < rounds[-1].wall_seconds + 1.5
    assert 2 < float(resumed.provenance["seconds_before_search"]) < time.time() - began
