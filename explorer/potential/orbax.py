"""Readers of the two forms in which Flax programs store parameters: orbax folders and msgpack files.

An orbax folder is a key-value store of zarr arrays (OCDBT) or one zarr folder per array. Both are read by tensorstore,
which runs no code of a file and ignores the devices that the arrays were saved from.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import tensorstore

from explorer.errors import CheckpointError

_ZARR = "/.zarray"
_ARRAY_TYPE, _SCALAR_TYPE = 1, 3  # extension types of Flax in msgpack
_NUMBERS = ("float32", "float64", "int32", "int64", "uint32", "bool")
_ADVICE = "The checkpoint is damaged or was not written to its end. Copy it again, or use an earlier one."


def read_stored_arrays(path: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """Read the wanted arrays of an orbax folder or a msgpack file by their path, such as `params/layers_0/kernel`.

    Args:
        path: Folder or file.
        wanted: Whether an array with this path is read.

    Raises:
        CheckpointError: If arrays are missing, damaged or no numbers.
    """
    read = _read_folder if path.is_dir() else _read_msgpack
    try:
        return {name: value for name, value in read(path, wanted) if _checked(value, name, path) is not None}
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None


def _checked(value: np.ndarray, name: str, path: Path) -> np.ndarray:
    if str(value.dtype) not in _NUMBERS or (value.dtype.kind == "f" and not np.isfinite(value).all()):
        what = "numbers that are not finite" if value.dtype.kind == "f" else f"values of type {value.dtype}"
        raise CheckpointError(f"{path}: finite numbers were wanted, but {name} holds {what}. {_ADVICE}")
    return value


def _read_folder(folder: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, np.ndarray]]:
    base = f"{folder.resolve()}/"
    ocdbt = (folder / "manifest.ocdbt").is_file()
    store = {"driver": "ocdbt", "base": f"file://{base}"} if ocdbt else {"driver": "file", "path": base}
    try:
        keys = [key.decode() for key in tensorstore.KvStore.open(store).result().list().result()]
        names = sorted(key.removesuffix(_ZARR) for key in keys if key.endswith(_ZARR))
        if not names:
            raise CheckpointError(f"{folder} holds no arrays. {_ADVICE}")
        names = [name for name in names if wanted(_path(name))]
        if missing := set(names) - {key.rpartition("/")[0] for key in keys if not key.endswith(_ZARR)}:
            # tensorstore would return zeros for them
            raise CheckpointError(f"{folder}: the values of {min(missing)} are missing. {_ADVICE}")
        paths = [{**store, "path": f"{store.get('path', '')}{name}/"} for name in names]
        opened = [tensorstore.open({"driver": "zarr", "kvstore": path}, read=True) for path in paths]
        reads = [array.result().read() for array in opened]
        yield from ((_path(name), np.asarray(read.result())) for name, read in zip(names, reads, strict=True))
    except ValueError as error:  # tensorstore reports everything by it
        reason = str(error).splitlines()[0][:200]
        raise CheckpointError(f"{folder} cannot be read ({reason}). {_ADVICE}") from None


def _path(name: str) -> str:
    return name.replace(".", "/")


def _read_msgpack(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, np.ndarray]]:
    try:
        content = msgpack.unpackb(path.read_bytes(), ext_hook=_array, raw=False, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        reason = str(error) or type(error).__name__
        raise CheckpointError(f"{path} is no msgpack file of Flax ({reason}). {_ADVICE}") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} should hold a dict of arrays, received a {type(content).__name__}. {_ADVICE}")
    yield from ((name, value) for name, value in _flatten(content, "") if wanted(name))


def _array(code: int, data: bytes) -> Any:
    if code not in (_ARRAY_TYPE, _SCALAR_TYPE):
        raise ValueError(f"extension type {code} is neither an array nor a number")
    shape, dtype, buffer = msgpack.unpackb(data, raw=False)
    if dtype not in _NUMBERS:
        raise ValueError(f"an array of type {dtype} was found")
    return np.frombuffer(buffer, dtype).reshape(shape)


def _flatten(content: dict, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    for key, value in content.items():
        name = f"{prefix}/{key}" if prefix else str(key)
        if isinstance(value, dict):
            yield from _flatten(value, name)
        elif isinstance(value, np.ndarray):
            yield name, value
