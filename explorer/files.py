"""Writing of files, completely or not at all, and of JSON files in one format."""

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Provide a temporary path in the folder of a file and rename it to the file at the end of the block.

    The folder is created where it is missing. When the block raises, the temporary file is removed and an existing
    file stays as it was. The temporary path keeps the suffix, because NumPy appends `.npz` to other names. A link stays
    a link, and what is no file, such as `/dev/stdout`, is written directly.

    Args:
        path: File to write.

    Yields:
        Temporary path to write to.

    Raises:
        OSError: If the file cannot be written, as on a full disk; it names the file.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_suffix(f".{os.getpid()}.tmp{path.suffix}")  # other processes may write the same file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> Path:
    """Write a text in UTF-8; create its folder where it is missing.

    Args:
        text: Content of the file.
        path: File to write.

    Returns:
        The path of the file.
    """
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def write_json(values: Any, path: Path) -> Path:
    """Write values as an indented JSON file; create its folder where it is missing.

    Args:
        values: Dictionaries, lists, texts and numbers.
        path: File to write.

    Returns:
        The path of the file.

    Raises:
        ValueError: For numbers that are not finite (see `without_nan`). An existing file stays as it was.
    """
    return write_text(json.dumps(values, indent=1, allow_nan=False, ensure_ascii=False) + "\n", path)


def without_nan(values: Any) -> Any:
    """Return nested values with None in place of numbers that are not finite, which JSON cannot represent.

    Args:
        values: Dictionaries, lists, tuples, texts and numbers.

    >>> without_nan({"mean": float("nan"), "all": [1.0, float("inf")]})
    {'mean': None, 'all': [1.0, None]}
    """
    if isinstance(values, dict):
        return {name: without_nan(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [without_nan(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values
