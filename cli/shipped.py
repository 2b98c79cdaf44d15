"""The shipped peptides by name, from any folder."""

from pathlib import Path

from explorer.resources import data_folder


def shipped_peptides() -> list[str]:
    """Names for INPUT."""
    return sorted(path.stem for path in (data_folder() / "peptides").glob("*.pdb"))


def find_input(input: str | None) -> str | None:
    """The path of a shipped peptide where its name was given and no such file lies here."""
    if input in shipped_peptides() and not Path(input).exists():
        return str(data_folder() / "peptides" / f"{input}.pdb")
    return input
