"""Training: steps on batches of any molecules, a moving average, a level phase that can be prolonged, and a decay."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize
from explorer.train.bootstrap import draw_weights
from explorer.train.buckets import FEW_SHAPES, N_SHAPES
from explorer.train.dataset import MoleculeData
from explorer.train.frames import Rows, fill_buckets
from explorer.train.loss import Errors, batch_gradient
from explorer.train.optimizer import make_optimizer
from explorer.train.predict import predict
from explorer.train.schedule import rate
from explorer.train.state import TrainState, restore_state, save_state
from explorer.train.throughput import flops_per_frame, peak_flops

LEVEL, DECAY = "level.msgpack", "decay.msgpack"


@dataclass(frozen=True)
class FitSettings:
    """How a model is trained.

    Attributes:
        epochs: passes over the training frames at the highest learning rate; more of them prolong a training.
        decay_epochs: passes after that, during which the learning rate goes to zero.
        batch_size: frames per step.
        learning_rate: highest, of Muon (`optimizer.make_optimizer`).
        warmup: steps to the highest learning rate.
        energy_weight: of the energy in the loss.
        ema_decay: of the moving average of the parameters, which is what is validated and shipped.
        seed: of the initial parameters and of the shuffling.
    """

    epochs: int = 50
    decay_epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 1e-2
    warmup: int = 500
    energy_weight: float = 1.0
    ema_decay: float = 0.999
    seed: int = 0

    def __post_init__(self):
        for name, least in (("epochs", 1), ("decay_epochs", 0), ("batch_size", 1), ("warmup", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"fit.{name} must be at least {least}, received {getattr(self, name)}.")


def fit(
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
        report: called after each epoch with its record.
        params: to begin with; drawn at random by default.
        n_shapes: at most so many shapes to pad frames to; each is compiled.

    Raises:
        ConfigError: when no batch can be filled, or when the training diverges; what was saved is the epoch before.
    """
    training = Training(molecules, hp, settings, n_shapes)
    level = restore_state(folder / LEVEL, training.start(params))
    while len(level.history) < settings.epochs:
        level = training.epoch(level)
        save_state(folder / LEVEL, level)
        report(level.history[-1])
    state = restore_state(folder / DECAY, level)
    if _n_level(state) != len(level.history) or len(state.history) > len(level.history) + settings.decay_epochs:
        state = level  # that was another decay
    decay = int(level.step), settings.decay_epochs * training.n_steps
    while len(state.history) < len(level.history) + settings.decay_epochs:
        state = training.epoch(state, decay)
        save_state(folder / DECAY, state)
        report(state.history[-1])
    return state.ema, state.history


