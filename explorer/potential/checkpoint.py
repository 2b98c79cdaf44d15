"""Checkpoints: folders with `hyperparameters.json` and `parameters.safetensors`; nothing is pickled."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from explorer.errors import CheckpointError
from explorer.potential.hyperparameters import Hyperparameters, read_hyperparameters, write_hyperparameters
from explorer.potential.so3krates import parameter_shapes
from explorer.resources import data_folder, user_models_folder

HYPERPARAMETERS_FILE, PARAMETERS_FILE = "hyperparameters.json", "parameters.safetensors"
DEFAULT_MODEL = "peptides"  # name of the shipped model for which `default` stands


def save_checkpoint(folder: Path, hp: Hyperparameters, params: Any) -> None:
    """Write a checkpoint; parameters are named by their path, such as `layer_0/exchange/kernel`."""
    folder.mkdir(parents=True, exist_ok=True)
    flat = {name: np.array(value, order="C") for name, value in flatten_dict(params, sep="/").items()}
    write_hyperparameters(folder / HYPERPARAMETERS_FILE, hp)
    save_file(flat, folder / PARAMETERS_FILE)


def load_checkpoint(folder: Path) -> tuple[Hyperparameters, Any]:
    """Read hyperparameters and parameters of a checkpoint.

    Raises:
        CheckpointError: If a file is missing or damaged, or if names or shapes of the parameters do not match the
            hyperparameters.
    """
    for name in (HYPERPARAMETERS_FILE, PARAMETERS_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} has no {name}, so it is not a checkpoint. {_advice()}")
    hp = read_hyperparameters(folder / HYPERPARAMETERS_FILE)
    try:
        flat = load_file(folder / PARAMETERS_FILE)
    except SafetensorError as error:
        raise CheckpointError(f"{folder / PARAMETERS_FILE} cannot be read ({error}). Get the file again.") from None
    check_shapes(hp, flat, folder)
    return hp, unflatten_dict(flat, sep="/")


def check_shapes(hp: Hyperparameters, flat: Mapping[str, np.ndarray], folder: Path) -> None:
    """Compare names and shapes of parameters with those of the network that the hyperparameters describe.

    Args:
        hp: Hyperparameters.
        flat: Parameters by their path.
        folder: Folder of the model, for the error message.

    Raises:
        CheckpointError: If they do not match.
    """
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

    Raises:
        CheckpointError: If there is no such model; the message lists the existing ones.
    """
    name = DEFAULT_MODEL if str(name_or_path) == "default" else str(name_or_path)
    if name in shipped_checkpoints():
        return data_folder() / "checkpoints" / name
    if name in imported_checkpoints():
        return user_models_folder() / name
    path = Path(name_or_path)
    if path.is_dir():
        return path
    raise CheckpointError(f"There is no model {str(name_or_path)!r}. {_advice()}")


def _advice() -> str:
    imported = ", ".join(imported_checkpoints())
    return (
        f"Shipped models: {', '.join(shipped_checkpoints()) or 'none'}{'; imported: ' + imported if imported else ''}; "
        "or give a folder written by pes-explore train, so3lr:FOLDER with the published SO3LR model, or "
        "mlff:FOLDER with a checkpoint of mlff."
    )
