"""`pes-explore path`: the lowest-barrier path between two minima of a run."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.device import prepare_device
from cli.output import print_table, refuse_to_overwrite, say
from cli.progress import counted_progress
from explorer.errors import InputError

EXAMPLE = "Example: pes-explore path runs/aaa 0 cis-amide --out path.extxyz"


def path(
    run: options.RunFolder,
    start: Annotated[str, typer.Argument(metavar="A", help=f"Start: {options.MINIMA}")],
    end: Annotated[str, typer.Argument(metavar="B", help="End, in the same form.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the frames of the path as extended XYZ.")
    ] = None,
    images: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Frames between a saddle and each of its minima, by descents of the surface."
        ),
    ] = 8,
    fastest: Annotated[
        int,
        typer.Option(metavar="K", min=0, help="List the K fastest paths in place of the one of lowest barrier."),
    ] = 0,
    temperature: Annotated[
        float | None, typer.Option(metavar="K", min=1.0, help="Temperature of the fastest paths, K (that of the run).")
    ] = None,
    force: options.Force = False,
) -> None:
    """Show the path of lowest barrier between two minima, or the fastest paths, and write its frames.

    Energies are in kcal/mol above the lowest conformer. A path runs over the saddles that pes-explore connect found;
    where these do not connect the minima, it uses upper bounds of barriers along hops and says so.
    """
    from explorer.analysis.profile import lowest_barrier_profile
    from explorer.analysis.profile_table import fastest_profiles, profile_rows
    from explorer.analysis.run_analysis import RunAnalysis
    from explorer.analysis.states import find_minima
    from explorer.workflows.session import Session

    if out is not None and not force:
        refuse_to_overwrite([out])
    session = Session.open(run)  # fails for a missing run before the device is prepared
    if out is not None and images:
        prepare_device()  # it may restart the process, so nothing may be written before
    analysis = RunAnalysis(session.record, temperature or 0.0)
    starts, ends = find_minima(analysis, start), find_minima(analysis, end)
    if fastest:
        profiles = fastest_profiles(analysis, starts, ends, fastest)
    else:
        profiles = [profile for profile in [lowest_barrier_profile(analysis, starts, ends)] if profile]
    if not profiles:
        raise InputError(f"No path joins {start} and {end} yet. Search for saddles with pes-explore connect RUN.")
    for profile in profiles:
        print_table(profile_rows(analysis, profile), ("step", "structure", "energy (kcal/mol)"))
        say(*profile.remarks)
    if out is None:
        return
    from explorer.workflows.path import path_frames, write_path

    with counted_progress("descents") as progress:
        frames, remarks = path_frames(session, analysis, profiles[0], images, progress)
    say(*remarks)
    print(write_path(analysis, frames, out))
