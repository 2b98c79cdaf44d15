"""The page about output files names every key and column that the program writes."""

import json
import re
from contextlib import closing
from pathlib import Path

from explorer.store.database import SCHEMA_VERSION, create

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "outputs.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w-]+)`", PAGE))
FORMER = {"doubt": "trust_levels", "n_lowest_guessed": "n_lowest_out_of_distribution", "n_quenched": "n_relaxed"}


def test_every_column_of_the_database_is_named(tmp_path):
    with closing(create(tmp_path / "run.sqlite")) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in tables}
    assert set(columns) - NAMED == set()
    assert {f"{table}.{name}" for table in tables for name in columns[table] if name not in NAMED} == set()
    assert f"now {SCHEMA_VERSION};" in PAGE


def test_every_key_of_a_real_summary_is_named():
    summary = json.loads((ROOT / "tests" / "golden" / "version-0.1" / "summary.json").read_text(encoding="utf-8"))
    inner = (summary["comparison"], summary["validation"], summary["stability"], summary["certification"])
    parts = (summary, summary["provenance"], *inner, *summary["coverage_estimates"])
    keys = {FORMER.get(key, key) for part in parts for key in part}
    assert keys - NAMED == set()


def test_every_key_of_the_present_summary_is_named():
    source = (ROOT / "explorer" / "analysis" / "summary.py").read_text(encoding="utf-8")
    body = source[source.index("def summarise") : source.index("def summary_table")]
    assert set(re.findall(r'^ +"(\w+)":', body, re.MULTILINE)) - NAMED == set()
