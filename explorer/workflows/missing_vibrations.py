"""Vibrations that rates need and the run lacks: of transition states, and of the minima that they join."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from explorer.landscape.free_energies import transition_states_with_vibrations
from explorer.records.certificates import StationaryPointType
from explorer.records.run import RunRecord
from explorer.store.read import read_run
from explorer.workflows.session import Session

N_PER_COMMIT = 8  # an interruption loses less than half a minute of work on two cores; not tuned


class MissingVibrations(NamedTuple):
    """What lacks vibrations.

    Attributes:
        minima: Ids of minima beside transition states that have no certificate with all vibrations.
        transition_states: Ids of transition states without all vibrations.
    """

    minima: tuple[int, ...]
    transition_states: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of both."""
        return len(self.minima) + len(self.transition_states)


def missing_vibrations(run: RunRecord) -> MissingVibrations:
    """Return the minima and the transition states that `rates` needs and whose vibrations are not stored.

    Degenerate rearrangements need none. Minima that were tested and are not certified are not tried again.

    Args:
        run: The run.
    """
    tested = {c.minimum for c in run.certificates if len(c.wavenumbers) or c.point_type != StationaryPointType.MINIMUM}
    states = [s for s in run.transition_states if not s.is_degenerate]
    complete = transition_states_with_vibrations(run)
    ends = sorted({i for s in states for i in s.minima if run.minima[i].is_result} - tested)
    return MissingVibrations(tuple(ends), tuple(s.id for s in states if s.id not in complete))


def complete_vibrations(session: Session, progress: Callable[[int, int], None], stop: Callable[[], bool]) -> None:
    """Compute and store the missing vibrations, in float64, in batches that are stored when they are done.

    Args:
        session: The run.
        progress: Called with (done, total).
        stop: Called after every batch; the work ends where it returns true.

    Raises:
        InputError: When the model is not the one that the run was made with.
    """
    from explorer.workflows.certify import certifier_of

    missing, run = missing_vibrations(session.record), session.record
    certifier, done = certifier_of(session), 0
    groups = [("minima", missing.minima[k : k + N_PER_COMMIT]) for k in range(0, len(missing.minima), N_PER_COMMIT)]
    states = missing.transition_states
    groups += [("states", states[k : k + N_PER_COMMIT]) for k in range(0, len(states), N_PER_COMMIT)]
    with session.writing() as store:
        for kind, ids in groups:
            if kind == "minima":
                store.save_certificates(*certifier.certify([run.minima[i] for i in ids], np.ones(len(ids), bool)))
            else:
                positions = np.array([run.transition_states[i].positions for i in ids])
                spectra = certifier.spectrometer.measure(positions, np.ones(len(ids), bool))
                whole = {i: s.wavenumbers for i, s in zip(ids, spectra, strict=True) if len(s.wavenumbers)}
                store.save_wavenumbers([replace(run.transition_states[i], wavenumbers=w) for i, w in whole.items()])
            done += len(ids)
            progress(done, missing.count)
            if stop():
                break
    session.record = read_run(session.folder)
