"""Epochs of a training: steps on batches of frames, then validation of the averaged parameters."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from explorer.dataset.dataset import MoleculeData
from explorer.devices import replicated_sharding
from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize
from explorer.train.buckets import FEW_SHAPES, N_SHAPES
from explorer.train.frames import fill_buckets
from explorer.train.loss import FrameErrors, LossSettings
from explorer.train.optimizer import make_optimizer
from explorer.train.predict import frame_torques, predict
from explorer.train.schedule import rate
from explorer.train.settings import FitSettings
from explorer.train.state import TrainState
from explorer.train.step import as_one_array, make_gradients, make_update
from explorer.train.throughput import flops_per_frame, peak_flops

MAX_VALIDATED = 4000  # validation frames, evenly spread over all; more cost time and tell little; not tuned
_REPORT_INTERVAL = 1.0  # s, between two reports within an epoch


class Trainer:
    """Training and validation frames on the host, and the compiled step.

    Args:
        molecules: Labelled frames by molecule, with their splits.
        hp: Hyperparameters of the network.
        settings: Settings of the training.
        n_shapes: Largest number of shapes that training frames are padded to. Each is compiled.

    Raises:
        ConfigError: When the training frames do not fill one batch.
    """

    def __init__(
        self, molecules: dict[str, MoleculeData], hp: Hyperparameters, settings: FitSettings, n_shapes: int = N_SHAPES
    ):
        self.hp, self.settings = hp, settings
        self.train = fill_buckets(_frames_of("train", molecules), hp, n_shapes)
        self.validation = fill_buckets(_frames_of("validation", molecules, MAX_VALIDATED), hp, FEW_SHAPES)
        n_batches = sum(len(bucket) // settings.batch_size for bucket in self.train)
        wanted = settings.epoch_frames // settings.batch_size or n_batches
        self.n_epochs_per_pass = max(1, round(n_batches / max(1, wanted)))  # over all frames
        self.n_steps = n_batches // self.n_epochs_per_pass
        if not self.n_steps:
            raise ConfigError(
                f"No batch of {settings.batch_size} frames can be filled with the {sum(map(len, self.train))} training "
                "frames. Lower fit.batch_size."
            )
        self.optimizer = make_optimizer(settings.learning_rate)
        loss_settings = LossSettings(
            settings.energy_weight, settings.torque_weight, settings.force_delta, settings.force_limit
        )
        self.gradients = make_gradients(hp, loss_settings, settings.seed)
        self.everywhere = replicated_sharding(settings.batch_size)
        self.update = make_update(self.optimizer, settings.ema_decay)
        self.peak = peak_flops()
        self.flops: list[float] = []

    def start(self, params: Any = None) -> TrainState:
        """Return the state before the first step.

        Args:
            params: Initial parameters; random by default.
        """
        given = initialize(self.hp, self.settings.seed) if params is None else params
        params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float32), given)
        first = params, jax.jit(self.optimizer.init)(params), jnp.zeros((), jnp.int32)
        # on the device on which an update leaves them; otherwise the update would be compiled twice
        params, optimizer, step = jax.device_put(first, jax.devices()[0])
        return TrainState(params, params, optimizer, step, [])

    def epoch(
        self,
        state: TrainState,
        decay: tuple[int, int] | None = None,
        report: Callable[[dict], None] = lambda record: None,
    ) -> TrainState:
        """Train on each frame of the epoch once and validate the averaged parameters.

        Args:
            state: State before the epoch.
            decay: First step and length of the decay; None at the highest learning rate.
            report: Called about once per second with the available part of the record of the epoch, the errors of the
                last validation, and the finished share of the epoch.

        Returns:
            The state after the epoch; the last record of its history is that of the epoch.

        Raises:
            ConfigError: When the validation errors are not finite.
        """
        if not self.flops:
            self.flops = [flops_per_frame(state.params, self.hp, bucket) for bucket in self.train]
        number, n, size = len(state.history), int(state.step), self.settings.batch_size
        record: dict[str, Any] = {"epoch": number, "phase": "decay" if decay else "level"}
        last_errors = {k: v for last in state.history[-1:] for k, v in last.items() if k.startswith("validation_")}
        started = reported = time.perf_counter()
        errors: list[FrameErrors] = []
        flops = 0.0
        for k, index in self.batches(number):
            state, error = self.step(state, k, index, rate(n, self.settings.warmup, decay))
            errors.append(error)
            n, flops = n + 1, flops + size * self.flops[k]
            if time.perf_counter() - reported > _REPORT_INTERVAL:
                reported = time.perf_counter()
                so_far = {"share": len(errors) / self.n_steps} | self._speed(len(errors), flops, reported - started)
                report(record | last_errors | so_far)
        record |= self._speed(len(errors), flops, time.perf_counter() - started)
        record |= {f"train_{k}": float(np.mean([getattr(e, k) for e in errors])) for k in FrameErrors._fields}
        trained = time.perf_counter()
        record |= {f"validation_{k}": value for k, value in self._validate(state.ema).items()}
        record["validation_seconds"] = time.perf_counter() - trained
        if not np.isfinite(record["validation_forces"] + record["validation_energy"]):
            raise ConfigError(
                f"The training diverged in epoch {number + 1} (errors are not finite). Lower fit.learning_rate "
                f"({self.settings.learning_rate:g}) and start anew in another folder."
            )
        return state._replace(history=[*state.history, record])

    def _speed(self, n_steps: int, flops: float, seconds: float) -> dict[str, float]:
        frames = n_steps * self.settings.batch_size
        return {
            "seconds": seconds,
            "frames_per_second": frames / seconds,
            "peak_share": flops / seconds / self.peak,
        }

    def step(
        self, state: TrainState, bucket: int, index: np.ndarray, rate_share: float
    ) -> tuple[TrainState, FrameErrors]:
        """Do one step on a batch of frames.

        Args:
            state: State before the step.
            bucket: Number of the bucket.
            index: Frames of the bucket.
            rate_share: Learning rate as a share of the highest one.

        Returns:
            State after the step, and the mean absolute errors of the batch for each device.
        """
        frames = jax.tree.map(lambda a: a[index], self.train[bucket].frames)
        replicated = jax.device_put((as_one_array(state.params), state.step), self.everywhere)
        gradients, errors = self.gradients(*replicated, frames)
        gradients = jax.device_put(gradients, jax.devices()[0])
        params, ema, optimizer, step = self.update(
            state.params, state.ema, state.optimizer, state.step, gradients, jnp.float32(rate_share)
        )
        return TrainState(params, ema, optimizer, step, state.history), errors

    def batches(self, epoch: int) -> list[tuple[int, np.ndarray]]:
        """Return the bucket and the frames of each step of an epoch, which is a pass over all frames or a part of one.

        Frames that do not fill a batch are left out; they differ from pass to pass.

        Args:
            epoch: Number of the epoch.
        """
        number, part = divmod(epoch, self.n_epochs_per_pass)
        rng = np.random.default_rng([self.settings.seed, number])
        size, batches = self.settings.batch_size, []
        for k, bucket in enumerate(self.train):
            order = rng.permutation(len(bucket))
            batches += [(k, index) for index in order[: len(order) // size * size].reshape(-1, size)]
        order = rng.permutation(len(batches))[part * self.n_steps : (part + 1) * self.n_steps]
        return [batches[k] for k in order]

    def _validate(self, params: Any) -> dict[str, float]:
        """Return the mean absolute errors on the validation frames (eV per atom, eV/Å, eV/rad); 0 if there are none."""
        if not self.validation:
            return dict.fromkeys(FrameErrors._fields, 0.0)
        predicted, labels = predict(self.validation, self.hp, params)
        n_atoms = np.zeros(len(labels.energy))
        for bucket in self.validation:
            n_atoms[bucket.index] = bucket.frames.system.atom_mask.sum(axis=1)
        force_errors = predicted.forces - labels.forces
        torque_errors = frame_torques(self.validation, force_errors)
        return {
            "energy": float(np.mean(np.abs(predicted.energy - labels.energy) / n_atoms)),
            "forces": float(np.abs(force_errors).sum() / (3 * n_atoms.sum())),
            "torques": float(np.nansum(np.abs(torque_errors)) / max(1, np.isfinite(torque_errors).sum())),
        }


def _frames_of(split: str, molecules: dict[str, MoleculeData], most: float = np.inf) -> dict[str, MoleculeData]:
    """Return the frames of a split; of more than `most` frames, every k-th one."""
    chosen = {name: data.select(data.split == split) for name, data in molecules.items()}
    stride = max(1, int(np.ceil(sum(len(data.energy) for data in chosen.values()) / most)))
    if stride == 1:
        return chosen
    ends = np.cumsum([len(data.energy) for data in chosen.values()])
    every = [np.arange(end - len(d.energy), end) % stride == 0 for end, d in zip(ends, chosen.values(), strict=True)]
    return {name: data.select(mask) for (name, data), mask in zip(chosen.items(), every, strict=True)}
