"""Text of a file: packed with gzip or not, in UTF-8, UTF-16 with a byte order mark, or Latin-1."""

import codecs
import gzip
import zlib
from pathlib import Path

from explorer.errors import InputError

_LARGEST = 2**30  # bytes of unpacked text; a larger file is a trajectory, and would not fit into memory; not tuned


def read_text(path: Path) -> str:
    """Read a text file.

    Args:
        path: File; one that starts like a gzip file is unpacked, whatever its name is.

    Raises:
        InputError: If the file is missing, unreadable, empty or not text.
    """
    try:
        content = _unpacked(path)
    except FileNotFoundError:
        raise InputError(
            f"No file {path}. Check the path, or use --smiles or --sequence for a molecule without a file."
        ) from None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        cause = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} could not be read: {cause}. Pass a readable text file.") from None
    if len(content) > _LARGEST:
        raise InputError(f"{path.name} is larger than 1 GiB. Pass a file with fewer structures.")
    text = _decoded(content, path)
    if not text.strip():
        raise InputError(f"{path.name} is empty. Pass a file with one molecule.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unpacked(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ValueError("it is a folder" if path.is_dir() else "it is not a regular file")
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_packed else path.open("rb") as file:
        return file.read(_LARGEST + 1)


def _decoded(content: bytes, path: Path) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "latin-1")  # every byte is a character of Latin-1
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError(f"{path} could not be read: it is not text. Pass a readable text file.")
