"""Search on the command line: start or resume it, show its progress, write and print the results.

User errors are found before the device is prepared and JAX is imported.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.device import prepare_device
from cli.environment import command_start
from cli.interrupt import stop_on_interrupt
from cli.output import print_summary, refuse_to_overwrite, say
from cli.progress import connection_progress, search_progress
from cli.results import write_with_progress
from cli.settings import new_settings, resumed_budget
from explorer.comparison.merge import refuse_to_resume
from explorer.config import BudgetSettings
from explorer.records.molecule import Molecule
from explorer.store.database import RUN_FILE_NAME
from explorer.store.replace import claim
from explorer.topology.describe import describe_lines
from explorer.wording import counted
from explorer.workflows.session import Session

COMPILING = (
    "Compiling the programs and relaxing the input. This takes a minute the first time, and is no part of --time-limit."
)
OUTPUTS = (RUN_FILE_NAME, "index.html", "config.toml", "minima.extxyz", "summary.json")


def default_folder(molecule: Molecule) -> Path:
    """Return the output folder of a run without --out: `runs` and the name of the molecule.

    Args:
        molecule: Molecule to explore.
    """
    return Path("runs") / (re.sub(r"[^A-Za-z0-9._-]+", "-", molecule.name).strip("-.")[:80].lower() or "molecule")


def start(
    molecule: Molecule,
    folder: Path,
    config: Path | None,
    flags: Mapping[str, Any],
    assignments: Sequence[str] | None,
    force: bool,
) -> None:
    """Start a new run.

    Args:
        molecule: Molecule to explore.
        folder: Output folder.
        config: TOML file with settings, if any.
        flags: Values by dotted key; None for options that were not used.
        assignments: `key=value` texts of --set.
        force: Whether an existing run is replaced.
    """
    settings = new_settings(config, flags, assignments)
    if not force:
        refuse_to_overwrite(
            (folder / name for name in OUTPUTS), "Continue the existing run with --resume, use --force to replace it"
        )
    with claim(folder / RUN_FILE_NAME, force) as lock:
        prepare_device()
        from explorer.workflows.run import start_run

        say(*describe_lines(molecule), COMPILING)
        _search(
            lambda report, stop: start_run(molecule, settings, folder, report, stop, command_start(), lock),
            settings.budget,
        )


def resume(
    folder: Path,
    config: Path | None,
    flags: Mapping[str, Any],
    assignments: Sequence[str] | None,
    from_missed: bool = False,
) -> None:
    """Resume a run with its own settings.

    Args:
        folder: Folder of the run.
        config: TOML file with a new budget, if any.
        flags: Values by dotted key; None for options that were not used.
        assignments: `key=value` texts of --set.
        from_missed: Whether walkers start from the training minima that the run missed.
    """
    with Session.open(folder, writing=True) as session:
        refuse_to_resume(session.record, str(folder))
        budget = resumed_budget(session.settings, config, flags, assignments)
        prepare_device()
        from explorer.workflows.results import missed_structures
        from explorer.workflows.run import resume_run

        say(*describe_lines(session.record.molecule), COMPILING)
        given = missed_structures(session) if from_missed else []
        if given:
            say(f"Walkers start from {counted(len(given), 'training minimum', 'training minima')} that the run missed.")
        _search(
            lambda report, stop: resume_run(session, report, stop, budget, command_start(), given),
            budget or session.settings.budget,
        )


def _search(search: Callable[[Callable, Callable[[], bool]], Session], budget: BudgetSettings) -> None:
    with stop_on_interrupt() as stop:
        with search_progress() as report:
            session = search(report, stop)
        if budget.connect and not stop():
            _connect(session, budget, stop)
    print_summary(write_with_progress(session, stop.is_urgent))


def _connect(session: Session, budget: BudgetSettings, stop: Callable[[], bool]) -> None:
    from explorer.workflows.connect import connect_after_search

    say("Searching for transition states. The first round compiles their programs.")
    with connection_progress() as report:
        reason = connect_after_search(session, budget, report, stop)
    say(f"Ended: {reason}.")
