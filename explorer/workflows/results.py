"""Results after a search: comparison with the training data, properties of the minima, and all files of the run."""

import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from jaxtyping import Float

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.training_comparison import NEVER_VISITED, missed_reasons
from explorer.errors import InputError
from explorer.potential.properties import properties_of
from explorer.records.run import SECONDS_AFTER_SEARCH
from explorer.store.export import export_minima_extxyz
from explorer.system import system_of
from explorer.workflows.compare_training import compare_run
from explorer.workflows.outputs import (
    MINIMA_FILE_NAME,
    REPORT_FILE_NAME,
    Outputs,
    write_report_of,
    write_summary,
)
from explorer.workflows.relax import ReportStage
from explorer.workflows.session import Session


class _Stopped(Exception):
    """The comparison is to be left out."""


def write_outputs(
    session: Session, progress: ReportStage | None = None, without_comparison: Callable[[], bool] = lambda: False
) -> Outputs:
    """Compare a run with the training data and compute properties where that is missing, then write all its files.

    Args:
        session: The run.
        progress: Called with the name of the items, the number of finished ones and that of all of them: relaxed
            training frames, then files.
        without_comparison: Returns whether to leave out the comparison, even when it has begun.

    Returns:
        What was written.
    """
    progress = progress or (lambda what, done, total: None)
    started = time.perf_counter()
    if session.record.comparison is None and session.settings.training_frames > 0:
        _compare(session, progress, without_comparison)
    if session.record.properties is None or len(session.record.properties) < len(session.record.minima):
        _compute_properties(session)
    export_minima_extxyz(session.record, session.folder / MINIMA_FILE_NAME)
    progress("files written", 1, 3)
    outputs = write_report_of(session.record, session.folder / REPORT_FILE_NAME)
    progress("files written", 2, 3)
    seconds = time.perf_counter() - started
    provenance = session.record.provenance | {SECONDS_AFTER_SEARCH: f"{seconds:.2f}"}
    with session.writing() as store:
        store.save_provenance(provenance)
    session.update(provenance=provenance)
    summary = outputs.summary | {SECONDS_AFTER_SEARCH: round(seconds, 2), "provenance": provenance}
    write_summary(summary, session.folder)
    progress("files written", 3, 3)
    return outputs._replace(summary=summary)


def _compare(session: Session, progress: ReportStage, stop: Callable[[], bool]) -> None:
    def report(done: int, total: int) -> None:
        progress("training frames", done, total)
        if stop():
            raise _Stopped

    if not stop():
        with suppress(_Stopped):
            compare_run(session, None, session.settings.training_frames, report)


def _compute_properties(session: Session) -> None:
    """Store charges, dipole moments and energy contributions of all minima, if the model has them."""
    system = system_of(session.record.molecule, np.dtype("float64"))  # the program that confirmed the minima
    positions = np.array([minimum.positions for minimum in session.record.minima])
    properties = properties_of(session.potential("float64"), system, positions)
    if properties is not None:
        with session.writing() as store:
            store.save_properties(properties)
        session.update(properties=properties)


def missed_structures(session: Session) -> list[Float[np.ndarray, "N 3"]]:
    """Return the training minima that a run missed although it may explore them, Å, from the lowest energy.

    Args:
        session: The run, compared with training data.

    Raises:
        InputError: When the run was not compared since its last round, or missed nothing.
    """
    if session.record.comparison is None:
        raise InputError(
            f"{session.folder} has no comparison with training data. Make one: pes-explore compare {session.folder} "
            "--training FILE."
        )
    analysis = RunAnalysis(session.record)
    missed = zip(analysis.missed, missed_reasons(analysis), strict=True)
    structures = [minimum.positions for minimum, reason in missed if reason == NEVER_VISITED]
    if not structures:
        raise InputError(f"{session.folder} missed no training minimum that it may explore.")
    return structures
