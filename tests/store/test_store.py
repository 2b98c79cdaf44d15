"""The store keeps complete rounds or nothing, and returns every field."""

import dataclasses
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from older import as_of_schema
from rounds import CONFIG, MOLECULE, PROVENANCE, assert_same, begin, make_hop, make_minimum, make_round

from explorer.records.comparisons import Comparison, TrainingMinimum, Validation
from explorer.records.hop import Hop, Outcome
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.store.read import read_run
from explorer.store.store import Store


def test_every_field_is_read_bit_for_bit(tmp_path):
    known, unknown = (
        UncertaintyEstimate(
            energy_spread=0.1, force_spread=0.02, distance=0.7, expected_error=0.03, trust_level=TrustLevel.TRUSTED
        ),
        UncertaintyEstimate(
            energy_spread=math.nan,
            force_spread=math.nan,
            distance=math.inf,
            expected_error=2.5,
            trust_level=TrustLevel.OUT_OF_DISTRIBUTION,
        ),
    )
    failed = Hop(
        walker=0,
        index=1,
        round=0,
        start=0,
        end=None,
        outcome=Outcome.FAILED,
        reason="clash",
        accepted=False,
        temperature=400.0,
        ediff=0.1,
        highest_energy=math.nan,
        n_evaluations=5,
        uncertainty=unknown,
    )
    hops = (make_hop(0, 0), failed, dataclasses.replace(make_hop(1, 3), uncertainty=known), make_hop(2, 0))
    first = make_round(0, 4)
    minima = (*first.minima[:3], dataclasses.replace(first.minima[3], uncertainty=known))
    first = dataclasses.replace(first, hops=hops, minima=minima)
    comparison = Comparison(
        training_minima=(
            TrainingMinimum(id=0, energy=-1.25, positions=np.ones((MOLECULE.n_atoms, 3)), n_frames=7, found=2),
            TrainingMinimum(id=1, energy=-1.0, positions=np.zeros((MOLECULE.n_atoms, 3)), n_frames=1, found=None),
        ),
        nearest_frame_distance=np.array([1.0, np.nan, 3.0, 180.0]),
        frames_torsions=np.arange(12.0).reshape(3, 2, 2),
        n_frames=100,
        n_relaxed=10,
        n_failed=2,
        source="peptides.npz 3f2a",
    )
    validation = Validation(
        reference="gfn2",
        ids=np.array([0, 3]),
        rmsd=np.array([0.1, 0.2]),
        stayed=np.array([True, False]),
        energy=np.zeros(2),
        reference_energy=np.array([0.1, -0.1]),
    )
    with begin(tmp_path) as store:
        store.commit(first)
        store.save_comparison(comparison)
        store.save_validation(validation)
        store.finish("budget of 5 min")
    run = read_run(tmp_path)
    assert_same(run.molecule, MOLECULE)
    assert_same(run.minima, first.minima)
    assert_same(run.hops, first.hops)
    assert_same(run.comparison, comparison)
    assert_same(run.validation, validation)
    assert run.config == CONFIG
    assert run.provenance == PROVENANCE
    assert run.rounds == ((1000, 4, 1.5, 1.0, 7),)
    assert run.finished == "budget of 5 min"
    assert run.visits == {0: 2, 1: 0, 2: 0, 3: 1}


def test_numpy_scalars_are_stored_as_numbers(tmp_path):
    minimum = dataclasses.replace(
        make_minimum(0),
        energy=np.float32(-1.5),
        n_evaluations=np.int64(9),
        positions=np.ones((MOLECULE.n_atoms, 3), np.float32),
    )
    hop = dataclasses.replace(make_hop(0, np.int64(0)), walker=np.int32(4), accepted=np.bool_(True))
    with begin(tmp_path) as store:
        store.commit(dataclasses.replace(make_round(0), minima=(minimum,), hops=(hop,), n_evaluations=np.int64(12)))
    run = read_run(tmp_path)
    assert (run.minima[0].energy, run.minima[0].n_evaluations) == (-1.5, 9)
    assert run.minima[0].positions.dtype == np.float64
    assert (run.hops[0].walker, run.hops[0].end, run.hops[0].accepted) == (4, 0, True)
    assert run.rounds[0][0] == 12


def test_resume_continues_from_the_last_round(tmp_path):
    with begin(tmp_path) as store:
        assert store.last_round() is None
        store.commit(make_round(0))
        assert store.last_round()[0] == 0
        store.commit(make_round(1))
        store.finish("interrupted")
    with Store.resume(tmp_path) as store:
        index, walkers, *costs = store.last_round()
        assert (index, costs) == (1, [2000, 3.0, 2.0, 14])
        assert_same(walkers["positions"], make_round(1).walkers["positions"])
        assert_same(walkers["phase"], make_round(1).walkers["phase"])
        store.commit(make_round(2))
    run = read_run(tmp_path)
    assert [minimum.id for minimum in run.minima] == list(range(6))
    assert run.finished == ""


