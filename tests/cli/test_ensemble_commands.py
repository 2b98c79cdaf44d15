"""Files, output and error messages of `merge` and `compare RUN OTHER`."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest

from explorer.comparison.overlap import ConformerEnsemble, compare_conformers
from explorer.config import IdentitySettings, Settings
from explorer.io.build import from_sequence
from explorer.records.structure_class import StructureClass
from explorer.similarity.symmetry import symmetry_of
from explorer.store.read import read_run
from explorer.units import KCAL_PER_MOL
from explorer.workflows.outputs import write_results


@pytest.fixture
def composed(monkeypatch):
    """`explorer.workflows.results` that only notes which folder it finishes."""
    module = ModuleType("explorer.workflows.results")
    module.finished = []

    def write_outputs(session):
        module.finished.append(session.folder)
        return write_results(session.record, session.folder)

    module.write_outputs = write_outputs
    monkeypatch.setitem(sys.modules, "explorer.workflows.results", module)
    return module.finished


@pytest.fixture
def compared(monkeypatch):
    """A comparison of ensembles that finds one common conformer in two ensembles and notes what it was asked."""
    molecule = from_sequence("A")
    positions = np.stack([molecule.positions, molecule.positions * 1.2])
    module = ModuleType("explorer.workflows.compare_ensembles")
    module.asked = []

    def compare_runs(session, other, window, progress, charge):
        out = session.folder
        module.asked.append((out, other, window))
        progress(4, 4)
        intact = (StructureClass.INTACT,)
        a = ConformerEnsemble(
            name=str(out),
            ids=np.array([7, 3]),
            energies=np.array([-2.0, -1.9]),
            positions=positions,
            classes=intact * 2,
            n_given=3,
            n_other=0,
            n_failed=1,
        )
        b = ConformerEnsemble(
            name=str(other),
            ids=np.array([0]),
            energies=np.array([-2.0]),
            positions=positions[:1],
            classes=intact,
            n_given=1,
            n_other=0,
            n_failed=0,
        )
        return compare_conformers(symmetry_of(molecule), IdentitySettings(), a, b, window)

    module.compare_runs = compare_runs
    monkeypatch.setitem(sys.modules, "explorer.workflows.compare_ensembles", module)
    return module.asked


def test_merge_writes_a_run_that_cannot_be_resumed(pes_explore, composed, make_run, tmp_path):
    for seed in (1, 2):
        make_run(tmp_path / str(seed), Settings(seed=seed))
    code, out, _ = pes_explore("merge", tmp_path / "1", tmp_path / "2" / "run.sqlite", "--out", tmp_path / "both")
    assert code == 0
    assert composed == [tmp_path / "both"]
    assert "merged from 2 runs" in out
    merged = read_run(tmp_path / "both")
    assert (len(merged.minima), len(merged.hops)) == (3, 8)
    code, _, err = pes_explore("run", "--resume", tmp_path / "both")
    assert code == 1
    assert "was merged from" in err
    assert "cannot be resumed" in err
    code, _, err = pes_explore("merge", tmp_path / "1", tmp_path / "2", "--out", tmp_path / "both")
    assert code == 1
    assert "run.sqlite" in err


def test_merge_writes_nothing_before_a_restart_of_the_process(pes_explore, composed, make_run, tmp_path, monkeypatch):
    for seed in (1, 2):
        make_run(tmp_path / str(seed))
    existed = []
    monkeypatch.setattr("cli.merge.prepare_device", lambda: existed.append((tmp_path / "both").exists()))
    assert pes_explore("merge", tmp_path / "1", tmp_path / "2", "--out", tmp_path / "both").code == 0
    assert existed == [False]


def test_merge_of_one_run_is_wrong_usage_and_a_missing_one_is_named(pes_explore, composed, make_run, tmp_path):
    make_run(tmp_path / "1")
    assert pes_explore("merge", tmp_path / "1", "--out", tmp_path / "both").code == 2
    code, _, err = pes_explore("merge", tmp_path / "1", tmp_path / "none", "--out", tmp_path / "both")
    assert code == 1
    assert "No run at" in err
    assert not (tmp_path / "both").exists()


def test_compare_with_another_ensemble_prints_a_table_and_writes_json(pes_explore, compared, make_run, tmp_path):
    make_run(tmp_path / "a")
    file = tmp_path / "out" / "c.json"
    arguments = ("compare", tmp_path / "a", "other.xyz", "--window", "3kcal", "--out", file)
    code, out, err = pes_explore(*arguments)
    assert code == 0
    folder, other, window = compared[0]
    assert (folder, str(other), window) == (tmp_path / "a", "other.xyz", pytest.approx(3 * KCAL_PER_MOL))
    lines = {line[:26].strip(): line[26:].split() for line in out.splitlines()}
    recall = next(line for line in out.splitlines() if line.startswith("recall "))
    assert recall.split()[-2:] == ["1.00", "0.50"]
    assert lines["distinct conformers"] == ["2", "1"]
    assert "4 of 4 conformers" in err
    values = json.loads(file.read_text())
    assert values["overlaps"][0]["precision"] == 0.5
    assert values["a"]["ids_alone"] == [3]
    assert str(file) in out
    code, _, err = pes_explore(*arguments)
    assert code == 1
    assert "--force" in err


@pytest.mark.parametrize(
    "arguments",
    [["--window", "3kcal"], ["b.xyz", "--frames", 3], ["b.xyz", "--training", "t.npz"]],
)
def test_options_of_the_other_kind_of_comparison_are_wrong_usage(pes_explore, compared, make_run, tmp_path, arguments):
    make_run(tmp_path)
    assert pes_explore("compare", tmp_path, *arguments).code == 2
    assert compared == []
