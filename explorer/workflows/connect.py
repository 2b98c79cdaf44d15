"""Connection of the minima of a run by transition states, stored round by round."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from explorer.config import BudgetSettings
from explorer.errors import InputError
from explorer.landscape.budget import Tally, reached
from explorer.records.run import RunRecord
from explorer.records.transition_states import (
    AttemptKind,
    AttemptOutcome,
    ConnectRound,
    PairReason,
    SaddleAttempt,
    TransitionState,
    TransitionStateEnd,
)
from explorer.saddles.connect import Connector, ConnectTask
from explorer.saddles.work_limit import CALL_LIMIT_REACHED, TIME_LIMIT_REACHED, WorkLimit
from explorer.store.store import Store
from explorer.vibrations.modes import count_imaginary
from explorer.wording import counted
from explorer.workflows.criteria import criteria_for
from explorer.workflows.session import Session


@dataclass(frozen=True, kw_only=True)
class ConnectBudget:
    """When `pes-explore connect` ends.

    Attributes:
        minutes: Wall time of this command; 0 for no limit.
        evaluations: Force calls of this command; 0 for no limit.
    """

    minutes: float = 0.0
    evaluations: int = 0


def connect_run(
    session: Session,
    task: ConnectTask,
    budget: ConnectBudget,
    progress: Callable[[RunRecord, float], None],
    stop: Callable[[], bool],
) -> str:
    """Search for transition states of a run until nothing is left to try, the budget is used or it is stopped.

    Args:
        session: The run; its record is updated.
        task: What is to be done.
        budget: When to end.
        progress: Called after every round with the run and the share of the budget that is used.
        stop: Returns whether to stop. Attempts that have begun are finished and stored.

    Returns:
        Why it ended.

    Raises:
        InputError: When the model is not the one that the run was made with, or a minimum does not exist.
    """
    _check_minima(session.record, task)
    session.require_same_model()
    settings = replace(session.settings, precision="float64")
    potential = session.potential("float64")
    criteria = criteria_for(session.model, potential, session.record.molecule, settings)
    limit = WorkLimit(budget.minutes, budget.evaluations, stop)
    with session.writing() as store:
        _take_over_certified(session, store)
        connector = Connector(session.record, potential, settings, task, criteria)
        progress(session.record, 0.0)
        for round in connector.rounds(limit):
            store.commit_connections(round)
            session.record = connector.record
            progress(session.record, limit.used)
    return limit.reason or "nothing is left to try"


def connect_after_search(
    session: Session,
    limits: BudgetSettings,
    progress: Callable[[RunRecord, float], None] = lambda record, share: None,
    stop: Callable[[], bool] = lambda: False,
) -> str:
    """Search for transition states between all minima of a run in what its search left of the limits.

    What earlier searches for transition states of the run used counts too, so that a resumed run goes on. The run then
    tells why each of both parts ended.

    Args:
        session: The run, open for writing; its record is updated.
        limits: Limits of the run, from its start; 0 means no limit.
        progress: Called after every round with the run and the share of the rest that is used.
        stop: Returns whether to stop.

    Returns:
        Why the search for transition states ended.
    """
    end_of_search = reached(limits, Tally.of_run(session.record).progress(limits.of_search))
    reason = _connect_in_rest(session, limits, progress, stop)
    totals = {
        TIME_LIMIT_REACHED: f"{counted(limits.minutes, 'minute')} used",
        CALL_LIMIT_REACHED: f"{counted(limits.evaluations, 'force call')} used",
    }
    reason = totals.get(reason, reason)
    finished = f"search: {end_of_search or session.record.finished}; transition states: {reason}"
    with session.writing() as store:
        store.finish(finished)
    session.update(finished=finished)
    return reason


def _connect_in_rest(
    session: Session,
    limits: BudgetSettings,
    progress: Callable[[RunRecord, float], None],
    stop: Callable[[], bool],
) -> str:
    """Search for transition states in what is left of the limits, and return why that ended."""
    record = session.record
    minutes = limits.minutes - (record.rounds[-1].wall_seconds + record.connect_seconds) / 60
    evaluations = limits.evaluations - record.rounds[-1].n_evaluations - _force_calls(record)
    if limits.minutes and minutes <= 0:
        return TIME_LIMIT_REACHED
    if limits.evaluations and evaluations <= 0:
        return CALL_LIMIT_REACHED
    left = ConnectBudget(
        minutes=minutes if limits.minutes else 0.0, evaluations=evaluations if limits.evaluations else 0
    )
    return connect_run(session, ConnectTask(), left, progress, stop)


def _force_calls(record: RunRecord) -> int:
    return sum(attempt.n_evaluations for attempt in record.saddle_attempts)


def _check_minima(record: RunRecord, task: ConnectTask) -> None:
    missing = [i for i in task.between or () if not 0 <= i < len(record.minima)]
    if missing:
        raise InputError(
            f"--between takes ids of minima of the run, 0 to {len(record.minima) - 1}; received {missing[0]}. "
            "`pes-explore export RUN --format csv` lists them."
        )
    if task.between and task.between[0] == task.between[1]:
        raise InputError(f"--between takes two different minima; received {task.between[0]} twice.")
    if not record.minima:
        raise InputError("The run has no minima to connect. Continue it with pes-explore run --resume.")


def _take_over_certified(session: Session, store: Store) -> None:
    """Store the saddles that `certify` found between two minima of the run as transition states."""
    record = session.record
    taken = {(a.start, a.end) for a in record.saddle_attempts if a.kind == AttemptKind.CERTIFIED}
    index = 1 + max((a.round for a in record.saddle_attempts), default=-1)
    states, attempts = [], []
    for saddle in record.saddles:
        first, second = (end.minimum for end in saddle.ends)
        is_first_order = count_imaginary(saddle.wavenumbers) == 1
        if first is None or second is None or not is_first_order or (first, second) in taken:
            continue
        minimum = record.minima[saddle.minimum]
        number = len(record.transition_states) + len(states)
        states.append(
            TransitionState(
                id=number,
                energy=saddle.energy,
                positions=saddle.positions - saddle.positions.mean(axis=0),
                fmax=saddle.fmax,
                direction=saddle.direction,
                wavenumbers=saddle.wavenumbers,
                structure_class=minimum.structure_class,
                ends=(TransitionStateEnd(minimum=first), TransitionStateEnd(minimum=second)),
                n_evaluations=_force_calls(record),
                round=index,
                remark=f"stored as minimum {saddle.minimum}",
                uncertainty=minimum.uncertainty,
            )
        )
        attempts.append(
            SaddleAttempt(
                id=len(record.saddle_attempts) + len(attempts),
                round=index,
                kind=AttemptKind.CERTIFIED,
                reason_for=PairReason.CERTIFIED,
                start=first,
                end=second,
                try_number=0,
                outcome=AttemptOutcome.DEGENERATE if first == second else AttemptOutcome.CONNECTED,
                reason="",
                saddle=number,
                n_evaluations=0,
            )
        )
    if attempts:
        round = ConnectRound(
            index=index,
            transition_states=tuple(states),
            attempts=tuple(attempts),
            wall_seconds=record.connect_seconds,
        )
        store.commit_connections(round)
        session.record = record.with_connections(round)
