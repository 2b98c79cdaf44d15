"""Runs of version 0.1 (schema 9) are read as they are, upgraded without loss, resumed and reported."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from rounds import assert_same

from explorer.config import Settings
from explorer.config_file import read_toml
from explorer.overrides import with_overrides
from explorer.records.certificates import StationaryPointType
from explorer.records.hop import Outcome
from explorer.records.moves import Move
from explorer.records.uncertainty import TrustLevel
from explorer.store.database import SCHEMA_VERSION, create
from explorer.store.read import read_run
from explorer.store.store import Store

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "tests" / "golden" / "version-0.1"
RENAMED_COLUMNS = {
    ("minimum", "verdict"): "trust_level",
    ("hop", "verdict"): "trust_level",
    ("hop", "aim"): "start_torsions",
    ("comparison", "n_quenched"): "n_relaxed",
    ("certificate", "verdict"): "point_type",
    ("certificate", "lowest"): "lowest_wavenumber",
    ("saddle_end", "verdict"): "point_type",
    ("saddle_end", "lowest"): "lowest_wavenumber",
}
ADDED_COLUMNS = {"molecule": {"isotopes": None, "remarks": "[]"}, "minimum": {"exclusion": None, "attempt": None}}
ADDED_TABLES = {
    "checksum",
    "connect_round",
    "transition_state",
    "transition_state_end",
    "saddle_attempt",
    "saddle_validation",
}
RENAMED_MOVES = {"shake": Move.RATTLE, "surface": Move.SURFACE_MOVE, "fresh": Move.RANDOM_RESTART}


@pytest.fixture(params=["lj7", "ac-ala-nhme"])
def path(request, tmp_path) -> Path:
    """A copy of a stored run."""
    return Path(shutil.copy(STORED / f"{request.param}.sqlite", tmp_path / "run.sqlite"))


@pytest.fixture
def peptide(tmp_path) -> Path:
    """A copy of the stored run of the peptide."""
    return Path(shutil.copy(STORED / "ac-ala-nhme.sqlite", tmp_path / "run.sqlite"))


def query(path: Path, sql: str, *values: object) -> list[tuple]:
    connection = sqlite3.connect(path)
    rows = connection.execute(sql, values).fetchall()
    connection.commit()
    connection.close()
    return rows


def tables(path: Path) -> dict[str, tuple[list[str], list[tuple]]]:
    """Columns and rows of all tables, as SQLite returns them."""
    names = [name for (name,) in query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: ([row[1] for row in query(path, f"PRAGMA table_info({name})")], query(path, f"SELECT * FROM {name}"))
        for name in names
    }


def test_reading_leaves_the_file_unchanged(path):
    before = path.read_bytes()
    assert query(path, "PRAGMA user_version") == [(9,)]
    assert read_run(path).finished == "40 hops done"
    assert path.read_bytes() == before


def test_minima_and_hops_are_those_of_the_file(path):
    run = read_run(path)
    minima = query(path, "SELECT id, energy, class, n_evaluations FROM minimum ORDER BY id")
    assert [(m.id, m.energy, m.structure_class, m.n_evaluations) for m in run.minima] == minima
    hops = query(path, 'SELECT walker, start, "end", outcome, move, highest_energy FROM hop ORDER BY id')
    expected = [(*row[:4], RENAMED_MOVES.get(row[4], row[4]), row[5]) for row in hops]
    assert [(h.walker, h.start, h.end, h.outcome, h.move, h.highest_energy) for h in run.hops] == expected
    assert run.rounds[-1].n_evaluations == query(path, "SELECT MAX(n_evaluations) FROM round")[0][0]


def test_values_of_renamed_columns_are_read(peptide):
    run = read_run(peptide)
    verdicts = query(peptide, "SELECT verdict, lowest FROM certificate ORDER BY minimum")
    assert [(c.point_type, c.lowest_wavenumber) for c in run.certificates] == verdicts
    assert {c.point_type for c in run.certificates} <= {StationaryPointType.MINIMUM, StationaryPointType.NOT_CERTIFIED}
    assert [(run.comparison.n_relaxed,)] == query(peptide, "SELECT n_quenched FROM comparison")
    levels = query(peptide, "SELECT verdict, expected_error FROM minimum ORDER BY id")
    assert [(m.uncertainty.trust_level, m.uncertainty.expected_error) for m in run.minima] == levels
    is_jump = [blob is not None for (blob,) in query(peptide, "SELECT aim FROM hop ORDER BY id")]
    assert [len(hop.start_torsions) > 0 for hop in run.hops] == is_jump
    assert any(is_jump)


def test_opening_for_writing_without_a_commit_leaves_the_file_unchanged(path):
    before = tables(path)
    Store.resume(path).close()
    assert tables(path) == before
    assert query(path, "PRAGMA user_version") == [(9,)]


def test_upgrade_changes_names_only(path):
    before, record = tables(path), read_run(path)
    with Store.resume(path) as store:
        store.finish(record.finished)  # commits the transaction of the upgrade
    after = tables(path)
    assert query(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert after.keys() - before.keys() == ADDED_TABLES
    for table, (columns, rows) in before.items():
        added = ADDED_COLUMNS.get(table, {})
        renamed = [RENAMED_COLUMNS.get((table, name), name) for name in columns]
        assert after[table][0] == [*renamed, *added]
        assert [row[: len(columns)] for row in after[table][1]] == rows
    assert_same(read_run(path), record)


def test_upgraded_run_has_the_columns_of_a_new_one(path, tmp_path):
    record = read_run(path)
    with Store.resume(path) as store:
        store.finish(record.finished)
    with closing(create(tmp_path / "new.sqlite")) as connection:
        connection.execute("COMMIT")
    new = {name: set(columns) for name, (columns, _) in tables(tmp_path / "new.sqlite").items()}
    assert {name: set(columns) for name, (columns, _) in tables(path).items()} == new


@pytest.mark.parametrize(("old", "new"), RENAMED_MOVES.items())
def test_former_moves_are_read_as_the_present_ones(peptide, old, new):
    query(peptide, "UPDATE hop SET move = ? WHERE id = 2", old)
    assert query(peptide, "SELECT move FROM hop WHERE id = 2") == [(old,)]
    assert read_run(peptide).hops[1].move is new


def test_former_outcome_and_trust_level_are_read_as_the_present_ones(peptide):
    query(peptide, "UPDATE hop SET outcome = 'doubted' WHERE id = 2")
    query(peptide, "UPDATE minimum SET verdict = 'outside' WHERE id = 3")
    run = read_run(peptide)
    assert run.hops[1].outcome is Outcome.TOO_UNCERTAIN
    assert run.minima[3].uncertainty.trust_level is TrustLevel.OUT_OF_DISTRIBUTION
    with Store.resume(peptide) as store:
        store.finish("")
    assert_same(read_run(peptide).hops, run.hops)
    assert_same(read_run(peptide).minima, run.minima)


@pytest.mark.parametrize("source", ["store", "config.toml"])
def test_former_settings_are_read_as_the_present_ones(peptide, source):
    config = read_run(peptide).config if source == "store" else read_toml(STORED / "config.toml")
    assert config["hopping"]["deep"] == 0.8
    config["hopping"]["deep"] = 0.625
    settings = with_overrides(Settings(), config)
    assert settings.hopping.low_energy_share == 0.625
    assert settings.hopping.max_uncertainty == "any"  # the worst level was the default and meant no limit
    assert {Move.RATTLE, Move.SURFACE_MOVE} <= set(settings.hopping.moves)
    assert settings.hopping.mdmin == config["hopping"]["mdmin"]


@pytest.mark.parametrize(("limit", "n_unknown"), [("outside", 0), ("out-of-distribution", 0), ("uncertain", 1)])
def test_results_of_an_old_run_follow_from_its_limit(peptide, limit, n_unknown):
    query(peptide, "UPDATE minimum SET verdict = 'outside' WHERE id = 3")
    config = read_run(peptide).config
    config["hopping"]["max_uncertainty"] = limit
    query(peptide, "UPDATE run SET config = ?", json.dumps(config))
    run = read_run(peptide)
    assert [m.id for m in run.unknown] == [3][:n_unknown]
    with Store.resume(peptide) as store:
        store.finish("")
    assert [m.exclusion for m in read_run(peptide).minima] == [m.exclusion for m in run.minima]


@pytest.mark.slow
def test_run_of_lj7_is_resumed_and_reported(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(STORED / "lj7.sqlite", folder / "run.sqlite")
    before = read_run(folder)

    def pes_explore(*arguments: object) -> None:
        command = [sys.executable, "-m", "cli", *map(str, arguments)]
        environment = {**os.environ, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=600, env=environment)

    pes_explore("report", folder)
    page = (folder / "index.html").read_text()
    assert "lj7" in page
    assert read_run(folder).hops == before.hops
    pes_explore("run", "--resume", folder, "--hops", 60)
    after = read_run(folder)
    assert query(folder / "run.sqlite", "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert len(after.hops) >= 60
    assert_same(after.hops[: len(before.hops)], before.hops)
    assert_same(after.minima[: len(before.minima)], before.minima)
    lowest = min(m.energy for m in after.minima)
    assert lowest == pytest.approx(-16.505384, abs=1e-5)  # pentagonal bipyramid, Cambridge Cluster Database
    assert np.all(np.diff([costs.n_evaluations for costs in after.rounds]) > 0)
    assert (folder / "index.html").read_text() != page
