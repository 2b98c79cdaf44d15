"""`pes-explore run`: explore a molecule."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import options

EXAMPLE = "Example: pes-explore run --sequence AAA --out runs/aaa --time-limit 10 --walkers 16 --seed 1"
FILES = options.FILES
Given = partial(typer.Option, rich_help_panel=options.MOLECULE)
Search = partial(typer.Option, rich_help_panel=options.SEARCH)


def run(
    input: Annotated[
        str | None, typer.Argument(help="PDB, XYZ, SDF or MOL file; with --resume a run's folder.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="For the results.", rich_help_panel=FILES)] = None,
    smiles: Annotated[str | None, Given(metavar="S", help="A molecule without a file.")] = None,
    sequence: Annotated[str | None, Given(metavar="AAA", help="A peptide by its one-letter residues.")] = None,
    caps: Annotated[
        Literal["ace-nme", "ace", "nme", "none"], Given(help="Ends of a peptide given by --sequence.")
    ] = "ace-nme",
    charge: options.Charge = None,
    multiplicity: options.Multiplicity = None,
    potential: options.Potential = None,
    walkers: Annotated[int | None, Search(metavar="B", help=options.WALKERS)] = None,
    hops: Annotated[int | None, Search(metavar="N", help="Stop after N hops; 0: never (0).")] = None,
    max_evaluations: Annotated[int | None, Search(metavar="N", help="Stop after N force calls; 0: never (0).")] = None,
    time_limit: Annotated[float | None, Search(metavar="MINUTES", help=options.TIME_LIMIT)] = None,
    stop_at: Annotated[float | None, Search(metavar="SHARE", help=options.STOP_AT)] = None,
    window: options.Window = None,
    seed: Annotated[int | None, Search(metavar="S", help="Integer; the run is a function of it (0).")] = None,
    moves: options.Moves = None,
    allow: options.Allow = None,
    max_uncertainty: options.MaxUncertainty = None,
    precision: options.Precision = None,
    exact: options.Exact = None,
    mirror: options.Mirror = None,
    config: options.Config = None,
    set_: options.Set = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR.", rich_help_panel=FILES)] = False,
    force: options.Force = False,
) -> None:
    """Explore the minima of a molecule and write a report.

    Leaves run.sqlite, index.html, minima.extxyz (Å, eV), summary.json and config.toml in DIR.
    Ctrl-C stops cleanly after the round; pes-explore run --resume DIR goes on, also after a crash.
    """
    from cli import search
    from cli.shipped import find_input
    from explorer.io.source import load_molecule

    flags = {
        "potential": potential,
        "precision": precision,
        "exact": exact,
        "seed": seed,
        "identity.mirror": mirror,
        "hopping.n_walkers": walkers,
        "hopping.moves": moves,
        "hopping.allow": allow,
        "hopping.max_uncertainty": max_uncertainty,
        "budget.hops": hops,
        "budget.evaluations": max_evaluations,
        "budget.minutes": time_limit,
        "budget.coverage": stop_at,
        "budget.window": options.energy(window),
    }
    if resume:
        if out is None and input is None:
            raise typer.BadParameter("the folder of a run is wanted: pes-explore run --resume DIR")
        search.resume(options.folder_of(out or Path(str(input))), config, flags, set_)
        return
    if out is None:
        raise typer.BadParameter("--out DIR is wanted, the folder for the results")
    molecule = load_molecule(find_input(input), smiles, sequence, caps, charge, multiplicity)
    search.start(molecule, out, config, flags, set_, force)
