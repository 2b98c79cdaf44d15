"""A step that is done once: its result is a file, which a later call reads."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


def cached(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a step made, from its JSON file where it is done."""
    if not path.exists():
        text = json.dumps(make(), indent=1, allow_nan=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text + "\n")
        temporary.rename(path)
    return json.loads(path.read_text())


def cached_arrays(path: Path, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What a step made, from its npz file where it is done."""
    if not path.exists():
        arrays: dict[str, Any] = dict(make())
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, **arrays)
        temporary.rename(path)
    return load_cached_arrays(path)


def load_cached_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a step that is done."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
