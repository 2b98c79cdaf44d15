"""The composition root: from a molecule and settings to a stored run, and from a stored run to its outputs."""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from explorer import __version__
from explorer.compare.merge import refuse_to_resume
from explorer.config import BudgetSettings, Settings
from explorer.config_file import to_dict, to_toml, with_overrides
from explorer.errors import ConfigError, InputError
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.explore import Checkpoint, explore
from explorer.hopping.input_minimum import MoleculeRearranged
from explorer.io.settle import with_moved_protons
from explorer.landscape.budget import Progress, Tally, reached
from explorer.potential.load import ModelInfo, in_precision, potential_of
from explorer.potential.potential import Potential
from explorer.potential.properties import properties_of
from explorer.records.molecule import Molecule
from explorer.records.run import REARRANGED_TO, Round, RunRecord
from explorer.records.structure_class import SKELETON_KEPT, StructureClass
from explorer.records.uncertainty import TrustLevel
from explorer.report.html import write_report
from explorer.report.summary import summarise, write_summary
from explorer.similarity.symmetry import symmetry_of
from explorer.store.database import FILE_NAME
from explorer.store.export import export_minima_extxyz
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.strategy.history import History
from explorer.system import system_of
from explorer.uncertainty.assessor import MoleculeAssessor, load_assessor

ReportProgress = Callable[[Progress], None]
Stop = Callable[[], bool]


def start_run(molecule: Molecule, settings: Settings, out: Path, report: ReportProgress, stop: Stop) -> RunRecord:
    """Explore from a molecule until the budget is used or `stop` says so.

    Args:
        molecule: where to start.
        settings: all of them; they are stored.
        out: folder of the run; `run.sqlite` in it must not exist.
        report: called after every round.
        stop: asked after every round.

    Returns:
        The run as it is stored.

    A molecule whose protons move when it relaxes, as those of a zwitterion without water do, is explored as what it
    has become; its provenance says so.
    """
    potential, info = potential_of(replace(settings, precision="float64"), molecule)
    settings = with_walkers(potential, molecule, settings)
    became = {}
    try:
        first, rounds = _begin(potential, info, molecule, settings)
    except MoleculeRearranged as error:
        settled, changes = with_moved_protons(molecule, error.positions), error.classification.changes
        if settled is None or StructureClass.PROTON_TRANSFERRED not in changes or changes - SKELETON_KEPT:
            raise
        molecule, became = settled, {REARRANGED_TO: error.classification.reason}
        first, rounds = _begin(potential, info, molecule, settings)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.toml").write_text(to_toml(settings))
    origin = provenance(settings, info, molecule) | became
    with Store.begin(out / FILE_NAME, molecule, to_dict(settings), origin) as store:
        store.commit(first)
        tally = Tally()
        tally.add(first)
        _consume(rounds, store, settings.budget, tally, report, stop)
    return read_run(out)


def _begin(
    potential: Potential, info: ModelInfo, molecule: Molecule, settings: Settings
) -> tuple[Round, Iterator[Round]]:
    """The first round and those after it: a molecule that cannot be explored leaves no files behind."""
    history = History(symmetry_of(molecule), settings.identity)
    assess = assess_with(info, potential, molecule, settings)
    rounds = explore(potential, molecule, settings, history, assess=assess)
    return next(rounds), rounds


