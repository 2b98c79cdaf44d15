"""`pes-explore export`: a run in the formats of other programs."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import refuse_to_overwrite

EXAMPLE = "Example: pes-explore export runs/aaa --format sdf,graphml --out exported"


def export(
    run: options.RunFolder,
    format: Annotated[
        str, typer.Option(metavar="LIST", help="Any of extxyz, sdf, graphml and csv, separated by commas.")
    ] = "extxyz,sdf,graphml,csv",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to write to (export in the run's folder).")
    ] = None,
    force: options.Force = False,
) -> None:
    """Write minima, graph and hops for other programs.

    extxyz, sdf: the minima in ascending energy, Å and eV. graphml: minima and hops as a graph.
    csv: one line per minimum and one per hop, eV and K.
    """
    from explorer.store.export import FORMATS
    from explorer.store.export import export as write
    from explorer.store.read import read_run

    record = read_run(run)
    folder = out or options.folder_of(run) / "export"
    formats = [name.strip() for name in format.split(",")]
    if not force:
        refuse_to_overwrite(folder / file for name in formats for file, _ in FORMATS.get(name, ()))
    for path in write(record, folder, formats):
        print(path)
