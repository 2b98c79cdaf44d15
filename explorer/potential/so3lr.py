"""Reader of the published SO3LR model: `params.pkl` with `hyperparameters.json` or `.yaml`.

Source: Kabylda et al., J. Am. Chem. Soc. 147, 33723 (2025), doi:10.1021/jacs.5c09558.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from flax.traverse_util import unflatten_dict

from explorer.errors import CheckpointError
from explorer.potential.checkpoint import check_shapes, digest_of
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.mlff_v1 import v1_hyperparameters, v1_parameters
from explorer.potential.unpickle import read_arrays

PARAMETERS_FILE = "params.pkl"
_HYPERPARAMETERS_FILES = ("hyperparameters.json", "hyperparameters.yaml")
SO3LR_REFERENCE = "PBE0+MBD"  # method of the labels of the published training data


def read_so3lr(folder: Path) -> tuple[Hyperparameters, Any]:
    """Read hyperparameters and parameters of a published folder, in the names and shapes of this project.

    Parameters stay float32, but the network of this project merges some pairs of biases, and their sums are float64.

    Raises:
        CheckpointError: If a file is missing or damaged, or describes a network that is not implemented.
    """
    for name in (folder / PARAMETERS_FILE, _hyperparameter_file(folder)):
        if not name.is_file():
            raise CheckpointError(
                f"{name} is missing. A published SO3LR folder was wanted, with {PARAMETERS_FILE} and "
                f"{' or '.join(_HYPERPARAMETERS_FILES)}; received {folder}."
            )
    arrays = read_arrays(folder / PARAMETERS_FILE)
    published = {name.removeprefix("params/"): value for name, value in arrays.items()}
    try:
        model, data = _read(_hyperparameter_file(folder))
        hp = replace(v1_hyperparameters(model, data, published), reference=SO3LR_REFERENCE)
        params = v1_parameters(published, hp)
    except KeyError as error:
        raise CheckpointError(f"{folder}: {error.args[0]} is missing, so this is not an SO3LR model.") from None
    if published:
        raise CheckpointError(
            f"{folder / PARAMETERS_FILE} holds {len(published)} arrays for which there is no place, such as "
            f"{min(published)}: this network is not SO3LR. Get the files from its authors."
        )
    check_shapes(hp, params, folder)
    return hp, unflatten_dict(params, sep="/")


def so3lr_digest(folder: Path) -> str:
    """Return the digest of the published files that a run records."""
    return digest_of(folder / PARAMETERS_FILE, _hyperparameter_file(folder))


def _hyperparameter_file(folder: Path) -> Path:
    candidates = (folder / name for name in _HYPERPARAMETERS_FILES if (folder / name).is_file())
    return next(candidates, folder / _HYPERPARAMETERS_FILES[0])


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sections `model` and `data` of the hyperparameters."""
    try:
        text = path.read_text()
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        return dict(content["model"]), dict(content["data"])
    except (json.JSONDecodeError, yaml.YAMLError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} does not hold hyperparameters of SO3LR ({error}). Get it again.") from None
