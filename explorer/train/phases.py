"""Resumable training: epochs at a constant learning rate, which can be added later, and then a decay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.dataset.dataset import MoleculeData
from explorer.potential.hyperparameters import Hyperparameters
from explorer.train.buckets import N_SHAPES
from explorer.train.settings import FitSettings
from explorer.train.state import TrainState, restore_state, save_state
from explorer.train.trainer import Trainer

_LEVEL_FILE, _DECAY_FILE = "level.msgpack", "decay.msgpack"


def train_phases(
    molecules: dict[str, MoleculeData],
    hp: Hyperparameters,
    settings: FitSettings,
    folder: Path,
    report: Callable[[dict], None] = lambda record: None,
    params: Any = None,
    n_shapes: int = N_SHAPES,
) -> tuple[Any, list[dict]]:
    """Train a network, or resume its training.

    Args:
        molecules: Labelled frames by molecule, with their splits.
        hp: Hyperparameters of the network, with atomic energies.
        settings: Settings of the training. Their time counts epochs of earlier calls too, but no compilation.
        folder: Folder of the state after every epoch: `level.msgpack` before the decay and `decay.msgpack` during it.
            A second call resumes; a call with more epochs resumes from the state before the decay.
        report: Called after each epoch with its record, and within an epoch as described in `Trainer.epoch`.
        params: Initial parameters; random by default.
        n_shapes: Largest number of shapes that frames are padded to. Each is compiled.

    Returns:
        The averaged parameters, and one record for each epoch.

    Raises:
        ConfigError: When no batch can be filled, or when the training diverges. The saved state is then that of the
            epoch before.
    """
    trainer = Trainer(molecules, hp, settings, n_shapes)
    level = restore_state(folder / _LEVEL_FILE, trainer.start(params))
    while len(level.history) < settings.epochs and not _is_time_to_decay(level, settings):
        level = trainer.epoch(level, None, report)
        save_state(folder / _LEVEL_FILE, level)
        report(level.history[-1])
    state = restore_state(folder / _DECAY_FILE, level)
    if _n_level(state) != len(level.history) or len(state.history) > len(level.history) + settings.decay_epochs:
        state = level  # the stored decay began from another state
    decay = int(level.step), settings.decay_epochs * trainer.n_steps
    while len(state.history) < len(level.history) + settings.decay_epochs:
        state = trainer.epoch(state, decay, report)
        save_state(folder / _DECAY_FILE, state)
        report(state.history[-1])
    return state.ema, state.history


def _is_time_to_decay(level: TrainState, settings: FitSettings) -> bool:
    """Whether another epoch before the decay would exceed the time of the training."""
    if not settings.minutes or not level.history:
        return False
    epoch = max(record["seconds"] + record.get("validation_seconds", 0.0) for record in level.history[-3:])
    spent = sum(record["seconds"] + record.get("validation_seconds", 0.0) for record in level.history)
    return spent + (settings.decay_epochs + 1) * epoch > 60 * settings.minutes


def _n_level(state: TrainState) -> int:
    return sum(record["phase"] == "level" for record in state.history)
