"""The search: start or resume a run."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float

from explorer import __version__
from explorer.comparison.merge import refuse_to_resume
from explorer.config import BudgetSettings, Settings
from explorer.config_file import to_dict, to_toml
from explorer.errors import InputError
from explorer.files import write_text
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.explore import Checkpoint, explore
from explorer.hopping.input_minimum import MoleculeRearranged
from explorer.io.settle import with_moved_protons
from explorer.landscape.budget import Progress, Tally, reached
from explorer.potential.load import ModelInfo, potential_of
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.records.run import REARRANGED_TO, Round, RunRecord
from explorer.records.structure_class import SKELETON_KEPT, StructureClass
from explorer.similarity.symmetry import symmetry_of
from explorer.store.database import RUN_FILE_NAME
from explorer.store.lock import RunLock
from explorer.store.replace import claim
from explorer.store.store import Store
from explorer.strategy.history import History
from explorer.workflows.compare_training import begin_to_read
from explorer.workflows.criteria import check_chemistry, criteria_for
from explorer.workflows.outputs import (
    CONFIG_FILE_NAME,
    delete_outputs,
)
from explorer.workflows.session import Session
from explorer.workflows.start_times import StartTimes

ReportProgress = Callable[[Progress], None]
Stop = Callable[[], bool]


def start_run(
    molecule: Molecule,
    settings: Settings,
    out: Path,
    report: ReportProgress,
    stop: Stop,
    began: float | None = None,
    lock: RunLock | None = None,
) -> Session:
    """Explore the potential-energy surface of a molecule until the budget is used or `stop` returns true.

    A molecule whose protons move when it relaxes is explored as the molecule that it becomes, and the provenance
    records the change. Zwitterions in the gas phase are the usual case.

    Args:
        molecule: Molecule to start from.
        settings: Settings of the run; they are stored with it.
        out: Folder of the run; it must not contain `run.sqlite` unless `lock` is given.
        report: Called with the progress after every round.
        stop: Called after every round; the run ends where it returns true.
        began: Time at which the command began, s since 1970; by default now.
        lock: Lock from `claim`. By default the folder is claimed here, and an existing run is not replaced.

    Returns:
        The run, open for writing until it is closed.

    Raises:
        InputError: When the molecule does not relax to a structure that the search may explore.
        StoreError: When the folder contains a run, or cannot be written.
    """
    lock = lock or claim(out / RUN_FILE_NAME)
    try:
        with StartTimes(began) as times:
            return _start_run(molecule, settings, out, report, stop, times, lock)
    except BaseException:
        lock.release()
        raise


def _start_run(
    molecule: Molecule,
    settings: Settings,
    out: Path,
    report: ReportProgress,
    stop: Stop,
    times: StartTimes,
    lock: RunLock,
) -> Session:
    potential, info = potential_of(replace(settings, precision="float64"), molecule)
    settings = with_walkers(potential, molecule, settings)
    rearranged = {}
    try:
        first, rounds = _begin(potential, info, molecule, settings)
    except MoleculeRearranged as error:
        settled, changes = with_moved_protons(molecule, error.positions), error.classification.changes
        if settled is None or StructureClass.PROTON_TRANSFERRED not in changes or changes - SKELETON_KEPT:
            raise
        molecule, rearranged = settled, {REARRANGED_TO: error.classification.reason}
        first, rounds = _begin(potential, info, molecule, settings)
    config, origin = to_dict(settings), provenance(settings, info, molecule) | rearranged
    with Store.begin(out / RUN_FILE_NAME, molecule, config, origin, lock) as store:
        store.commit(first)
        delete_outputs(out)
        write_text(to_toml(settings), out / CONFIG_FILE_NAME)
        tally = Tally()
        tally.add(first)
        reading = None
        if info.training_data and settings.training_frames:
            # it takes a second, in which a core is idle while the program of the walkers is compiled
            reading = begin_to_read(info.training_data, molecule)
        later, finished = _consume(times.watch(rounds), store, settings.budget, tally, report, stop)
        origin |= times.texts()
        store.save_provenance(origin)
    stored = json.loads(json.dumps(config))  # lists in place of tuples, as the store returns them
    empty = RunRecord(molecule=molecule, config=stored, provenance=origin, minima=(), hops=(), rounds=())
    session = Session(out, empty.with_rounds([first, *later], finished), (potential, info), lock)
    session.training_frames = reading
    return session


def _begin(
    potential: Potential, info: ModelInfo, molecule: Molecule, settings: Settings
) -> tuple[Round, Iterator[Round]]:
    """Run the first round, before files are written, so that an unsuitable molecule leaves no files."""
    history = History(symmetry_of(molecule), settings.identity)
    criteria = criteria_for(info, potential, molecule, settings)
    check_chemistry(info.name, criteria)
    rounds = explore(potential, molecule, settings, history, assess=criteria)
    return next(rounds), rounds


def resume_run(
    session: Session,
    report: ReportProgress,
    stop: Stop,
    budget: BudgetSettings | None = None,
    began: float | None = None,
    given: Sequence[Float[np.ndarray, "N 3"]] = (),
) -> Session:
    """Continue a stored run with the random numbers that it would have drawn without an interruption.

    Args:
        session: The run.
        report: Called with the progress after every round.
        stop: Called after every round; the run ends where it returns true.
        budget: Budget in place of the stored one; its limits count from the start of the run.
        began: Time at which the command began, s since 1970; by default now.
        given: Structures to which walkers jump first, Å.

    Returns:
        The run, still open.

    Raises:
        InputError: When the run has no finished round, was merged, or was made with another model.
    """
    with StartTimes(began) as times:
        return _resume_run(session, report, stop, budget, times, given)


def _resume_run(
    session: Session,
    report: ReportProgress,
    stop: Stop,
    budget: BudgetSettings | None,
    times: StartTimes,
    given: Sequence[Float[np.ndarray, "N 3"]],
) -> Session:
    record, settings = session.record, session.settings
    refuse_to_resume(record, str(session.folder))
    settings = replace(settings, budget=budget or settings.budget)
    session.require_same_model()
    potential = session.potential("float64")
    departures = Counter(hop.start for hop in record.hops)
    # a minimum that `connect` found has no visit
    visits = {minimum: max(1, count) for minimum, count in record.visits.items()}
    history = History(symmetry_of(record.molecule), settings.identity, record.minima, visits, departures)
    with session.writing() as store:
        last = store.last_round()
        if last is None:
            raise InputError(f"{session.folder} has no finished round to continue from. Start it again with --force.")
        tally = Tally.of_run(record)
        if reason := reached(settings.budget, tally.progress(settings.budget.of_search)):
            if given:
                raise InputError(
                    f"The run has ended: {reason}. Give a new limit, such as --time-limit or --hops. It counts from "
                    "the start of the run."
                )
        else:
            checkpoint = Checkpoint(*last, record.hops)
            assess = criteria_for(session.model, potential, record.molecule, settings)
            rounds = explore(potential, record.molecule, settings, history, checkpoint, assess, given)
            watched = times.watch(rounds, tally.wall_seconds)
            consumed = _consume(watched, store, settings.budget, tally, report, stop)
            provenance = record.provenance | times.texts()
            store.save_provenance(provenance)
            session.record = replace(record.with_rounds(*consumed), provenance=provenance)
    return session


def provenance(settings: Settings, info: ModelInfo, molecule: Molecule) -> dict[str, str]:
    """Return the provenance of a run: versions, digests and devices."""
    content = json.dumps([molecule.atomic_numbers.tolist(), molecule.positions.tolist(), molecule.bonds.tolist()])
    return {
        "version": __version__,
        "seed": str(settings.seed),
        "potential": info.name,
        "potential_digest": info.digest,
        "reference": info.reference,
        "training_data": info.training_data.name if info.training_data else "",
        "molecule_digest": hashlib.sha256(content.encode()).hexdigest()[:16],
        "jax": jax.__version__,
        "python": platform.python_version(),
        "devices": ", ".join(str(device) for device in jax.devices()),
        "machine": platform.machine(),
    }


def _consume(
    rounds: Iterator[Round], store: Store, budget: BudgetSettings, tally: Tally, report: ReportProgress, stop: Stop
) -> tuple[list[Round], str]:
    """Store rounds until the budget is used; return them and the reason for the end of the run."""
    done: list[Round] = []
    for round in rounds:
        store.commit(round)
        done.append(replace(round, walkers={}))  # the state of the walkers is in the store
        tally.add(round)
        progress = tally.progress(budget.of_search)
        report(progress)
        if reason := "stopped by the user" if stop() else reached(budget, progress):
            store.finish(reason)
            return done, reason
    return done, ""
