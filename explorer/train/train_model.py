"""From a dataset to a trained checkpoint folder: network, learning curve, history."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.config_file import keep, with_overrides
from explorer.dataset.dataset import MoleculeData, file_digest, load_dataset, load_meta
from explorer.errors import ConfigError
from explorer.potential.checkpoint import save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.load import Network, read_model
from explorer.potential.pairs import count_pairs
from explorer.train.baseline import rebased
from explorer.train.buckets import N_SHAPES
from explorer.train.grow import with_channels, with_value_filter
from explorer.train.learning_curve import write_learning_curve
from explorer.train.phases import train_phases
from explorer.train.trainer import FitSettings
from explorer.train.widen import with_features

PROLONGED = ("epochs", "decay_epochs")  # may change from call to call
# small enough to be trained on two cores in an hour
SMALL = Hyperparameters(n_features=64, n_radial=24, radial_filter="linear", charge_spin_embedding=False)


def load_training_config(
    path: Path | None, overrides: Mapping[str, str], model: Hyperparameters = SMALL
) -> tuple[Hyperparameters, FitSettings]:
    """Defaults < TOML tables `[model]` and `[fit]` < overrides such as `fit.epochs`.

    Args:
        path: of the TOML file.
        overrides: by dotted name.
        model: defaults of the network.

    Raises:
        ConfigError: for an unknown table or key, or a value of the wrong kind.
    """
    parts: dict[str, Any] = {"model": model, "fit": FitSettings()}
    try:
        raw = tomllib.loads(path.read_text()) if path else {}
    except FileNotFoundError:
        raise ConfigError(f"No configuration file at {path}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    changes = [(table, raw[table]) for table in raw]
    changes += [(key.partition(".")[0], {key.partition(".")[2]: value}) for key, value in overrides.items()]
    for table, values in changes:
        if table not in parts or not isinstance(values, dict):
            raise ConfigError(f"Settings of a training are model.NAME or fit.NAME, received {table!r}.")
        parts[table] = with_overrides(parts[table], values, f"{table}.")
    return parts["model"], parts["fit"]


def load_tuning_config(path: Path | None, overrides: Mapping[str, str], before: str) -> tuple[Network, FitSettings]:
    """The network, by its name, that a training begins with, grown if asked for, and the settings of the training.

    Raises:
        ConfigError: also where other hyperparameters are asked for than those of the network.
    """
    given = read_model(before)
    model, settings = load_training_config(path, overrides, given.hyperparameters)
    hp, params = with_features(given.hyperparameters, given.params, model.n_features)
    hp, params = with_channels(hp, params, model.n_channels, model.filter_channels)
    if model.value_filter:
        hp, params = with_value_filter(hp, params)
    given = given._replace(hyperparameters=hp, params=params)
    for field in fields(model):
        old, new = getattr(given.hyperparameters, field.name), getattr(model, field.name)
        if old != new:
            raise ConfigError(
                f"A training that begins with {before} keeps its network: model.{field.name} is {old}, received {new}. "
                "Leave it out, or train a new network."
            )
    return given, settings


def complete(hp: Hyperparameters, molecules: dict[str, MoleculeData], reference: str, data: str) -> Hyperparameters:
    """Hyperparameters with what follows from the data: elements, atomic energies, neighbours."""
    elements = tuple(sorted({int(z) for d in molecules.values() for z in d.atomic_numbers}))
    energies = tuple(float(e) for e in atomic_energies(molecules, elements))
    neighbors = np.mean(
        [_mean_neighbors(d.positions[:: max(1, len(d.energy) // 100)], hp.cutoff) for d in molecules.values()]
    )
    return replace(
        hp,
        trained_elements=elements,
        atomic_energies=energies,
        average_neighbors=round(float(neighbors), 1),
        reference=reference,
        training_data=data,
    )


def atomic_energies(molecules: dict[str, MoleculeData], elements: tuple[int, ...]) -> np.ndarray:
    """Per-element energies, eV, that fit the training energies best (least squares, smallest norm)."""
    counts, energies = [], []
    for data in molecules.values():
        of_split = data.energy[data.split == "train"]
        if len(of_split):
            counts.append([(data.atomic_numbers == z).sum() for z in elements])
            energies.append(of_split.mean())
    return np.linalg.lstsq(np.array(counts, float), np.array(energies), rcond=None)[0]


def _mean_neighbors(positions: np.ndarray, cutoff: float) -> float:
    return float(np.mean([2 * count_pairs(frame, cutoff) / positions.shape[1] for frame in positions]))


def train_model(
    data: Path, folder: Path, hp: Hyperparameters, settings: FitSettings, report: Callable[[dict], None]
) -> None:
    """Train (or go on training) and write the checkpoint folder; `explorer.workflows.evaluate_model` measures it.

    Args:
        data: dataset written by `pes-explore label`.
        folder: gets the checkpoint, `learning_curve.svg` and `history.json`; the state of the training stays in
            `training.part` inside it, so that a killed call goes on, and a finished training can be prolonged by
            more epochs.
        hp: of the network; elements and atomic energies are taken from the data.
        settings: of the training.
        report: called after each epoch with its record.
    """
    molecules, meta = load_dataset(data), load_meta(data)
    hp = complete(hp, molecules, meta["reference"], _named(data))
    return _train(molecules, folder, hp, settings, report)


def fine_tune_model(
    data: Path,
    folder: Path,
    before: Network,
    settings: FitSettings,
    report: Callable[[dict], None],
    n_shapes: int = N_SHAPES,
) -> None:
    """Train on from the parameters of a network (or go on with that) and write the checkpoint folder.

    The mean number of neighbours stays that of the network, for its parameters belong to it; atomic energies change
    where the molecules have a composition that is new to it (`rebased`).

    Args:
        data: labelled by the reference of the network.
        folder: as in `train_model`.
        before: the network.
        settings: of the training.
        report: called after each epoch with its record.
        n_shapes: at most so many shapes to pad frames to; each is compiled.

    Raises:
        ConfigError: when reference or elements of the data are not those of the network.
    """
    molecules, meta = load_dataset(data), load_meta(data)
    hp, params, digest, _ = before
    if hp.reference and meta["reference"] != hp.reference:
        raise ConfigError(
            f"The network was trained on labels of {hp.reference}, received some of {meta['reference']}: energies of "
            f"two methods do not mix. Label with {hp.reference}, or train a new network."
        )
    unknown = sorted({int(z) for d in molecules.values() for z in d.atomic_numbers} - {*hp.trained_elements})
    if unknown:
        raise ConfigError(f"{data} has atoms of atomic numbers {unknown}, which the network does not know. Train anew.")
    hp = rebased(hp, params, molecules)
    hp = replace(hp, reference=meta["reference"], training_data=_named(data), tuned_from=digest)
    return _train(molecules, folder, hp, settings, report, params, n_shapes)


def _named(data: Path) -> str:
    return f"{data.name} {file_digest(data)}"


def _train(
    molecules: dict[str, MoleculeData],
    folder: Path,
    hp: Hyperparameters,
    settings: FitSettings,
    report: Callable[[dict], None],
    params: Any = None,
    n_shapes: int = N_SHAPES,
) -> None:
    part = folder / "training.part"
    kept = {k: v for k, v in asdict(settings).items() if k not in PROLONGED}
    keep(
        part,
        {"model": asdict(hp), "fit": kept},
        f"{part} holds an unfinished training with other settings or data than asked for now. "
        "Repeat the call that began it, remove that folder to start anew, or choose another --out.",
    )
    params, history = train_phases(molecules, hp, settings, part, report, params, n_shapes)
    save_checkpoint(folder, hp, params)
    (folder / "history.json").write_text(json.dumps(history, indent=1) + "\n")
    write_learning_curve(folder / "learning_curve.svg", history)