def resume_run(out: Path, report: ReportProgress, stop: Stop, budget: BudgetSettings | None = None) -> RunRecord:
    """Go on with a stored run, drawing the same random numbers as if it had never stopped.

    Args:
        out: folder of the run.
        report: called after every round.
        stop: asked after every round.
        budget: replaces the stored one; limits count from the start of the run.
    """
    record = read_run(out)
    refuse_to_resume(record, str(out))
    settings: Settings = with_overrides(Settings(), record.config)
    settings = replace(settings, budget=budget or settings.budget)
    potential, info = potential_of(replace(settings, precision="float64"), record.molecule)
    require_same_model(record, info)
    departures = Counter(hop.start for hop in record.hops)
    history = History(symmetry_of(record.molecule), settings.identity, record.minima, record.visits, departures)
    with Store.resume(out / FILE_NAME) as store:
        last = store.last_round()
        if last is None:
            raise InputError(f"{out} holds no finished round to go on from. Start it again with --force.")
        tally = Tally.of_run(record)
        if not reached(settings.budget, tally.progress(settings.budget)):
            checkpoint = Checkpoint(*last, record.hops)
            assess = assess_with(info, potential, record.molecule, settings)
            rounds = explore(potential, record.molecule, settings, history, checkpoint, assess)
            _consume(rounds, store, settings.budget, tally, report, stop)
    return read_run(out)


def assess_with(
    info: ModelInfo, potential: Potential, molecule: Molecule, settings: Settings
) -> MoleculeAssessor | None:
    """What says how well the model of a run knows structures; None where it does not say.

    Raises:
        ConfigError: when it does not say but must.
    """
    assessor = load_assessor(info.folder) if info.folder else None
    if assessor is None:
        if settings.hopping.max_uncertainty != TrustLevel.OUT_OF_DISTRIBUTION:
            raise ConfigError(
                f"{info.name} does not say where it is uncertain, so --max-uncertainty "
                f"{settings.hopping.max_uncertainty} cannot be kept. Leave it out, or use a model that has a "
                "calibration.json."
            )
        return None
    system = system_of(molecule, jnp.dtype(settings.precision))
    return MoleculeAssessor(assessor, in_precision(potential, settings.precision), system)


def finish_outputs(out: Path) -> dict:
    """Compare with the training data where that is not done yet, and write all files of a run.

    Returns:
        The content of `summary.json`.
    """
    record = read_run(out)
    settings: Settings = with_overrides(Settings(), record.config)
    if record.comparison is None and settings.training_frames > 0:
        from explorer.workflows.compare_training import compare_run

        if compare_run(out, None, settings.training_frames) is not None:
            record = read_run(out)
    if record.properties is None or len(record.properties) < len(record.minima):
        record = _with_properties(out, record, settings)
    export_minima_extxyz(record, out / "minima.extxyz")
    write_summary(record, out / "summary.json")
    write_report(record, out / "index.html", settings.temperature)
    return summarise(record)


def _with_properties(out: Path, record: RunRecord, settings: Settings) -> RunRecord:
    """The run with what its model says of all minima beside their energy, stored where it says anything."""
    potential, _ = potential_of(settings, record.molecule)
    system = system_of(record.molecule, jnp.dtype(settings.precision))
    properties = properties_of(potential, system, np.array([m.positions for m in record.minima]))
    if properties is None:
        return record
    with Store.resume(out / FILE_NAME) as store:
        store.save_properties(properties)
    return replace(record, properties=properties)


def provenance(settings: Settings, info: ModelInfo, molecule: Molecule) -> dict[str, str]:
    """Where the numbers of a run come from: versions, digests, host."""
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


def _consume(rounds, store: Store, budget: BudgetSettings, tally: Tally, report: ReportProgress, stop: Stop) -> None:
    for round in rounds:
        store.commit(round)
        tally.add(round)
        progress = tally.progress(budget)
        report(progress)
        if stop():
            store.finish("stopped by the user")
            return
        if reason := reached(budget, progress):
            store.finish(reason)
            return


def require_same_model(record: RunRecord, info: ModelInfo) -> None:
    """Raises an `InputError` when a name no longer stands for the model that a run was made with."""
    before = record.provenance.get("potential_digest", "")
    if before != info.digest:
        raise InputError(
            f"The run was made with model {record.provenance.get('potential')} ({before}), but that name now "
            f"stands for {info.digest}. Give back the old checkpoint folder, or start a new run."
        )
