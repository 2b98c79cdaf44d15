"""The epochs of a training: steps on batches of any molecules, then errors of the averaged parameters."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from explorer.dataset.dataset import MoleculeData
from explorer.devices import everywhere
from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize
from explorer.train.buckets import FEW_SHAPES, N_SHAPES
from explorer.train.frames import fill_buckets
from explorer.train.loss import FrameErrors, LossSettings
from explorer.train.optimizer import make_optimizer
from explorer.train.predict import frame_torques, predict
from explorer.train.schedule import rate
from explorer.train.state import TrainState
from explorer.train.step import as_one_array, make_gradients, make_update
from explorer.train.throughput import flops_per_frame, peak_flops

TELL_SECONDS = 1.0  # between two reports within an epoch


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
        torque_weight: of the torques about bonds in the loss.
        force_delta: eV/Å; larger errors of forces count by their size, not by its square. The smaller it is, the more
            the loss is the mean absolute error.
        ema_decay: of the moving average of the parameters, which is what is validated and shipped.
        seed: of the initial parameters and of the shuffling.
    """

    epochs: int = 50
    decay_epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 1e-2
    warmup: int = 500
    energy_weight: float = 1.0
    torque_weight: float = 0.0
    force_delta: float = 0.1
    ema_decay: float = 0.999
    seed: int = 0

    def __post_init__(self):
        for name in ("epochs", "decay_epochs", "batch_size", "warmup", "energy_weight", "torque_weight"):
            least = int(name in ("epochs", "batch_size"))
            if getattr(self, name) < least:
                raise ConfigError(f"fit.{name} must be at least {least}, received {getattr(self, name)}.")
        if not self.force_delta > 0:
            raise ConfigError(f"fit.force_delta is an error in eV/Å above 0, received {self.force_delta}.")


class Trainer:
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
        of_loss = LossSettings(settings.energy_weight, settings.torque_weight, settings.force_delta)
        self.gradients = make_gradients(hp, of_loss, settings.seed)
        self.everywhere = everywhere(settings.batch_size)
        self.update = make_update(self.optimizer, settings.ema_decay)
        self.peak = peak_flops()
        self.flops: list[float] = []

    def start(self, params: Any = None) -> TrainState:
        """The state before the first step, from given parameters or random ones."""
        given = initialize(self.hp, self.settings.seed) if params is None else params
        params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float32), given)
        first = params, jax.jit(self.optimizer.init)(params), jnp.zeros((), jnp.int32)
        # where an update leaves them, or it would be compiled again
        params, optimizer, step = jax.device_put(first, jax.devices()[0])
        return TrainState(params, params, optimizer, step, [])

    def epoch(
        self,
        state: TrainState,
        decay: tuple[int, int] | None = None,
        report: Callable[[dict], None] = lambda record: None,
    ) -> TrainState:
        """One pass over the training frames and the validation after it.

        Args:
            state: before it.
            decay: first step and length of the decay, when the learning rate falls.
            report: called now and then with what the record of the epoch will hold, as far as it is known, the errors
                of the last validation, and the share of the epoch that is done.
        """
        if not self.flops:
            self.flops = [flops_per_frame(state.params, self.hp, bucket) for bucket in self.train]
        number, n, size = len(state.history), int(state.step), self.settings.batch_size
        record: dict[str, Any] = {"epoch": number, "phase": "decay" if decay else "level"}
        validated = {k: v for last in state.history[-1:] for k, v in last.items() if k.startswith("validation_")}
        started = told = time.perf_counter()
        errors: list[FrameErrors] = []
        flops = 0.0
        for k, index in self.plan(number):
            state, error = self.step(state, k, index, rate(n, self.settings.warmup, decay))
            errors.append(error)
            n, flops = n + 1, flops + size * self.flops[k]
            if time.perf_counter() - told > TELL_SECONDS:
                told = time.perf_counter()
                so_far = {"share": len(errors) / self.n_steps} | self._pace(len(errors), flops, told - started)
                report(record | validated | so_far)
        train = {k: float(np.mean([getattr(e, k) for e in errors])) for k in FrameErrors._fields}
        record |= self._pace(len(errors), flops, time.perf_counter() - started)
        record |= {f"train_{k}": value for k, value in train.items()}
        record |= {f"validation_{k}": value for k, value in self._validate(state.ema).items()}
        if not np.isfinite(record["validation_forces"] + record["validation_energy"]):
            raise ConfigError(
                f"The training diverged in epoch {number + 1} (errors are not finite). Lower fit.learning_rate "
                f"({self.settings.learning_rate:g}) and start anew in another folder."
            )
        return state._replace(history=[*state.history, record])

    def _pace(self, n_steps: int, flops: float, seconds: float) -> dict[str, float]:
        frames = n_steps * self.settings.batch_size
        return {
            "seconds": seconds,
            "frames_per_second": frames / seconds,
            "peak_share": flops / seconds / self.peak,
        }

    def step(self, state: TrainState, bucket: int, index: np.ndarray, level: float) -> tuple[TrainState, FrameErrors]:
        """One step on some rows of a bucket at a share of the highest learning rate."""
        rows = jax.tree.map(lambda a: a[index], self.train[bucket].rows)
        alike = jax.device_put((as_one_array(state.params), state.step), self.everywhere)
        gradients, errors = self.gradients(*alike, rows)
        gradients = jax.device_put(gradients, jax.devices()[0])
        params, ema, optimizer, step = self.update(
            state.params, state.ema, state.optimizer, state.step, gradients, jnp.float32(level)
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
        """Mean absolute errors, as in `Errors`; zero without validation frames."""
        if not self.validation:
            return dict.fromkeys(FrameErrors._fields, 0.0)
        predicted, wanted = predict(self.validation, self.hp, params)
        n_atoms = np.zeros(len(wanted.energy))
        for bucket in self.validation:
            n_atoms[bucket.index] = bucket.rows.system.atom_mask.sum(axis=1)
        off_forces = predicted.forces - wanted.forces
        off_torques = frame_torques(self.validation, off_forces)
        return {
            "energy": float(np.mean(np.abs(predicted.energy - wanted.energy) / n_atoms)),
            "forces": float(np.abs(off_forces).sum() / (3 * n_atoms.sum())),
            "torques": float(np.nansum(np.abs(off_torques)) / max(1, np.isfinite(off_torques).sum())),
        }
