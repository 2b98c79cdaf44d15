"""State of a training in one file, so that its arrays and its history belong to the same epoch."""

import json
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
from flax import serialization

from explorer.files import write_atomically

_ARRAYS = ("params", "ema", "optimizer", "step")


class TrainState(NamedTuple):
    """State of a training. The field names are the on-disk format of an unfinished training.

    Attributes:
        params: Parameters of the network.
        ema: Exponential moving average of the parameters.
        optimizer: State of the optimizer.
        step: Number of finished steps.
        history: One record per epoch.
    """

    params: Any
    ema: Any
    optimizer: Any
    step: jax.Array
    history: list[dict]


def save_state(path: Path, state: TrainState) -> None:
    """Write a state; the previous file stays until the new one is complete.

    Args:
        path: File of the state.
        state: State after an epoch.
    """
    arrays = {k: getattr(state, k) for k in _ARRAYS}
    content = serialization.msgpack_serialize(
        {"arrays": serialization.to_bytes(arrays), "history": json.dumps(state.history)}
    )
    with write_atomically(path) as temporary:
        temporary.write_bytes(content)


def restore_state(path: Path, start: TrainState) -> TrainState:
    """Read a state that `save_state` wrote.

    Args:
        path: File of the state.
        start: State whose arrays have the same structure; it is returned if there is no file.
    """
    if not path.exists():
        return start
    content = cast(dict[str, Any], serialization.msgpack_restore(path.read_bytes()))  # what `save_state` packed
    arrays = serialization.from_bytes({k: getattr(start, k) for k in _ARRAYS}, content["arrays"])
    return TrainState(**jax.device_put(arrays, jax.devices()[0]), history=json.loads(content["history"]))
