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
        settings: Settings of the training. Their time counts epochs of earlier calls too.
        folder: Folder of the state after every epoch: `level.msgpack` before the decay and `decay.msgpack` during it.
            A second call resumes; a call with more epochs resumes from the state before the decay.
        report: Called after each epoch with its record, and within an epoch as described in `Trainer.epoch`. Where the
            settings limit the time, the record also has `seconds_left` and `time_share`.
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
        timed = _with_time(report, level, settings)
        level = trainer.epoch(level, None, timed)
        save_state(folder / _LEVEL_FILE, level)
        timed(level.history[-1])
    n_decay = _n_decay(level, settings)
    state = restore_state(folder / _DECAY_FILE, level)
    if _n_level(state) != len(level.history) or len(state.history) > len(level.history) + n_decay:
        state = level  # the stored decay began from another state
    decay = int(level.step), n_decay * trainer.n_steps
    while len(state.history) < len(level.history) + n_decay:
        timed = _with_time(report, state, settings)
        state = trainer.epoch(state, decay, timed)
        save_state(folder / _DECAY_FILE, state)
        timed(state.history[-1])
    return state.ema, state.history


def _is_time_to_decay(level: TrainState, settings: FitSettings) -> bool:
    """Whether the share of the time that belongs to the constant learning rate is over."""
    share = settings.epochs / (settings.epochs + settings.decay_epochs)
    return settings.minutes > 0 and bool(level.history) and _seconds(level.history) >= 60 * settings.minutes * share


def _n_decay(level: TrainState, settings: FitSettings) -> int:
    """Return the number of epochs of the decay that fit in the rest of the time; it follows from stored numbers."""
    if not settings.minutes or not settings.decay_epochs:
        return settings.decay_epochs
    left = 60 * settings.minutes - _seconds(level.history)
    shortest = min(_seconds([record]) for record in level.history)  # the first epoch compiles
    return int(min(max(1, left / shortest), settings.decay_epochs))


def _seconds(history: list[dict]) -> float:
    return sum(record["seconds"] + record.get("validation_seconds", 0.0) for record in history)


def _with_time(report: Callable[[dict], None], state: TrainState, settings: FitSettings) -> Callable[[dict], None]:
    """Return a report of one epoch that knows the rest of the time, s, and the share of it that is used."""
    if not settings.minutes:
        return report
    total, before = 60 * settings.minutes, _seconds(state.history)

    def timed(record: dict) -> None:
        left = max(0.0, total - before - _seconds([record]))
        report(record | {"seconds_left": left, "time_share": 1 - left / total})

    return timed


def _n_level(state: TrainState) -> int:
    return sum(record["phase"] == "level" for record in state.history)
