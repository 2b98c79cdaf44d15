"""A search from its first line on the screen to the last: start it or go on with it, then write the results.

What a user can get wrong is refused before the device is prepared and JAX is imported.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_summary, refuse_to_overwrite, say
from cli.progress import search_progress
from cli.settings import new_settings, resumed_budget
from explorer.compare.merge import refuse_to_resume
from explorer.config import Settings
from explorer.config_file import with_overrides
from explorer.records.molecule import Molecule
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.store.replace import set_aside
from explorer.topology.describe import describe_lines

OUTPUTS = (FILE_NAME, "index.html", "config.toml", "minima.extxyz", "summary.json")


def start(
    molecule: Molecule,
    folder: Path,
    config: Path | None,
    flags: Mapping[str, Any],
    assignments: Sequence[str] | None,
    force: bool,
) -> None:
    """A new run in a folder."""
    settings = new_settings(config, flags, assignments)
    if not force:
        refuse_to_overwrite(
            (folder / name for name in OUTPUTS), "Go on with that run by --resume, pass --force to replace it"
        )
    prepare_device()
    from explorer.workflows.run import start_run

    say(*describe_lines(molecule))
    with set_aside(folder) if force else nullcontext():
        _search(folder, lambda report, stop: start_run(molecule, settings, folder, report, stop))


def resume(folder: Path, config: Path | None, flags: Mapping[str, Any], assignments: Sequence[str] | None) -> None:
    """An existing run, under its own settings and perhaps a larger budget."""
    record = read_run(folder)
    refuse_to_resume(record, str(folder))
    budget = resumed_budget(with_overrides(Settings(), record.config), config, flags, assignments)
    prepare_device()
    from explorer.workflows.run import resume_run

    say(*describe_lines(record.molecule))
    _search(folder, lambda report, stop: resume_run(folder, report, stop, budget))


def _search(folder: Path, search: Callable[[Callable, Callable[[], bool]], object]) -> None:
    with stop_on_interrupt() as stop, search_progress() as report:
        search(report, stop)
    from explorer.workflows.run import finish_outputs

    say("Comparing with the training data and writing the report.")
    finish_outputs(folder)
    print_summary(read_run(folder), folder / "index.html")
