"""Results of steps that are computed once, stored in a file, and read from it by later calls."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from explorer.files import write_atomically, write_json


def cached(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the values in a JSON file, or compute and store them where the file is missing.

    Args:
        path: The JSON file.
        make: Function that computes the values.
    """
    if not path.exists():
        write_json(make(), path)
    return json.loads(path.read_text(encoding="utf-8"))


def cached_arrays(path: Path, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays in an npz file, or compute and store them where the file is missing.

    Args:
        path: The npz file.
        make: Function that computes the arrays.
    """
    if not path.exists():
        arrays: dict[str, Any] = dict(make())
        with write_atomically(path) as temporary:
            np.savez(temporary, **arrays)
    return load_cached_arrays(path)


def load_cached_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays in an npz file.

    Args:
        path: The npz file.
    """
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
