"""Checkpoints: folders with `hyperparameters.json` and `parameters.safetensors`; nothing is pickled."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors.numpy import save

from explorer.errors import CheckpointError
from explorer.files import write_atomically
from explorer.potential.hyperparameters import Hyperparameters, read_hyperparameters, write_hyperparameters
from explorer.potential.model_files import check_finite, read_metadata, read_tensors
from explorer.potential.parameter_shapes import parameter_shapes
from explorer.records.former_names import DEFAULT_MODELS, REMOVED_MODELS
from explorer.resources import data_folder, user_models_folder

HYPERPARAMETERS_FILE, PARAMETERS_FILE = "hyperparameters.json", "parameters.safetensors"
DEFAULT_MODEL = "chain-molecules"  # folder in data/checkpoints for which `default` stands
_log = logging.getLogger(__name__)
_CONTENT = "content_sha256"  # metadata of the parameters: digest of all numbers of the checkpoint
_NOTES = ("reference", "training_data", "tuned_from")  # hyperparameters that may be edited


def save_checkpoint(folder: Path, hp: Hyperparameters, params: Any) -> None:
    """Write a checkpoint; parameters are named by their path, such as `layer_0/exchange/kernel`.

    The file of the parameters carries a digest of all numbers, so that a damaged file is noticed when it is read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flat = {name: np.array(value, order="C") for name, value in flatten_dict(params, sep="/").items()}
    write_hyperparameters(folder / HYPERPARAMETERS_FILE, hp)
    with write_atomically(folder / PARAMETERS_FILE) as temporary:
        temporary.write_bytes(save(flat, {_CONTENT: _content_digest(hp, flat)}))


def load_checkpoint(folder: Path) -> tuple[Hyperparameters, Any]:
    """Read hyperparameters and parameters of a checkpoint.

    Raises:
        CheckpointError: If a file is missing or damaged, or if names or shapes of the parameters do not match the
            hyperparameters. Damage that leaves all numbers finite is noticed if the checkpoint carries a digest.
    """
    for name in (HYPERPARAMETERS_FILE, PARAMETERS_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} has no {name}, so it is not a checkpoint. {_advice()}")
    hp = read_hyperparameters(folder / HYPERPARAMETERS_FILE)
    flat = read_tensors(folder / PARAMETERS_FILE)
    stored = read_metadata(folder / PARAMETERS_FILE).get(_CONTENT)
    if stored not in (None, _content_digest(hp, flat)):
        raise CheckpointError(
            f"{folder}: the numbers are not those that were saved, by the digest in {PARAMETERS_FILE}. "
            f"{HYPERPARAMETERS_FILE} or {PARAMETERS_FILE} is damaged; get both again."
        )
    check_shapes(hp, flat, folder)
    return hp, unflatten_dict(flat, sep="/")


def _content_digest(hp: Hyperparameters, flat: Mapping[str, np.ndarray]) -> str:
    """Digest of hyperparameters that differ from their defaults, without notes, and of all parameters."""
    default = asdict(Hyperparameters())
    values = {name: value for name, value in asdict(hp).items() if name not in _NOTES and value != default[name]}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for name in sorted(flat):
        digest.update(f"{name} {flat[name].dtype} {flat[name].shape}".encode())
        digest.update(np.ascontiguousarray(flat[name]).tobytes())
    return digest.hexdigest()


def check_shapes(hp: Hyperparameters, flat: Mapping[str, np.ndarray], folder: Path) -> None:
    """Check that parameters are finite, with names and shapes of the network that the hyperparameters describe.

    Args:
        hp: Hyperparameters.
        flat: Parameters by their path.
        folder: Folder of the model, for the error message.

    Raises:
        CheckpointError: If they do not match.
    """
    layers = {name.split("/")[0] for name in flat if name.startswith("layer_")}
    if len(layers) != hp.n_layers:  # a wrong number could take long to describe
        raise CheckpointError(
            f"{folder}: n_layers is {hp.n_layers} by {HYPERPARAMETERS_FILE}, but there are parameters of {len(layers)} "
            "layers. The two files do not belong together; get both again."
        )
    check_finite(dict(flat), str(folder))
    expected = parameter_shapes(hp)
    received = {name: value.shape for name, value in flat.items()}
    for name in sorted(expected.keys() | received.keys()):
        if expected.get(name) != received.get(name):
            raise CheckpointError(
                f"{folder}: parameter {name} should have shape {expected.get(name)} by {HYPERPARAMETERS_FILE}, "
                f"received {received.get(name)}. The two files do not belong together; get both again."
            )


def checkpoint_digest(folder: Path) -> str:
    """Return the digest of a checkpoint that a run records."""
    return digest_of(folder / HYPERPARAMETERS_FILE, folder / PARAMETERS_FILE)


def digest_of(*files: Path) -> str:
    """Return the first 16 hex digits of the sha256 of the concatenated files of a model."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def is_checkpoint(folder: Path) -> bool:
    """Return whether there is a checkpoint in a folder, as `train` and the import of a model write it."""
    return (folder / PARAMETERS_FILE).is_file()


def shipped_checkpoints() -> list[str]:
    """Return the names of the models that are shipped with the program."""
    return _names(data_folder() / "checkpoints")


def imported_checkpoints() -> list[str]:
    """Return the names of the models in the user's folder of models."""
    return _names(user_models_folder())


def _names(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{HYPERPARAMETERS_FILE}"))


def find_checkpoint(name_or_path: str | Path) -> Path:
    """Return the folder of a model given by `default`, the name of a shipped or imported model, or a path.

    The name of a former default model stands for the present one, and a warning says so.

    Raises:
        CheckpointError: If there is no such model; the message lists the existing ones.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if name in shipped_checkpoints():
        return data_folder() / "checkpoints" / name
    if name in imported_checkpoints():
        return user_models_folder() / name
    if name == "default" or name in DEFAULT_MODELS:
        if name in DEFAULT_MODELS:
            _warn_of_former(name)
        return data_folder() / "checkpoints" / DEFAULT_MODEL
    if path.is_dir():
        return path
    if name in REMOVED_MODELS:
        raise CheckpointError(f"The model {name} is no longer shipped. {REMOVED_MODELS[name]} {_advice()}")
    raise CheckpointError(f"There is no model {name!r}. {_advice()}")


@cache
def _warn_of_former(name: str) -> None:
    _log.warning(f"The model {name} is no longer shipped; {name} now stands for the default model {DEFAULT_MODEL}.")


def _advice() -> str:
    imported = ", ".join(imported_checkpoints())
    return (
        f"Shipped models: {', '.join(shipped_checkpoints()) or 'none'}{'; imported: ' + imported if imported else ''}; "
        "or give a folder written by pes-explore train, so3lr:FOLDER with the published SO3LR model (get it "
        "by pes-explore model fetch so3lr), or mlff:FOLDER with a checkpoint of mlff."
    )
