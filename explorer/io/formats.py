"""Formats of structure files by the endings of their names."""

from collections.abc import Callable
from pathlib import Path

from explorer.errors import InputError
from explorer.io.cif import parse_cif
from explorer.io.mol2 import parse_mol2
from explorer.io.pdb import parse_pdb
from explorer.io.sdf import parse_sdf
from explorer.io.structure import Frame
from explorer.io.text import read_text
from explorer.io.tinker import is_tinker, parse_tinker
from explorer.io.xyz import parse_xyz

PARSERS: dict[str, Callable[[str, str], list[Frame]]] = {
    ".pdb": parse_pdb,
    ".ent": parse_pdb,
    ".xyz": parse_xyz,
    ".extxyz": parse_xyz,
    ".txyz": parse_tinker,
    ".sdf": parse_sdf,
    ".mol": parse_sdf,
    ".mol2": parse_mol2,
    ".cif": parse_cif,
    ".mmcif": parse_cif,
}
READABLE_SUFFIXES = tuple(PARSERS)


def format_of(path: Path) -> str:
    """Return the ending of a file name that names its format, without `.gz`.

    Args:
        path: File.
    """
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def stem_of(path: Path) -> str:
    """Return the name of a file without `.gz` and the ending of its format.

    Args:
        path: File.
    """
    name = path.name
    return Path(name[:-3] if name.lower().endswith(".gz") else name).stem


def parse_file(path: Path) -> list[Frame]:
    """Return the structures of a file, at least one, with an error in place of each that cannot be read.

    Args:
        path: File with an ending in `READABLE_SUFFIXES`, or that and `.gz`.

    Raises:
        InputError: If the file cannot be read, has another format, or has no atoms.
    """
    suffix = format_of(path)
    if suffix not in PARSERS:
        raise InputError(
            f"{path.name}: a file ending in {' '.join(READABLE_SUFFIXES)} was expected, "
            f"received {suffix or 'no ending'!r}. "
            "Convert it, or use --smiles or --sequence for a molecule without a file."
        )
    text = read_text(path)
    parse = parse_tinker if suffix == ".xyz" and is_tinker(text) else PARSERS[suffix]
    frames = parse(text, path.name)
    if not frames:
        raise InputError(
            f"{path.name}: atoms were expected, received none. Check that it is the right file and complete."
        )
    return frames
