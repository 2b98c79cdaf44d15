"""Start of a search in a fresh process: programs that are compiled, seconds to the first hop and after the search.

Example: `pes-explore bench start ac-ala3-nhme --out bench`
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError
from explorer.files import write_json
from explorer.records.run import START_TIMES

_SHOWN_SECONDS = 0.05  # s of compilation; programs with less are not shown
CACHES = ("cold", "warm")  # the state of the cache of compiled programs and relaxed training frames
LOG_VARIABLE = "PES_EXPLORE_COMPILATION_LOG"  # file to which the process of a run writes what it compiled
_CODE = "from cli.bench.start import run_logged; run_logged()"


def measure(arguments: list[str], progress: Callable[[str, int, int], None]) -> dict[str, Any]:
    """Make the same run twice in fresh processes, with an empty cache and with the cache of the first run.

    Args:
        arguments: Arguments of `pes-explore run`, without the output folder.
        progress: Called with the name of the stage, the number of finished runs and that of all runs.

    Raises:
        ExplorerError: When a run fails.
    """
    result: dict[str, Any] = {"arguments": arguments}
    with tempfile.TemporaryDirectory(prefix="pes-explore-start-") as folder:
        for k, cache in enumerate(CACHES):
            progress(f"run with a {cache} cache", k, len(CACHES))
            result[cache] = _run(arguments, Path(folder), cache)
        progress("runs", len(CACHES), len(CACHES))
    return result


def _run(arguments: list[str], folder: Path, cache: str) -> dict[str, Any]:
    out, log = folder / cache, folder / f"{cache}.json"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PES_EXPLORE_")}
    environment |= {"PES_EXPLORE_CACHE": str(folder / "cache"), LOG_VARIABLE: str(log)}
    environment["JAX_COMPILATION_CACHE_DIR"] = str(folder / "cache" / "compiled")
    command = [sys.executable, "-c", _CODE, "run", *arguments, "--out", str(out)]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise ExplorerError(f"The run failed: {finished.stderr.strip() or finished.stdout.strip()}")
    summary = json.loads((out / "summary.json").read_text())
    compiled = (folder / "cache" / "compiled").glob("jit_*-cache")
    sizes = {path.name.split("-")[0].removeprefix("jit_"): path.stat().st_size for path in compiled}
    programs = json.loads(log.read_text())
    for name, row in programs.items():
        row["kilobytes"] = round(sizes.get(name, 0) / 1000)
    return {name: summary[name] for name in START_TIMES} | {"programs": programs}


def rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """Format the programs of the cold run, the slowest first, and the times of both runs as table rows."""
    programs = result["cold"]["programs"]
    slowest = sorted(programs, key=lambda name: -programs[name]["compile"])
    table = [_program_row(name, programs[name]) for name in slowest if programs[name]["compile"] > _SHOWN_SECONDS]
    for cache in CACHES:
        for name in START_TIMES:
            table.append((f"{name.replace('_', ' ')}, {cache}", "", "", f"{result[cache][name]:.1f}", "", ""))
    return table


def _program_row(name: str, program: dict[str, float]) -> tuple[str, ...]:
    seconds = (f"{program[stage]:.1f}" for stage in ("trace", "lower", "compile"))
    return (name, *seconds, f"{program['n_compiled']:.0f}", f"{program['kilobytes']:.0f}")


def write(result: dict[str, Any], out: Path) -> Path:
    """Write the figures to `start.json` in a folder."""
    return write_json(result, out / "start.json")
