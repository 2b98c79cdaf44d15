"""Command line in the test process, with synthetic runs; no command may restart the process."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from cli.main import main
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.io.build import from_sequence
from explorer.landscape.coverage import coverage_of
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.store.lock import RunLock
from explorer.store.store import Store
from explorer.workflows.outputs import write_results
from explorer.workflows.session import Session

PROGRESS = SimpleNamespace(
    rounds=1,
    n_hops=4,
    n_minima=3,
    n_conformers=2,
    lowest_energy=-1.25,
    n_flipped=0,
    n_unknown=0,
    unknown_share=0.0,
    n_evaluations=300,
    wall_seconds=12.0,
    fraction=0.25,
    coverage=coverage_of(np.zeros(4), np.array([1, 2, 1, 9]), 0.0),
)


class Answer(NamedTuple):
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def pes_explore(monkeypatch, capsys) -> Callable[..., Answer]:
    """`pes_explore("report", folder)` runs the console script's function."""
    monkeypatch.setattr("cli.device.prepare_device", lambda: None)
    for name in ("relax", "compare", "merge", "validate", "train", "learn", "hunt"):
        monkeypatch.setattr(f"cli.{name}.prepare_device", lambda: None)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["pes-explore", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exit:
            code = exit.code or 0
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture
def make_run() -> Callable[[Path], None]:
    """Writes a run of Ac-Ala-NHMe with three minima and four hops into a folder."""

    def make(folder: Path, settings: Settings = Settings(), lock: RunLock | None = None) -> None:
        molecule = from_sequence("A")
        noise = np.random.default_rng(0).normal(scale=0.1, size=(3, molecule.n_atoms, 3))
        minima = tuple(
            Minimum(
                id=i,
                energy=-10.0 + 0.1 * i,
                positions=molecule.positions + noise[i],
                structure_class=StructureClass.INTACT,
                fmax=0.004,
                n_evaluations=100 * i,
                round=0,
            )
            for i in range(3)
        )
        ends = ((-1, 0, Outcome.NEW), (0, 1, Outcome.NEW), (1, 2, Outcome.NEW), (2, None, Outcome.FAILED))
        hops = tuple(
            Hop(
                walker=0,
                index=k,
                round=0,
                start=start,
                end=end,
                outcome=outcome,
                reason="",
                accepted=True,
                temperature=400.0,
                ediff=0.08,
                highest_energy=-9.0,
                n_evaluations=50,
            )
            for k, (start, end, outcome) in enumerate(ends)
        )
        with Store.begin(
            folder / "run.sqlite", molecule, to_dict(settings), {"potential_digest": "3f9a17c2be04"}, lock
        ) as store:
            store.commit(
                Round(
                    index=0,
                    minima=minima,
                    hops=hops,
                    walkers={},
                    n_evaluations=300,
                    wall_seconds=12.0,
                    potential_seconds=9.0,
                )
            )
            store.finish("time limit")

    return make


@pytest.fixture
def search(monkeypatch, make_run):
    """A search that only notes what it was asked and writes the run of `make_run`."""
    asked = SimpleNamespace(settings=None, molecule=None, budget="never resumed", finished=[], error=None, during=None)

    def start_run(molecule, settings, out, report, stop, began=None, lock=None):
        if asked.error:
            raise asked.error
        asked.molecule, asked.settings = molecule, settings
        make_run(out, settings, lock)
        report(PROGRESS)
        if asked.during:
            asked.during(PROGRESS)
        return Session.open(out)

    def resume_run(session, report, stop, budget=None, began=None, given=()):
        asked.budget, asked.given = budget, list(given)
        report(PROGRESS)
        return session

    def write_outputs(session, progress=None, without_comparison=lambda: False):
        asked.without_comparison = without_comparison()
        asked.finished.append(session.folder)
        return write_results(session.record, session.folder)

    search, results = ModuleType("explorer.workflows.run"), ModuleType("explorer.workflows.results")
    search.start_run, search.resume_run = start_run, resume_run
    results.missed_structures = lambda session: ["a missed minimum"]
    results.write_outputs = write_outputs
    for module in (search, results):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("cli.search.prepare_device", lambda: None)
    return asked
