"""What is intact in a damaged run becomes a run, and what is lost is named."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from rounds import begin, make_round
from test_checksums import change
from test_stored_transition_states import first_connect_round

from explorer.comparison.merge import refuse_to_resume
from explorer.errors import InputError, StoreError
from explorer.landscape.graph import minima_graph
from explorer.records.comparisons import SaddleValidation
from explorer.store.read import read_run
from explorer.store.recover import recover
from explorer.store.store import Store


@pytest.fixture
def path(tmp_path) -> Path:
    """The file of a run of three rounds."""
    with begin(tmp_path / "old") as store:
        for k in range(3):
            store.commit(make_round(k, 4))
    return tmp_path / "old" / "run.sqlite"


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "new" / "run.sqlite"


def rows(path: Path, table: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def test_message_names_what_can_be_saved_and_how(path):
    change(path, "UPDATE minimum SET energy = 0.5 WHERE id = 3", "UPDATE hop SET ediff = 1 WHERE id = 1")
    with pytest.raises(StoreError, match="damaged: hop 1, minimum 3 differ") as caught:
        read_run(path)
    saved = r"recover \S+old --out DIR`: 11 of 12 minima and (\d+) of (\d+) hops, but the search cannot be resumed"
    found = re.search(saved, str(caught.value))
    assert int(found[1]) == int(found[2]) - 1


def test_lost_minimum_leaves_the_others_and_the_hops_between_them(path, out):
    before = read_run(path)
    content = path.read_bytes()
    change(path, "UPDATE minimum SET energy = 0.5 WHERE id = 3")
    damaged = path.read_bytes()
    recover(path, out)
    assert path.read_bytes() == damaged != content
    after = read_run(out)
    kept = [minimum for minimum in before.minima if minimum.id != 3]
    assert [m.energy for m in after.minima] == [m.energy for m in kept]
    np.testing.assert_array_equal([m.positions for m in after.minima], [m.positions for m in kept])
    number = {minimum.id: k for k, minimum in enumerate(kept)} | {-1: -1, None: None}
    between = [(number[hop.start], number[hop.end]) for hop in before.hops if 3 not in (hop.start, hop.end)]
    assert [(hop.start, hop.end) for hop in after.hops] == between
    assert after.rounds[-1].n_evaluations == before.rounds[-1].n_evaluations
    assert after.rounds[-1].n_minima == len(kept)
    assert len(minima_graph(after)) == len(kept)
    assert after.provenance["recovered_without"] == "1 of 12 rows of minimum, the state of the walkers"
    with pytest.raises(InputError, match=r"recovered from .* cannot be resumed"):
        refuse_to_resume(after, "new")


def test_run_with_intact_search_continues_like_the_old_one(path, out):
    before = {table: rows(path, table) for table in ("round", "minimum", "hop", "walker")}
    change(path, "INSERT INTO validation VALUES (1, 'gfn2', X'00', X'00', X'00', X'00', X'00')")
    with pytest.raises(StoreError, match="search can be resumed; without validation"):
        read_run(path)
    recover(path, out)
    assert {table: rows(out, table) for table in before} == before
    refuse_to_resume(read_run(out), "new")
    with Store.resume(out) as store:
        assert store.last_round()[0] == 2
        store.commit(make_round(3, 4))
    assert len(read_run(out).minima) == 16


def test_lost_round_gets_the_costs_of_the_one_before(path, out):
    costs = read_run(path).rounds
    change(path, "DELETE FROM round WHERE id = 2", "UPDATE round SET n_evaluations = 7 WHERE id = 1")
    recover(path, out)
    after = read_run(out)
    assert [c.n_evaluations for c in after.rounds] == [costs[0].n_evaluations] * 3
    assert [c.n_minima for c in after.rounds] == [4, 8, 12]


@pytest.mark.parametrize("statement", ["UPDATE run SET config = '{}'", "UPDATE molecule SET total_charge = 7"])
def test_run_without_settings_or_molecule_is_not_saved(path, out, statement):
    change(path, statement)
    with pytest.raises(StoreError, match="without settings and molecule nothing can be saved"):
        recover(path, out)
    assert not out.parent.exists()


def test_intact_run_and_existing_folder_are_refused(path, out):
    with pytest.raises(StoreError, match="No damage is found"):
        recover(path, out)
    change(path, "UPDATE minimum SET energy = 0.5 WHERE id = 3")
    with begin(out.parent) as store:
        store.commit(make_round(0))
    with pytest.raises(StoreError, match="A run exists"):
        recover(path, out)


def test_random_overwrites_are_recovered_to_what_was_written(tmp_path):
    """60 overwrites of 64 bytes: every recovered minimum is one that was written, and most are recovered."""
    with begin(tmp_path / "old") as store:
        store.commit(make_round(0, 50))
    path, rng = tmp_path / "old" / "run.sqlite", np.random.default_rng(8)
    content, written = path.read_bytes(), {m.energy: m.positions for m in read_run(path).minima}
    recovered = []
    for k in range(60):
        at = int(rng.integers(len(content) - 64))
        path.write_bytes(content[:at] + rng.bytes(64) + content[at + 64 :])
        out = tmp_path / str(k) / "run.sqlite"
        try:
            recover(path, out)
        except StoreError:
            assert not out.exists()
            continue
        minima = read_run(out).minima
        recovered.append(len(minima))
        for minimum in minima:
            np.testing.assert_array_equal(minimum.positions, written[minimum.energy])
    assert len(recovered) > 15
    assert np.mean(recovered) > 40


@pytest.mark.parametrize(
    ("damaged", "n_states", "n_refined"), [("saddle_validation", 2, 0), ("transition_state", 0, 0), ("hop", 2, 1)]
)
def test_a_lost_refinement_leaves_the_transition_states_but_not_the_other_way_round(
    tmp_path, out, damaged, n_states, n_refined
):
    refined = SaddleValidation(saddle=0, reference="gfn2", reason="", energy=-1.0, end_energies=(-1.5, -1.4), rmsd=0.1)
    path = tmp_path / "connected" / "run.sqlite"
    with begin(path.parent) as store:
        store.commit(make_round(0, 2))
        store.commit_connections(first_connect_round())
        store.save_saddle_validations([refined])
    columns = {"saddle_validation": "energy = 3", "transition_state": "energy = 3", "hop": "ediff = 9"}
    change(path, f"UPDATE {damaged} SET {columns[damaged]}")
    recover(path, out)
    record = read_run(out)
    assert (len(record.transition_states), len(record.saddle_validations)) == (n_states, n_refined)
