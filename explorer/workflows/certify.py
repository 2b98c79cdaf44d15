"""Certification of a run: minima are tested by their Hessians in batches, and each batch is stored when it is done."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from explorer.records.certificates import StationaryPointType
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.store.export import by_energy
from explorer.store.read import read_run
from explorer.vibrations.certifier import Certifier
from explorer.workflows.relax import ReportCount
from explorer.workflows.session import Session

MINIMA_PER_COMMIT = 16  # an interruption loses up to half a minute of work on two cores; not tuned


def certify_run(session: Session, n_full: int, progress: ReportCount, stop: Callable[[], bool]) -> int:
    """Certify the minima of a run that have no certificate yet, in ascending energy.

    Args:
        session: The run.
        n_full: Number of lowest conformers of which all vibrations are computed.
        progress: Called with (done, total).
        stop: Called after every batch; the work ends where it returns true.

    Returns:
        The number of minima that are left.

    Raises:
        InputError: When the model is not the one that the run was made with.
    """
    wanted, full = to_certify(session.record, n_full)
    if not wanted:
        return 0
    certifier, n_left = certifier_of(session), len(wanted)
    with session.writing() as store:
        for start in range(0, len(wanted), MINIMA_PER_COMMIT):
            group = wanted[start : start + MINIMA_PER_COMMIT]
            store.save_certificates(*certifier.certify(group, np.array([m.id in full for m in group])))
            n_left -= len(group)
            progress(len(wanted) - n_left, len(wanted))
            if stop():
                break
    session.record = read_run(session.folder)  # certificates of earlier calls are replaced one by one
    return n_left


def to_certify(record: RunRecord, n_full: int) -> tuple[list[Minimum], set[int]]:
    """Return the minima to certify, results first and in ascending energy, and the ids of those to certify fully.

    Args:
        record: The run.
        n_full: Number of lowest conformers of which all vibrations are wanted.
    """
    ranked = by_energy(record, with_unknown=True)
    full = {m.id for m in [m for m in ranked if m.is_conformer][:n_full]}
    done = {c.minimum: c for c in record.certificates}
    partly = {
        i
        for i in full & set(done)
        if done[i].point_type == StationaryPointType.MINIMUM and not len(done[i].wavenumbers)
    }
    return [m for m in ranked if m.id not in done or m.id in partly], full


def certifier_of(session: Session) -> Certifier:
    """Return a certifier with the potential of a run in float64.

    Raises:
        InputError: When the model is not the one that the run was made with.
    """
    session.require_same_model()
    record, settings = session.record, replace(session.settings, precision="float64")
    return Certifier(record.molecule, record.minima, session.potential("float64"), settings)
