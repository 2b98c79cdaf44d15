"""Training from the first epoch to the last: a level phase that can be prolonged, and a decay; a killed one goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.buckets import N_SHAPES
from explorer.train.state import TrainState, restore_state, save_state
from explorer.train.trainer import FitSettings, Trainer

LEVEL, DECAY = "level.msgpack", "decay.msgpack"


def train_phases(
    molecules: dict[str, MoleculeData],
    hp: Hyperparameters,
    settings: FitSettings,
    folder: Path,
    report: Callable[[dict], None] = lambda record: None,
    params: Any = None,
    n_shapes: int = N_SHAPES,
) -> tuple[Any, list[dict]]:
    """Train a network and return the averaged parameters and the learning curve.

    Args:
        molecules: labelled frames with splits.
        hp: of the network, atomic energies filled in.
        settings: of the training.
        folder: keeps the state after every epoch, `level.msgpack` before the decay and `decay.msgpack` during it. A
            second call goes on; one with more epochs goes on from the state before the decay.
        report: called after each epoch with its record, and within it as `Training.epoch` says.
        params: to begin with; drawn at random by default.
        n_shapes: at most so many shapes to pad frames to; each is compiled.

    Raises:
        ConfigError: when no batch can be filled, or when the training diverges; what was saved is the epoch before.
    """
    training = Trainer(molecules, hp, settings, n_shapes)
    level = restore_state(folder / LEVEL, training.start(params))
    while len(level.history) < settings.epochs:
        level = training.epoch(level, None, report)
        save_state(folder / LEVEL, level)
        report(level.history[-1])
    state = restore_state(folder / DECAY, level)
    if _n_level(state) != len(level.history) or len(state.history) > len(level.history) + settings.decay_epochs:
        state = level  # that was another decay
    decay = int(level.step), settings.decay_epochs * training.n_steps
    while len(state.history) < len(level.history) + settings.decay_epochs:
        state = training.epoch(state, decay, report)
        save_state(folder / DECAY, state)
        report(state.history[-1])
    return state.ema, state.history


def _n_level(state: TrainState) -> int:
    return sum(record["phase"] == "level" for record in state.history)
