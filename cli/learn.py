"""`pes-explore learn`: a network that learns from the landscape it was used to explore."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_table, say
from cli.progress import learning_progress

EXAMPLE = "Example: pes-explore learn runs/gsg --reference gfn2 --rounds 2 --out learned/gsg"


def learn(
    run: options.RunFolder,
    out: Annotated[Path, typer.Option(metavar="DIR", help="For models, runs and results of all rounds.")],
    reference: Annotated[
        str, typer.Option(metavar="R", help="gfn2 (GFN2-xTB), or ase:package.module:Class (that of the run's network).")
    ] = "",
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="Rounds in all; may be raised later.")] = 3,
    n: Annotated[int, typer.Option("--n", metavar="N", min=3, help="Structures to label in each round.")] = 80,
    window: Annotated[
        str | None,
        typer.Option(metavar="ENERGY", help="Label minima up to this far above the lowest conformer (0.5eV)."),
    ] = None,
    processes: Annotated[
        int, typer.Option(metavar="N", min=1, help="Of the reference at a time (all cores).", show_default=False)
    ] = len(os.sched_getaffinity(0)),
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Of the trainings, such as fit.epochs=20. Repeatable."),
    ] = None,
) -> None:
    """Make the network of a run better where the run went, and show how its landscape changes.

    Each round takes N low minima and saddles of the run that the network is least sure of and that differ most; labels
    them, their relaxation and structures around its end with the reference; trains the network on, old data beside
    new; explores again with settings and budget of RUN; and relaxes the old minima on the new surface: which stayed,
    moved, vanished, appeared. Errors are those of up to 12 conformers of RUN that are never labelled: force (meV/Å),
    RMSD to where the reference relaxes them (Å), energies (kcal/mol).

    Leaves learn.html, learn.json, and round-1, round-2, ... in DIR, each with a model and a run like any other.
    Every step is done once: the same call goes on after Ctrl-C or a crash, and with more --rounds.
    """
    from explorer.store.read import read_run

    folder = options.folder_of(run)
    read_run(folder)  # a run that is missing is refused before the device is prepared
    prepare_device()
    from cli.settings import parse_assignments
    from explorer.active_learning.plan import learn_settings, make_plan
    from explorer.active_learning.rounds import learn as go_on
    from explorer.report.learning import LEARNING_COLUMNS, learning_table

    settings = learn_settings(reference, n, options.energy(window), parse_assignments(set_))
    course = make_plan(folder, out, settings)
    with stop_on_interrupt("step") as stop, learning_progress(say, stop) as watch:
        done = go_on(course, rounds, processes, watch)
    print_table(learning_table(done), LEARNING_COLUMNS)
    if done:
        print(out / "learn.html")
