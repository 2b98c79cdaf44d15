"""Storage of a run in one SQLite file, and its export to other formats."""
