"""Arrays of orbax folders and msgpack files come back, and what is missing in them is not read as zeros."""

import msgpack
import numpy as np
import pytest
from mlff_writer import write_msgpack, write_orbax

from explorer.errors import CheckpointError
from explorer.potential.orbax import read_stored_arrays

ARRAYS = {"params/a/kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "opt/0/count": np.zeros(1, np.int32)}


@pytest.mark.parametrize("ocdbt", [True, False], ids=["OCDBT", "zarr"])
def test_wanted_arrays_of_a_folder_come_back(tmp_path, ocdbt):
    write_orbax(tmp_path / "a", ARRAYS, ocdbt)
    found = read_stored_arrays(tmp_path / "a", lambda name: name.startswith("params/"))
    assert list(found) == ["params/a/kernel"]
    np.testing.assert_array_equal(found["params/a/kernel"], ARRAYS["params/a/kernel"])


def test_arrays_of_a_msgpack_file_come_back(tmp_path):
    write_msgpack(tmp_path / "a", ARRAYS)
    found = read_stored_arrays(tmp_path / "a", lambda name: True)
    assert found.keys() == ARRAYS.keys()
    np.testing.assert_array_equal(found["params/a/kernel"], ARRAYS["params/a/kernel"])


def test_missing_values_are_not_zeros(tmp_path):
    write_orbax(tmp_path, ARRAYS, ocdbt=False)
    (tmp_path / "params.a.kernel" / "0.0").unlink()
    with pytest.raises(CheckpointError, match=r"the values of params\.a\.kernel are missing"):
        read_stored_arrays(tmp_path, lambda name: True)


def test_damaged_and_empty_folders_are_one_line(tmp_path):
    write_orbax(tmp_path / "a", ARRAYS)
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file() and path.name != "manifest.ocdbt":
            path.unlink()
    with pytest.raises(CheckpointError, match="damaged or was not written to its end") as caught:
        read_stored_arrays(tmp_path / "a", lambda name: True)
    assert "\n" not in str(caught.value)
    (tmp_path / "b").mkdir()
    with pytest.raises(CheckpointError, match="holds no arrays"):
        read_stored_arrays(tmp_path / "b", lambda name: True)


def test_infinite_numbers_and_objects_are_refused(tmp_path):
    write_orbax(tmp_path / "a", {"params/a": np.array([np.inf], np.float32)})
    with pytest.raises(CheckpointError, match="not finite"):
        read_stored_arrays(tmp_path / "a", lambda name: True)
    (tmp_path / "b").write_bytes(msgpack.packb({"a": msgpack.ExtType(7, b"code")}))
    with pytest.raises(CheckpointError, match="extension type 7"):
        read_stored_arrays(tmp_path / "b", lambda name: True)
    data = msgpack.packb(((1,), "object", b"12345678"))
    (tmp_path / "c").write_bytes(msgpack.packb({"a": msgpack.ExtType(1, data)}))
    with pytest.raises(CheckpointError, match="an array of type object"):
        read_stored_arrays(tmp_path / "c", lambda name: True)
