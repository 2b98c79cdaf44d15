"""Look-up of shipped peptides by name."""

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.resources import data_folder

if TYPE_CHECKING:
    from explorer.records.molecule import Molecule


def shipped_peptides() -> list[str]:
    """Return the names of the shipped peptides."""
    return sorted(path.stem for path in (data_folder() / "peptides").glob("*.pdb"))


def find_input(input: str | None) -> str | None:
    """Return the path of a shipped peptide if INPUT is its name and not an existing file; otherwise INPUT."""
    if input in shipped_peptides() and not Path(input).exists():
        return str(data_folder() / "peptides" / f"{input}.pdb")
    return input


def start_molecule(input: str | None, sequence: str | None) -> "Molecule":
    """Return the initial molecule of a benchmark.

    Args:
        input: File, or name of a shipped peptide.
        sequence: One-letter sequence of a peptide, in place of `input`.

    Raises:
        InputError: If none or both are given, or if the molecule cannot be read.
    """
    from explorer.io.source import load_molecule

    return load_molecule(find_input(input) if input else None, sequence=sequence)
