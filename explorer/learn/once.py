"""A step that is done once: its result is a JSON file, which a later call reads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def once(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a step made, from its file where it is done."""
    if not path.exists():
        values = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n")
        temporary.rename(path)
    return json.loads(path.read_text())