class Training:
    """Data on the host and the compiled step."""

    def __init__(
        self, molecules: dict[str, MoleculeData], hp: Hyperparameters, settings: FitSettings, n_shapes: int = N_SHAPES
    ):
        self.hp, self.settings = hp, settings
        self.train, self.validation = (
            fill_buckets({n: d.select(d.split == split) for n, d in molecules.items()}, hp, n)
            for split, n in (("train", n_shapes), ("validation", FEW_SHAPES))
        )
        self.n_steps = sum(len(bucket) // settings.batch_size for bucket in self.train)
        if not self.n_steps:
            raise ConfigError(
                f"No batch of {settings.batch_size} frames can be filled with the {sum(map(len, self.train))} training "
                "frames. Lower fit.batch_size."
            )
        self.optimizer = make_optimizer(settings.learning_rate)
        self.gradient, self.update = _make_gradient(hp, settings), _make_update(self.optimizer, settings)
        self.peak = peak_flops()
        self.flops: list[float] = []

    def start(self, params: Any = None) -> TrainState:
        """The state before the first step, from given parameters or random ones."""
        given = initialize(self.hp, self.settings.seed) if params is None else params
        params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float32), given)
        return TrainState(params, params, self.optimizer.init(params), jnp.zeros((), jnp.int32), [])

    def epoch(self, state: TrainState, decay: tuple[int, int] | None = None) -> TrainState:
        """One pass over the training frames and the validation after it.

        Args:
            state: before it.
            decay: first step and length of the decay, when the learning rate falls.
        """
        if not self.flops:
            self.flops = [flops_per_frame(state.params, self.hp, bucket) for bucket in self.train]
        started, number, n = time.perf_counter(), len(state.history), int(state.step)
        errors: list[Errors] = []
        flops = 0.0
        for k, index in self.plan(number):
            state, error = self.step(state, k, index, rate(n, self.settings.warmup, decay))
            errors.append(error)
            n, flops = n + 1, flops + len(index) * self.flops[k]
        train = {k: float(np.mean([getattr(e, k) for e in errors])) for k in Errors._fields}
        seconds = time.perf_counter() - started
        record = {"epoch": number, "phase": "decay" if decay else "level", "seconds": seconds}
        record |= {
            "frames_per_second": len(errors) * self.settings.batch_size / seconds,
            "peak_share": flops / seconds / self.peak,
        }
        record |= {f"train_{k}": value for k, value in train.items()}
        record |= {f"validation_{k}": value for k, value in self._validate(state.ema).items()}
        if not np.isfinite(record["validation_forces"] + record["validation_energy"]):
            raise ConfigError(
                f"The training diverged in epoch {number + 1} (errors are not finite). Lower fit.learning_rate "
                f"({self.settings.learning_rate:g}) and start anew in another folder."
            )
        return state._replace(history=[*state.history, record])

    def step(self, state: TrainState, bucket: int, index: np.ndarray, level: float) -> tuple[TrainState, Errors]:
        """One step on some rows of a bucket at a share of the highest learning rate."""
        rows = jax.tree.map(lambda a: a[index], self.train[bucket].rows)
        gradient, errors = self.gradient(state.params, state.step, rows)
        params, ema, optimizer, step = self.update(
            state.params, state.ema, state.optimizer, state.step, gradient, jnp.float32(level)
        )
        return TrainState(params, ema, optimizer, step, state.history), errors

    def plan(self, epoch: int) -> list[tuple[int, np.ndarray]]:
        """Bucket and rows of every step; the frames that fill no batch differ from epoch to epoch."""
        rng = np.random.default_rng([self.settings.seed, epoch])
        size, plan = self.settings.batch_size, []
        for k, bucket in enumerate(self.train):
            order = rng.permutation(len(bucket))
            plan += [(k, index) for index in order[: len(order) // size * size].reshape(-1, size)]
        return [plan[k] for k in rng.permutation(len(plan))]

    def _validate(self, params: Any) -> dict[str, float]:
        """Mean absolute errors, eV per atom and eV/Å; zero without validation frames."""
        if not self.validation:
            return {"energy": 0.0, "forces": 0.0}
        predicted, wanted = predict(self.validation, self.hp, params)
        n_atoms = np.zeros(len(wanted.energy))
        for bucket in self.validation:
            n_atoms[bucket.index] = bucket.rows.system.atom_mask.sum(axis=1)
        return {
            "energy": float(np.mean(np.abs(predicted.energy - wanted.energy) / n_atoms)),
            "forces": float(np.abs(predicted.forces - wanted.forces).sum() / (3 * n_atoms.sum())),
        }


def _n_level(state: TrainState) -> int:
    return sum(record["phase"] == "level" for record in state.history)


def _make_gradient(hp: Hyperparameters, settings: FitSettings) -> Callable:
    @jax.jit
    def gradient(params: Any, step: jax.Array, rows: Rows) -> tuple[Any, Errors]:
        weights = draw_weights(jax.random.fold_in(jax.random.key(settings.seed), step), rows.visible)
        return batch_gradient(params, hp, rows, weights, jnp.float32(settings.energy_weight))

    return gradient


def _make_update(optimizer: optax.GradientTransformation, settings: FitSettings) -> Callable:
    """Apart from the gradient, so that it is compiled once and not for every shape."""

    @jax.jit
    def update(params: Any, ema: Any, state: Any, step: jax.Array, gradient: Any, level: jax.Array):
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, jax.tree.map(lambda u: level * u, updates))
        decay = jnp.minimum(settings.ema_decay, (1 + step) / (10 + step))
        return params, optax.incremental_update(params, ema, 1 - decay), state, step + 1

    return update
