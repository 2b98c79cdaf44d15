"""Figures of a benchmark as a file."""

import json
from pathlib import Path
from typing import Any


def write_json(result: dict[str, Any], path: Path) -> Path:
    """Write figures into a file, in a new folder where there is none; returns the file.

    Raises:
        ValueError: for figures that are not finite.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    return path
