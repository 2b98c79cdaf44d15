"""A trained network for tests with stored numbers; unlike the shipped models, it stays the same."""

from pathlib import Path

FIXED_NETWORK = str(Path(__file__).resolve().parent / "data" / "gfn2-peptides")  # name of the potential
