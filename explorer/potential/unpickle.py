"""Safe reader of pickles that hold only plain data and numpy arrays; no code of a file is run."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError

_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]  # used by protocol 5
# numpy 2 renamed numpy.core to numpy._core
_ALLOWED_GLOBALS = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _RECONSTRUCT for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _FROM_BUFFER for core in ("core", "_core")},
}
# exceptions of the unpickler and of numpy's reconstruction for damaged files
_DAMAGE_ERRORS = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    ImportError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


class _DataUnpickler(pickle.Unpickler):
    """Unpickler that provides the constructors of numpy arrays and imports nothing."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED_GLOBALS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not part of an array")
        return _ALLOWED_GLOBALS[module, name]


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read arrays from nested dicts, named by their path such as `params/layers_0/kernel`.

    Raises:
        CheckpointError: If the file is missing or damaged, or holds anything but dicts of numeric arrays with strings
            as keys.
    """
    try:
        content = _DataUnpickler(io.BytesIO(path.read_bytes())).load()
        return dict(_flatten(content, ""))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None
    except _DAMAGE_ERRORS as error:
        raise CheckpointError(
            f"{path} should hold nested dicts of numpy arrays and nothing else, but: {error}. No code of it was run. "
            "Get the file again from its authors."
        ) from None


def _flatten(content: Any, prefix: str):
    if isinstance(content, dict):
        for key, value in content.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} in {prefix or 'the outermost dict'} is not a string")
            yield from _flatten(value, f"{prefix}/{key}" if prefix else key)
    elif isinstance(content, np.ndarray) and content.dtype.kind in "fiu":
        yield prefix, content
    else:
        raise TypeError(f"{prefix or 'the outermost object'} is a {type(content).__name__}, not a numeric array")


def read_object_array(content: bytes, where: str) -> np.ndarray:
    """Read a `.npy` file with an array of arrays; no code of it is run.

    Args:
        content: Content of the file.
        where: Name for error messages.

    Raises:
        CheckpointError: If the file holds anything but numeric arrays.
    """
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        header(stream)
        array = _DataUnpickler(stream).load()
        if not isinstance(array, np.ndarray) or not all(np.asarray(entry).dtype.kind in "fiu" for entry in array.flat):
            raise TypeError("an entry is not a numeric array")
        return array
    except _DAMAGE_ERRORS as error:
        raise CheckpointError(
            f"{where} should hold arrays of numbers and nothing else, but: {error}. No code of it was run. Save it "
            "with numpy as arrays that are padded to one size, or as extended XYZ."
        ) from None
