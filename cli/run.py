"""`pes-explore run`: exploration of the minima of a molecule."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import options
from explorer.io.sequence import Caps

EXAMPLE = "Example: pes-explore run --sequence AAA --out runs/aaa --time-limit 10 --walkers 16 --seed 1"
FILES = options.FILES
MoleculeOption = partial(typer.Option, rich_help_panel=options.MOLECULE)
SearchOption = partial(typer.Option, rich_help_panel=options.SEARCH)


def run(
    input: Annotated[
        str | None,
        typer.Argument(
            help="Structure file (PDB, XYZ, SDF, MOL2, CIF, ...), or the name of a shipped peptide; "
            "with --resume the folder of a run."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Output folder (runs/ and the name of the molecule).", rich_help_panel=FILES),
    ] = None,
    smiles: Annotated[
        str | None, MoleculeOption(metavar="S", help="SMILES of the molecule, in place of INPUT.")
    ] = None,
    sequence: Annotated[
        str | None,
        MoleculeOption(
            metavar="AAA",
            help="One-letter sequence of a peptide, in place of INPUT; lower case for D residues, "
            "names such as [HIP] or [SEP] in brackets.",
        ),
    ] = None,
    caps: Annotated[
        Caps,
        MoleculeOption(
            help="Ends of a peptide from --sequence: ace (acetyl), h (neutral NH2) or charged NH3+; "
            "nme (NHMe), nh2 (NH2), oh (neutral COOH) or charged COO-. none: zwitterion."
        ),
    ] = "ace-nme",
    frame: Annotated[
        int | None,
        MoleculeOption(
            "--frame", "--model", metavar="N", min=1, help="Frame, model or record of an INPUT with several, from 1."
        ),
    ] = None,
    charge: options.Charge = None,
    multiplicity: options.Multiplicity = None,
    potential: options.Potential = None,
    calculator_timeout: options.CalculatorTimeout = None,
    walkers: Annotated[int | None, SearchOption(metavar="B", help=options.WALKERS)] = None,
    hops: Annotated[int | None, SearchOption(metavar="N", help="Maximum number of hops; 0: no limit (0).")] = None,
    max_evaluations: Annotated[
        int | None, SearchOption(metavar="N", help="Maximum number of force calls; 0: no limit (0).")
    ] = None,
    time_limit: Annotated[float | None, SearchOption(metavar="MINUTES", help=options.TIME_LIMIT)] = None,
    stop_at: Annotated[float | None, SearchOption(metavar="SHARE", help=options.STOP_AT)] = None,
    window: options.Window = None,
    connect: Annotated[
        bool | None,
        SearchOption(
            "--connect/--no-connect",
            help="Find transition states in the time and the force calls that the search leaves; it uses half at most.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, SearchOption(metavar="S", help="Seed of the random numbers; the same seed gives the same run (0).")
    ] = None,
    moves: options.Moves = None,
    allow: options.Allow = None,
    max_uncertainty: options.MaxUncertainty = None,
    precision: options.Precision = None,
    exact: options.Exact = None,
    mirror: options.Mirror = None,
    config: options.Config = None,
    set_: options.Set = None,
    start_from: Annotated[
        Literal["missed"] | None,
        SearchOption(
            help="With --resume: start walkers from the training minima that pes-explore compare found missed."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in DIR.", rich_help_panel=FILES)] = False,
    force: options.Force = False,
) -> None:
    """Explore the minima of a molecule and write a report.

    Writes run.sqlite, index.html (the report), minima.extxyz (Å, eV), summary.json and config.toml to DIR.
    Ctrl-C, SIGTERM and SIGHUP stop after the current round; the results are written and the exit code is 0. After the
    last two the comparison with the training data is left out. A second Ctrl-C stops at once with exit code 130.
    pes-explore run --resume DIR continues, also after a crash. With --force an old run stays until the first round of
    the new one is stored.
    """
    from cli.environment import prepare_environment

    prepare_environment()  # it may restart the process, so nothing is read before
    from cli import search
    from cli.shipped import find_input
    from explorer.config_file import setting_of
    from explorer.io.source import load_molecule

    given = {
        "potential": potential,
        "calculator_timeout": calculator_timeout,
        "precision": precision,
        "exact": exact,
        "seed": seed,
        "mirror": mirror,
        "walkers": walkers,
        "moves": moves,
        "allow": allow,
        "max_uncertainty": max_uncertainty,
        "hops": hops,
        "max_evaluations": max_evaluations,
        "time_limit": time_limit,
        "stop_at": stop_at,
        "window": options.energy(window),
        "connect": connect,
    }
    flags = {setting_of(name): value for name, value in given.items()}
    if resume:
        if out is None and input is None:
            raise typer.BadParameter("the folder of a run is required: pes-explore run --resume DIR")
        search.resume(options.folder_of(out or Path(str(input))), config, flags, set_, start_from == "missed")
        return
    if start_from is not None:
        raise typer.BadParameter("--start-from belongs to --resume: only a run that was compared has missed minima")
    molecule = load_molecule(find_input(input), smiles, sequence, caps, charge, multiplicity, frame)
    search.start(molecule, out or search.default_folder(molecule), config, flags, set_, force)
