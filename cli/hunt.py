"""`pes-explore hunt`: search random molecules for errors of a network, and train it on them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_table, say
from cli.progress import learning_progress

EXAMPLE = "Example: pes-explore hunt default --reference so3lr --rounds 2 --out hunts/default"


def hunt(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Network to improve: its name or folder.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for searches, labels and models of all rounds.")],
    reference: Annotated[
        str,
        typer.Option(
            metavar="R",
            help="Reference method: gfn2 (GFN2-xTB), so3lr or so3lr:FOLDER (the published SO3LR model) or "
            "ase:package.module:Class (that of MODEL).",
        ),
    ] = "",
    second_reference: Annotated[
        str,
        typer.Option(metavar="R", help="Method that leaves out frames with large forces where it disagrees (none)."),
    ] = "",
    molecules: Annotated[
        Path | None,
        typer.Option(
            metavar="TOML", help="Recipe whose molecules are searched (random peptides and other chain molecules)."
        ),
    ] = None,
    n: Annotated[int, typer.Option("--n", metavar="N", min=1, help="Number of molecules in each round.")] = 20,
    rounds: Annotated[
        int, typer.Option(metavar="N", min=1, help="Largest number of rounds; it can be increased later.")
    ] = 3,
    evaluations: Annotated[int, typer.Option(metavar="N", min=1, help="Force calls of each search.")] = 2000,
    max_energy_error: Annotated[
        str, typer.Option(metavar="ENERGY", help="Error of a relative energy above which a minimum is wrong.")
    ] = "5kcal",
    replay: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Training data of MODEL (those beside it or shipped).")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of molecules and searches.")] = 0,
    processes: options.Processes = len(os.sched_getaffinity(0)),
    set_: options.TrainingSet = None,
) -> None:
    """Hunt for errors of a model: search random molecules, label what is wrong or unknown, and train on.

    Each round has four steps. (1) Search N molecules that no round has searched before. (2) Compute all minima with the
    reference. A minimum is a find if it is a hole (an impossible energy, bond or distance), out of distribution or
    uncertain, or if its relative energy or its forces are wrong. (3) Label the finds, the ways into them on the model
    and the ways out of them on the reference. (4) Train the model further on these and on a sample of its old data.

    The hunt ends when a round finds nothing but uncertain minima that are right. Verdicts of the model are compared
    with its true errors before it is trained on them.

    Writes hunt.html, hunt.json and the folders round-1, round-2, ... to DIR, each with its searches and a model. The
    same command continues after Ctrl-C or a crash, and with a larger --rounds.
    """
    prepare_device()
    from cli.settings import parse_assignments
    from explorer.active_learning.hunt import hunt as run_rounds
    from explorer.active_learning.hunt_plan import HUNT_TUNING, HuntSettings, make_hunt_plan
    from explorer.active_learning.plan import with_fit_overrides
    from explorer.report.hunt import HUNT_COLUMNS, VERDICT_COLUMNS, hunt_table, verdict_rows
    from explorer.units import parse_energy

    settings = HuntSettings(
        reference=reference,
        second_reference=second_reference,
        recipe=str(molecules.resolve()) if molecules else "",
        replay=str(replay.resolve()) if replay else "",
        n=n,
        evaluations=evaluations,
        max_energy_error=parse_energy(max_energy_error, "--max-energy-error"),
        seed=seed,
        fit=with_fit_overrides(HUNT_TUNING, parse_assignments(set_)),
    )
    plan = make_hunt_plan(model, out, settings)
    with stop_on_interrupt("step") as stop, learning_progress(say, stop) as progress:
        done = run_rounds(plan, rounds, processes, progress)
    print_table(hunt_table(done), HUNT_COLUMNS)
    print_table(verdict_rows(done), VERDICT_COLUMNS)
    if done:
        print(out / "hunt.html")
