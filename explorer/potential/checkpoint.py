"""A checkpoint is a folder with readable `hyperparameters.json` and `parameters.safetensors`; nothing is pickled."""

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

HYPERPARAMETERS, PARAMETERS = "hyperparameters.json", "parameters.safetensors"
DEFAULT = "peptides"  # the shipped model that `default` means


def save_checkpoint(folder: Path, hp: Hyperparameters, params: Any) -> None:
    """Write a checkpoint; parameters are named by their path, such as `layer_0/exchange/kernel`."""
    folder.mkdir(parents=True, exist_ok=True)
    flat = {name: np.array(value, order="C") for name, value in flatten_dict(params, sep="/").items()}
    write_hyperparameters(folder / HYPERPARAMETERS, hp)
    save_file(flat, folder / PARAMETERS)


def load_checkpoint(folder: Path) -> tuple[Hyperparameters, Any]:
    """Hyperparameters and parameters of a checkpoint.

    Raises:
        CheckpointError: when a file is missing or damaged, or when names or shapes of the
            parameters are not those that the hyperparameters ask for.
    """
    for name in (HYPERPARAMETERS, PARAMETERS):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} has no {name}, so it is not a checkpoint. {_advice()}")
    hp = read_hyperparameters(folder / HYPERPARAMETERS)
    try:
        flat = load_file(folder / PARAMETERS)
    except SafetensorError as error:
        raise CheckpointError(f"{folder / PARAMETERS} cannot be read ({error}). Get the file again.") from None
    check_shapes(hp, flat, folder)
    return hp, unflatten_dict(flat, sep="/")


def check_shapes(hp: Hyperparameters, flat: Mapping[str, np.ndarray], folder: Path) -> None:
    """Refuse parameters, named by their path, that are not those which the hyperparameters ask for."""
    wanted = parameter_shapes(hp)
    found = {name: value.shape for name, value in flat.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise CheckpointError(
                f"{folder}: parameter {name} should have shape {wanted.get(name)} by {HYPERPARAMETERS}, "
                f"received {found.get(name)}. The two files do not belong together; get both again."
            )


def checkpoint_digest(folder: Path) -> str:
    """The digest that a run records of its model."""
    return digest_of(folder / HYPERPARAMETERS, folder / PARAMETERS)


def digest_of(*files: Path) -> str:
    """The first 16 hex digits of the sha256 over the files of a model, one after the other."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def shipped_checkpoints() -> list[str]:
    """Names of the models that come with the program."""
    return _names(data_folder() / "checkpoints")


def imported_checkpoints() -> list[str]:
    """Names of the models in the user's own folder."""
    return _names(user_models_folder())


def _names(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{HYPERPARAMETERS}"))


def find_checkpoint(name_or_path: str | Path) -> Path:
    """The folder of `default`, of a shipped model, of an imported one, or of a path.

    Raises:
        CheckpointError: when there is none; the message names what exists.
    """
    name = DEFAULT if str(name_or_path) == "default" else str(name_or_path)
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
        "or give a folder written by pes-explore train, or so3lr:FOLDER with the published SO3LR model."
    )
