"""`pes-explore export`: files of a run for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import refuse_to_overwrite

EXAMPLE = "Example: pes-explore export runs/aaa --format sdf,graphml --out exported"


def export(
    run: options.RunFolder,
    format: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Formats: extxyz, sdf, graphml, csv, json, saddles and pathsample, separated by commas.",
        ),
    ] = "extxyz,sdf,graphml,csv",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Output folder (export in the folder of the run).")
    ] = None,
    all_minima: Annotated[
        bool, typer.Option("--all", help="Add the minima that the model does not know; they have an exclusion.")
    ] = False,
    force: options.Force = False,
) -> None:
    """Write the results and the hops of a run for other programs.

    Results are the minima that the model knows. extxyz and sdf: minima in ascending energy (Å, eV).
    graphml and json: network of minima, saddles and hops. csv: one table of minima and one of all hops (eV, K).
    saddles: transition states of `connect` in ascending energy (Å, eV), with the ids of both minima.
    pathsample: min.data and ts.data for PATHSAMPLE, pele and PyGT (eV, radians per second).
    """
    from explorer.store.export import FORMATS
    from explorer.store.export import export as write
    from explorer.store.read import read_run

    record = read_run(run)
    folder = out or options.folder_of(run) / "export"
    formats = [name.strip() for name in format.split(",")]
    if not force:
        refuse_to_overwrite(folder / file for name in formats for file, _ in FORMATS.get(name, ()))
    for path in write(record, folder, formats, all_minima):
        print(path)
