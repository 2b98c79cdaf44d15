"""Readers of the files of a model: JSON and tensors whose damage ends in one line."""

import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file

from explorer.errors import CheckpointError


def read_model_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file of a model.

    Args:
        path: File with one object, all of whose numbers are finite.

    Raises:
        CheckpointError: If the file is missing or holds anything else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_not_finite)
        if not isinstance(values, dict):
            raise ValueError(f"named values were expected, received {type(values).__name__}")
        return values
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Get the file again.") from None


def _not_finite(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays in a safetensors file of a model.

    Args:
        path: The file.

    Raises:
        CheckpointError: If the file is missing or damaged, or an array is not of finite floating-point numbers.
    """
    try:
        arrays = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Get the file again.") from None
    check_finite(arrays, str(path))
    return arrays


def read_metadata(path: Path) -> dict[str, str]:
    """Return the texts that a readable safetensors file carries beside its arrays.

    Args:
        path: The file.
    """
    with safe_open(path, framework="numpy") as file:
        return file.metadata() or {}


def check_finite(arrays: dict[str, np.ndarray], where: str) -> None:
    """Check that arrays hold finite floating-point numbers.

    Args:
        arrays: Arrays by name.
        where: File or folder, for the error message.

    Raises:
        CheckpointError: For the first array that does not.
    """
    for name, array in arrays.items():
        if array.dtype.kind != "f":
            raise CheckpointError(
                f"{where}: {name} must hold floating-point numbers, received {array.dtype}. Get the file again."
            )
        if not np.isfinite(array).all():
            n = int((~np.isfinite(array)).sum())
            raise CheckpointError(
                f"{where}: {name} has {n} of {array.size} numbers that are not finite. Get the file again, or train "
                "the model again from its last good checkpoint."
            )
