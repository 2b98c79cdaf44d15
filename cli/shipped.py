"""The shipped peptides by name, from any folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.resources import data_folder

if TYPE_CHECKING:
    from explorer.records.molecule import Molecule


def shipped_peptides() -> list[str]:
    """Names for INPUT."""
    return sorted(path.stem for path in (data_folder() / "peptides").glob("*.pdb"))


def find_input(input: str | None) -> str | None:
    """The path of a shipped peptide where its name was given and no such file lies here."""
    if input in shipped_peptides() and not Path(input).exists():
        return str(data_folder() / "peptides" / f"{input}.pdb")
    return input


def start_molecule(input: str | None, sequence: str | None) -> "Molecule":
    """Where a benchmark starts: a file, a shipped peptide, or a sequence.

    Raises:
        InputError: when not exactly one is given, or the one given is bad.
    """
    from explorer.io.source import load_molecule

    return load_molecule(find_input(input) if input else None, sequence=sequence)
