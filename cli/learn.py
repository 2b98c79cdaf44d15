"""`pes-explore learn`: active learning on the structures of a run."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_table, say
from cli.progress import learning_progress

EXAMPLE = "Example: pes-explore learn runs/gsg --reference so3lr --rounds 2 --out learned/gsg"


def learn(
    run: options.RunFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for models, runs and results of all rounds.")],
    reference: Annotated[
        str,
        typer.Option(
            metavar="R",
            help="Reference method: gfn2 (GFN2-xTB), so3lr or so3lr:FOLDER (the published SO3LR model) or "
            "ase:package.module:Class (that of the model of the run).",
        ),
    ] = "",
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Total number of rounds; it can be increased later.")
    ] = 3,
    n: Annotated[
        int, typer.Option("--n", metavar="N", min=3, help="Number of structures to label in each round.")
    ] = 80,
    window: Annotated[
        str | None,
        typer.Option(metavar="ENERGY", help="Energy window above the lowest conformer for minima to label (0.5eV)."),
    ] = None,
    processes: options.Processes = len(os.sched_getaffinity(0)),
    set_: options.TrainingSet = None,
) -> None:
    """Active learning: retrain the model on structures from a run.

    Each round has five steps. (1) Select N low-energy minima and saddle points with large uncertainty and large mutual
    distance. (2) Label them, their relaxation with the reference and structures around its end. (3) Train the model
    further on old and new data. (4) Explore again with the settings and the budget of RUN. (5) Relax the previous
    minima with the new model, and count those that stayed, moved, vanished or appeared. Errors are measured on up to
    12 conformers of RUN that are never labelled: forces (meV/Å), RMSD to their relaxation with the reference (Å), and
    relative energies (kcal/mol).

    Writes learn.html, learn.json and the folders round-1, round-2, ... to DIR, each with a model and a run. The same
    command continues after Ctrl-C or a crash, and with a larger --rounds.
    """
    from explorer.store.read import read_run

    folder = options.folder_of(run)
    read_run(folder)  # fails for a missing run before the device is prepared
    prepare_device()
    from cli.settings import parse_assignments
    from explorer.active_learning.plan import learn_settings, make_plan
    from explorer.active_learning.rounds import learn as run_rounds
    from explorer.report.learning import LEARNING_COLUMNS, learning_table

    settings = learn_settings(reference, n, options.energy(window), parse_assignments(set_))
    plan = make_plan(folder, out, settings)
    with stop_on_interrupt("step") as stop, learning_progress(say, stop) as progress:
        done = run_rounds(plan, rounds, processes, progress)
    print_table(learning_table(done), LEARNING_COLUMNS)
    if done:
        print(out / "learn.html")
