"""Pickles may hold dicts of numeric arrays; anything else is an error, and none of their code runs."""

import os
import pickle
import subprocess

import numpy as np
import pytest

from explorer.errors import CheckpointError
from explorer.potential.unpickle import read_arrays

ARRAYS = {"params": {"a": {"kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3)}, "n": np.array([1, 2])}}


class Poison:
    """Creates a file when it is unpickled in the usual way."""

    def __init__(self, function, *arguments):
        self.how = (function, arguments)

    def __reduce__(self):
        return self.how


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("core", [b"numpy._core", b"numpy.core"])
def test_arrays_of_all_numpy_versions_are_read(tmp_path, protocol, core):
    text = pickle.dumps(ARRAYS, protocol)
    if protocol == 3:  # names are ended by a newline, so their length may change
        text = text.replace(b"numpy._core", core)
    (tmp_path / "params.pkl").write_bytes(text)
    arrays = read_arrays(tmp_path / "params.pkl")
    assert sorted(arrays) == ["params/a/kernel", "params/n"]
    assert arrays["params/a/kernel"].dtype == np.float32
    np.testing.assert_array_equal(arrays["params/a/kernel"], ARRAYS["params"]["a"]["kernel"])


@pytest.mark.parametrize("function", [os.system, subprocess.getoutput, exec, eval])
def test_a_poisoned_file_is_an_error_and_runs_nothing(tmp_path, function):
    trace = tmp_path / "trace"
    argument = (
        f"touch {trace}" if function in (os.system, subprocess.getoutput) else f"open({str(trace)!r}, 'w').close()"
    )
    poisoned = pickle.dumps({"params": {"a": ARRAYS["params"]["n"], "b": Poison(function, argument)}})
    (tmp_path / "params.pkl").write_bytes(poisoned)
    with pytest.raises(CheckpointError, match="not part of an array"):
        read_arrays(tmp_path / "params.pkl")
    assert not trace.exists()
    pickle.loads(poisoned)  # the file would have done it
    assert trace.exists()


@pytest.mark.parametrize(
    "content",
    [
        ARRAYS["params"]["n"].tolist(),
        {"params": {1: ARRAYS["params"]["n"]}},
        {"params": {"a": "text"}},
        {"params": {"a": np.array(["text"])}},
        {"params": {"a": np.array([{}, None], dtype=object)}},
        {"params": {"a": Poison(getattr, ARRAYS["params"]["n"], "tofile")}},
        {"params": {"a": np.float64}},
    ],
    ids=["list", "number as key", "text", "array of texts", "array of objects", "getattr", "class"],
)
def test_anything_but_dicts_of_numeric_arrays_is_refused(tmp_path, content):
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=r"params\.pkl should hold nested dicts"):
        read_arrays(tmp_path / "params.pkl")


def test_a_dict_that_holds_itself_is_refused(tmp_path):
    content = {"params": {}}
    content["params"]["again"] = content
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match="should hold nested dicts"):
        read_arrays(tmp_path / "params.pkl")


def test_damaged_and_missing_files_are_errors(tmp_path):
    whole = pickle.dumps(ARRAYS)
    path = tmp_path / "params.pkl"
    for damaged in (b"", b"not a pickle", whole[: len(whole) // 2], whole.replace(b"ndarray", b"ndarrax")):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="Get the file again"):
            read_arrays(path)
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_arrays(path)
