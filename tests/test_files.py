"""Atomic writing keeps the old file on failure, and JSON files reject numbers that JSON cannot represent."""

import errno
import json
import os

import numpy as np
import pytest

from explorer.files import without_nan, write_atomically, write_json, write_text


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


def test_full_disk_keeps_the_old_file_and_names_it(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def no_space(self, text, encoding=None):
        self.write_bytes(text.encode()[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.write_text", no_space)
    with pytest.raises(OSError, match="No space left") as caught:
        write_text("something new", path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_a_device_is_written_directly(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    write_text("new", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text("text", tmp_path / "pipe")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link", "pipe"]
