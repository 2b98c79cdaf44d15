"""The state of a training in one file, so that its arrays and its history belong together."""

import json
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
from flax import serialization

ARRAYS = ("params", "ema", "optimizer", "step")


class TrainState(NamedTuple):
    """All that a resumed training needs.

    Attributes:
        params: of the network.
        ema: their moving average.
        optimizer: its state.
        step: steps done.
        history: one record per epoch.
    """

    params: Any
    ema: Any
    optimizer: Any
    step: jax.Array
    history: list[dict]


def save_state(path: Path, state: TrainState) -> None:
    """Write the state, the file before stays until the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {k: getattr(state, k) for k in ARRAYS}
    content = serialization.msgpack_serialize(
        {"arrays": serialization.to_bytes(arrays), "history": json.dumps(state.history)}
    )
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(content)
    temporary.rename(path)


def restore_state(path: Path, start: TrainState) -> TrainState:
    """What `save_state` wrote for a training of this structure; the start where there is no file."""
    if not path.exists():
        return start
    content = cast(dict[str, Any], serialization.msgpack_restore(path.read_bytes()))  # what `save_state` packed
    arrays = serialization.from_bytes({k: getattr(start, k) for k in ARRAYS}, content["arrays"])
    return TrainState(**jax.device_put(arrays, jax.devices()[0]), history=json.loads(content["history"]))
