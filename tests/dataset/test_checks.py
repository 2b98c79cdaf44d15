"""Training data with wrong kinds, shapes or values are named before anything is computed."""

import json

import numpy as np
import pytest

from explorer.dataset.dataset import load_dataset, load_meta
from explorer.errors import InputError

GOOD = {
    "atomic_numbers": np.array([8, 1]),
    "bonds": np.array([[0, 1]]),
    "total_charge": np.array(-1),
    "positions": np.zeros((3, 2, 3)),
    "energy": np.array([-1.0, -2.0, -3.0]),
    "forces": np.ones((3, 2, 3)),
    "conformer": np.array(["a", "b", "c"]),
    "stage": np.array(["x", "x", "x"]),
    "split": np.array(["train", "validation", "test"]),
}
BAD = {
    "no atoms": ("atomic_numbers", np.zeros(0, int)),
    "unknown element": ("atomic_numbers", np.array([8, 200])),
    "floating elements": ("atomic_numbers", np.array([8.0, 1.0])),
    "bond out of range": ("bonds", np.array([[0, 2]])),
    "negative bond": ("bonds", np.array([[-1, 0]])),
    "bond to itself": ("bonds", np.array([[1, 1]])),
    "flat bonds": ("bonds", np.array([0, 1])),
    "fractional charge": ("total_charge", np.array(0.5)),
    "absurd charge": ("total_charge", np.array(-99)),
    "two charges": ("total_charge", np.array([0, 1])),
    "nan energy": ("energy", np.array([np.nan, 0, 0])),
    "missing energy": ("energy", np.zeros(2)),
    "infinite force": ("forces", np.full((3, 2, 3), np.inf)),
    "forces of other frames": ("forces", np.ones((2, 2, 3))),
    "forces of other atoms": ("forces", np.ones((3, 3, 3))),
    "huge positions": ("positions", np.full((3, 2, 3), 1e200)),
    "text positions": ("positions", np.full((3, 2, 3), "x")),
    "no frames": ("positions", np.zeros((0, 2, 3))),
    "unknown split": ("split", np.array(["train", "train", "other"])),
    "numbers for names": ("conformer", np.array([1, 2, 3])),
}


def write(path, meta: object = None, **arrays):
    extra = {} if meta is None else {"meta": json.dumps(meta)}
    np.savez(path, **{f"m/{name}": array for name, array in arrays.items()}, **extra)
    return path


def test_good_data_are_read(tmp_path):
    data = load_dataset(write(tmp_path / "good.npz", **GOOD))["m"]
    assert data.total_charge == -1
    np.testing.assert_array_equal(data.forces, GOOD["forces"])


@pytest.mark.parametrize("name", BAD)
def test_bad_array_is_named(tmp_path, name):
    field, array = BAD[name]
    with pytest.raises(InputError, match=rf"bad\.npz: {field} of m must be .*, received .* of shape"):
        load_dataset(write(tmp_path / "bad.npz", **{**GOOD, field: array}))


def test_other_files_are_refused_without_advice_about_pickles(tmp_path):
    path = tmp_path / "x.npz"
    good = write(path, **GOOD).read_bytes()
    contents = [
        b"",
        b"hello",
        good[: len(good) // 2],
        good[:300] + b"\xff" * 40 + good[340:],
        b"PK\x03\x04" + b"\0" * 99,
    ]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"is not a dataset|must be") as caught:
            load_dataset(path)
        assert "allow_pickle" not in str(caught.value)
    np.savez(path, **{"m/positions": np.array([{}], dtype=object)})
    with pytest.raises(InputError, match="is not a dataset"):
        load_dataset(path)
    np.savez(path, meta="{}")
    with pytest.raises(InputError, match="has no molecules"):
        load_dataset(path)


def test_missing_provenance_is_named(tmp_path):
    for meta in (None, [1, 2]):
        with pytest.raises(InputError, match="has no provenance"):
            load_meta(write(tmp_path / "x.npz", meta, **GOOD))
    assert load_meta(write(tmp_path / "x.npz", {"reference": "gfn2"}, **GOOD)) == {"reference": "gfn2"}
