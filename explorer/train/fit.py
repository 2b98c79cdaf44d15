"""Training: steps on batches of one molecule each, a moving average, early stopping, resumable after a kill."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import serialization

from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.pairs import count_pairs
from explorer.potential.potential import Potential, evaluate_batch
from explorer.potential.so3krates import initialize, so3krates
from explorer.system import System, from_arrays
from explorer.train.dataset import MoleculeData
from explorer.train.loss import Labels, loss_fn
from explorer.train.optimizer import make_optimizer


@dataclass(frozen=True)
class FitSettings:
    """How a model is trained.

    Attributes:
        epochs: passes over the training frames.
        batch_size: frames per step.
        learning_rate: highest, of Muon (`optimizer.make_optimizer`).
        energy_weight: of the energy in the loss.
        ema_decay: of the moving average of the parameters, which is what is validated and shipped.
        patience: stop after so many epochs without a better validation loss.
        seed: of the initial parameters and of the shuffling.
    """

    epochs: int = 60
    batch_size: int = 8
    learning_rate: float = 1e-2
    energy_weight: float = 1.0
    ema_decay: float = 0.999
    patience: int = 20
    seed: int = 0


class TrainState(NamedTuple):
    """All that a resumed training needs."""

    params: Any
    ema: Any
    optimizer: Any
    step: jax.Array
    best: Any
    history: list[dict]


class Batches(NamedTuple):
    """Frames of one molecule, float32 on the host."""

    template: System
    potential: Potential
    positions: np.ndarray
    labels: Labels


def atomic_energies(molecules: dict[str, MoleculeData], elements: tuple[int, ...]) -> np.ndarray:
    """Per-element energies, eV, that fit the training energies best (least squares, smallest norm)."""
    counts, energies = [], []
    for data in molecules.values():
        row = [(data.atomic_numbers == z).sum() for z in elements]
        mask = data.split == "train"
        counts.append(row)
        energies.append(data.energy[mask].mean())
    return np.linalg.lstsq(np.array(counts, float), np.array(energies), rcond=None)[0]


def fit(
    molecules: dict[str, MoleculeData],
    hp: Hyperparameters,
    settings: FitSettings,
    folder: Path,
    report: Callable[[dict], None] = lambda record: None,
) -> tuple[Any, list[dict]]:
    """Train a network and return the best averaged parameters and the learning curve.

    Args:
        molecules: labelled frames with splits.
        hp: of the network, atomic energies filled in.
        settings: of the training.
        folder: keeps `state.msgpack` and `history.json` after every epoch; a second call goes on.
        report: called after each epoch with its record.

    Raises:
        ConfigError: when the training diverges; what was saved is the epoch before.
    """
    train = {name: _batches(d.select(d.split == "train"), hp) for name, d in molecules.items()}
    validation = {name: _batches(d.select(d.split == "validation"), hp) for name, d in molecules.items()}
    sizes = {name: len(b.positions) // settings.batch_size for name, b in train.items()}
    optimizer = make_optimizer(settings.learning_rate, sum(sizes.values()) * settings.epochs)
    state = _restore(folder, _start(hp, optimizer, settings))
    step = _train_step(optimizer, settings)
    while len(state.history) < settings.epochs and not _exhausted(state.history, settings.patience):
        started, epoch = time.perf_counter(), len(state.history)
        errors = []
        for name, index in _schedule(train, settings, epoch):
            batch = train[name]
            rows = jax.tree.map(lambda a, i=index: a[i], (batch.positions, batch.labels))
            params, ema, opt, n, error = step(
                state.params, state.ema, state.optimizer, state.step, batch.potential, batch.template, *rows
            )
            state = state._replace(params=params, ema=ema, optimizer=opt, step=n)
            errors.append(error)
        record = {"epoch": epoch, "seconds": time.perf_counter() - started}
        record |= {f"train_{k}": float(np.mean([getattr(e, k) for e in errors])) for k in ("energy", "forces")}
        record |= _mean_errors(state.ema, validation)
        if not np.isfinite(_score(record)):
            raise ConfigError(
                f"The training diverged in epoch {epoch + 1} (errors are not finite). Lower fit.learning_rate "
                f"({settings.learning_rate:g}) and start anew in another folder."
            )
        state = _record(state, record)
        _save(folder, state)
        report(record)
    return state.best, state.history


def evaluate_frames(potential: Potential, template: System, positions: np.ndarray, batch: int = 32):
    """Energies (eV) and forces (eV/Å) of many frames of one molecule, in batches of one size."""
    n = len(positions)
    padded = np.concatenate([positions, np.repeat(positions[-1:], -n % batch, axis=0)])
    rows = [
        _evaluate_rows(potential, template, jnp.asarray(p)) for p in padded.reshape(-1, batch, *positions.shape[1:])
    ]
    return (np.concatenate([np.asarray(getattr(r, k)) for r in rows])[:n] for k in ("energy", "forces"))


@jax.jit
def _evaluate_rows(potential: Potential, template: System, positions: jax.Array):
    return evaluate_batch(potential, _systems(template, positions))


def _systems(template: System, positions: jax.Array) -> System:
    batched = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(positions), *leaf.shape)), template)
    return batched.replace(positions=positions)


def _batches(data: MoleculeData, hp: Hyperparameters) -> Batches:
    counts = [(data.atomic_numbers == z).sum() for z in hp.trained_elements]
    shift = float(np.dot(counts, hp.atomic_energies))
    template = from_arrays(data.atomic_numbers, data.positions[0], float(data.total_charge))
    labels = Labels((data.energy - shift).astype(np.float32), data.forces.astype(np.float32))
    capacity = count_pairs(data.positions, hp.cutoff)
    return Batches(template, so3krates(hp, None, capacity), data.positions.astype(np.float32), labels)


def _train_step(optimizer: optax.GradientTransformation, settings: FitSettings):
    @jax.jit
    def step(params, ema, opt_state, n, potential, template, positions, labels):
        gradient_fn = jax.grad(loss_fn, has_aux=True)
        gradient, errors = gradient_fn(params, potential, _systems(template, positions), labels, settings.energy_weight)
        updates, opt_state = optimizer.update(gradient, opt_state, params)
        params = optax.apply_updates(params, updates)
        decay = jnp.minimum(settings.ema_decay, (1 + n) / (10 + n))
        ema = optax.incremental_update(params, ema, 1 - decay)
        return params, ema, opt_state, n + 1, errors

    return step


def _schedule(train: dict[str, Batches], settings: FitSettings, epoch: int) -> list[tuple[str, np.ndarray]]:
    rng = np.random.default_rng([settings.seed, epoch])
    plan = []
    for name, batches in train.items():
        order = rng.permutation(len(batches.positions))
        whole = len(order) // settings.batch_size * settings.batch_size
        plan += [(name, index) for index in order[:whole].reshape(-1, settings.batch_size)]
    return [plan[k] for k in rng.permutation(len(plan))]


def _mean_errors(params: Any, data: dict[str, Batches]) -> dict[str, float]:
    energy, forces, n_frames, n_components = 0.0, 0.0, 0, 0
    for batches in data.values():
        if not len(batches.positions):
            continue
        potential = batches.potential.replace(params=params)
        e, f = evaluate_frames(potential, batches.template, np.asarray(batches.positions))
        n_atoms = f.shape[1]
        energy += np.abs(e - np.asarray(batches.labels.energy)).sum() / n_atoms
        forces += np.abs(f - np.asarray(batches.labels.forces)).sum()
        n_frames, n_components = n_frames + len(e), n_components + f.size
    return {
        "validation_energy": float(energy / max(n_frames, 1)),
        "validation_forces": float(forces / max(n_components, 1)),
    }


def _score(record: dict) -> float:
    return record["validation_forces"] + 10 * record["validation_energy"]


def _exhausted(history: list[dict], patience: int) -> bool:
    scores = [_score(record) for record in history]
    return bool(scores) and len(scores) - 1 - int(np.argmin(scores)) >= patience


def _record(state: TrainState, record: dict) -> TrainState:
    history = [*state.history, record]
    is_best = _score(record) <= min(_score(r) for r in history)
    return state._replace(history=history, best=state.ema if is_best else state.best)


def _start(hp: Hyperparameters, optimizer: optax.GradientTransformation, settings: FitSettings) -> TrainState:
    params = jax.tree.map(lambda p: jnp.asarray(p, jnp.float32), initialize(hp, settings.seed))
    return TrainState(params, params, optimizer.init(params), jnp.zeros((), jnp.int32), params, [])


def _save(folder: Path, state: TrainState) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {k: getattr(state, k) for k in ("params", "ema", "optimizer", "step", "best")}
    content = serialization.msgpack_serialize(
        {"arrays": serialization.to_bytes(arrays), "history": json.dumps(state.history)}
    )
    temporary = folder / "state.msgpack.tmp"
    temporary.write_bytes(content)
    temporary.rename(folder / "state.msgpack")  # one file, so that arrays and history belong together


def _restore(folder: Path, start: TrainState) -> TrainState:
    path = folder / "state.msgpack"
    if not path.exists():
        return start
    content = cast(dict[str, Any], serialization.msgpack_restore(path.read_bytes()))  # what `_save` packed
    template = {k: getattr(start, k) for k in ("params", "ema", "optimizer", "step", "best")}
    arrays = serialization.from_bytes(template, content["arrays"])
    return TrainState(**jax.tree.map(jnp.asarray, arrays), history=json.loads(content["history"]))
