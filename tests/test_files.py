"""Atomic writing keeps the old file on failure, and JSON files reject numbers that JSON cannot represent."""

import json

import numpy as np
import pytest

from explorer.files import without_nan, write_atomically, write_json


def test_file_appears_only_when_the_block_has_ended(tmp_path):
    path = tmp_path / "new" / "a.npz"
    with write_atomically(path) as temporary:
        np.savez(temporary, x=np.arange(3))
        assert temporary.exists()
        assert temporary.parent == path.parent
        assert not path.exists()
    assert np.load(path)["x"].tolist() == [0, 1, 2]
    assert list(path.parent.iterdir()) == [path]


def test_failure_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_halfway() -> None:
        with write_atomically(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("no space left")

    with pytest.raises(RuntimeError, match="no space left"):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_written_as_it_can_be_read_and_the_path_is_returned(tmp_path):
    path = tmp_path / "new" / "values.json"
    assert write_json({"unit": "Å", "list": [1, 2.5, None]}, path) == path
    assert json.loads(path.read_text(encoding="utf-8")) == {"unit": "Å", "list": [1, 2.5, None]}
    assert "Å" in path.read_text(encoding="utf-8")


def test_json_rejects_numbers_that_are_not_finite(tmp_path):
    write_json({"x": 1}, tmp_path / "a.json")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"x": float("nan")}, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}


def test_numbers_that_are_not_finite_become_none_at_any_depth():
    values = {"a": float("nan"), "b": [(1.0, float("-inf")), "text"], "c": 3, "d": None}
    assert without_nan(values) == {"a": None, "b": [[1.0, None], "text"], "c": 3, "d": None}