def test_later_round_deletes_the_comparison(tmp_path):
    comparison = Comparison(
        training_minima=(),
        nearest_frame_distance=np.zeros(2),
        frames_torsions=np.zeros((0, 1, 2)),
        n_frames=0,
        n_relaxed=0,
        n_failed=0,
        source="",
    )
    with begin(tmp_path) as store:
        store.commit(make_round(0))
        store.save_comparison(comparison)
        assert read_run(tmp_path).comparison is not None
        store.commit(make_round(1))
    assert read_run(tmp_path).comparison is None


def test_invalid_round_stores_nothing_and_leaves_the_store_usable(tmp_path):
    dangling = dataclasses.replace(make_round(1), hops=(make_hop(5, 99, 1),))
    with begin(tmp_path) as store:
        store.commit(make_round(0))
        with pytest.raises(sqlite3.IntegrityError):
            store.commit(dangling)
        with pytest.raises(ValueError, match="round must be 1, the next one, received 3"):
            store.commit(make_round(3))
        assert len(read_run(tmp_path).minima) == 2
        store.commit(make_round(1))
    assert len(read_run(tmp_path).minima) == 4


KILLED = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from rounds import make_round
from explorer.store.store import Store
with Store.resume(Path({path!r})) as store:
    index = store.last_round()[0] + 1
    while True:
        store.commit(make_round(index, 20))
        print(index, flush=True)
        index += 1
"""


def test_every_acknowledged_round_survives_kill_9_completely(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 20))
    script = KILLED.format(tests=str(Path(__file__).parent), path=str(tmp_path))
    delays = np.random.default_rng(0).uniform(0.02, 0.2, size=4)
    for delay in delays:
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        first = child.stdout.readline()
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        acknowledged = int((first + child.communicate()[0]).split()[-1])
        run = read_run(tmp_path)
        assert len(run.rounds) in (
            acknowledged + 1,
            acknowledged + 2,
        )  # killed before the last print
        assert [m.id for m in run.minima] == list(range(20 * len(run.rounds)))
        assert len(run.hops) == 20 * len(run.rounds)
        assert_same(run.minima[-1], make_minimum(len(run.minima) - 1, len(run.rounds) - 1))
        with Store.resume(tmp_path) as store:
            index, walkers, *_ = store.last_round()
            assert index == len(run.rounds) - 1
            assert walkers["phase"][0] == index


def test_half_written_transaction_is_rolled_back_on_reading(tmp_path):
    """The file with an incomplete transaction and its rollback journal, as after a crash during a commit."""
    live, crashed = tmp_path / "live", tmp_path / "crashed"
    crashed.mkdir()
    with begin(live) as store:
        store.commit(make_round(0, 200))
    writer = sqlite3.connect(live / "run.sqlite", isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")  # changed pages spill into the file before the commit
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE minimum SET energy = 0.0")
    for name in ("run.sqlite", "run.sqlite-journal"):
        shutil.copy(live / name, crashed / name)
    writer.close()
    half_written = sqlite3.connect(f"file:{crashed / 'run.sqlite'}?immutable=1", uri=True)  # ignores the journal
    assert half_written.execute("SELECT COUNT(*) FROM minimum WHERE energy = 0.0").fetchone()[0] > 0
    half_written.close()
    assert_same(read_run(crashed).minima, make_round(0, 200).minima)


def test_run_of_schema_1_is_read_and_continued(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0))
    as_of_schema(1, tmp_path / "run.sqlite")
    before = read_run(tmp_path).hops
    assert [hop.escape_class for hop in before] == [None, None]
    with Store.resume(tmp_path) as store:
        store.commit(make_round(1))
    hops = read_run(tmp_path).hops
    assert hops[:2] == before
    assert [hop.escape_class for hop in hops[2:]] == [None, StructureClass.FRAGMENTED]


def test_thousand_minima_are_committed_within_a_second_and_3_megabytes(tmp_path):
    minima = tuple(make_minimum(id) for id in range(1000))
    hops = tuple(make_hop(id, id) for id in range(1000))
    with begin(tmp_path) as store:
        start = time.process_time()
        store.commit(dataclasses.replace(make_round(0), minima=minima, hops=hops))
        assert time.process_time() - start < 1.0
    assert (tmp_path / "run.sqlite").stat().st_size < 3e6
    assert len(read_run(tmp_path).minima) == 1000


def test_isotopes_and_remarks_of_the_molecule_are_kept(tmp_path):
    isotopes = np.arange(len(MOLECULE.atomic_numbers))
    noted = dataclasses.replace(MOLECULE, isotopes=isotopes, remarks=("The periodic cell is ignored.",))
    with Store.begin(tmp_path / "kept.sqlite", noted, CONFIG, PROVENANCE) as store:
        store.commit(make_round(0))
    found = read_run(tmp_path / "kept.sqlite").molecule
    np.testing.assert_array_equal(found.isotopes, isotopes)
    assert found.remarks == noted.remarks
