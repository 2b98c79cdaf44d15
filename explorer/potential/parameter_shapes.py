"""Shapes of the parameters of a network, which are stored on disk, since JAX must trace the network to find them."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
from flax.traverse_util import flatten_dict

from explorer.files import write_json
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize
from explorer.resources import compilation_cache_folder
from explorer.stored_programs import installation


@lru_cache(maxsize=16)
def parameter_shapes(hp: Hyperparameters) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter by its path, such as `energy/offset`, without computing parameters.

    Args:
        hp: Hyperparameters of the network.
    """
    file = _file(hp)
    try:
        return {name: tuple(map(int, shape)) for name, shape in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):  # no file, or a damaged one
        shapes = _traced(hp)
    with suppress(OSError):  # a folder that cannot be written costs the next process the time of tracing
        write_json(shapes, file)
    return shapes


def _traced(hp: Hyperparameters) -> dict[str, tuple[int, ...]]:
    shapes = jax.tree.map(lambda leaf: leaf.shape, jax.eval_shape(lambda: initialize(hp, 0)))
    by_path: dict[str, Any] = flatten_dict(shapes, sep="/")
    return by_path


def _file(hp: Hyperparameters) -> Path:
    content = json.dumps([installation(), asdict(hp)], sort_keys=True)
    return compilation_cache_folder() / "shapes" / f"{hashlib.sha256(content.encode()).hexdigest()}.json"
