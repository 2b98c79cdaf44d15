"""`pes-explore rates`: rate constants and passage times between minima or groups of minima of a run."""

import json
from typing import Annotated, Literal

import typer

from cli import options
from cli.device import prepare_device
from cli.interrupt import stop_on_interrupt
from cli.output import print_table, say
from cli.progress import counted_progress

EXAMPLE = "Example: pes-explore rates runs/aaa --from 'phi1<0' --to 'phi1>0' --temperature 300"


def rates(
    run: options.RunFolder,
    source: Annotated[str, typer.Option("--from", metavar="A", help=f"Minima to leave: {options.MINIMA}")],
    target: Annotated[str, typer.Option("--to", metavar="B", help="Minima to reach, in the same form.")],
    temperature: Annotated[
        float | None, typer.Option(metavar="K", min=1.0, help="Temperature, K (that of the run: 300).")
    ] = None,
    harmonic: Annotated[
        bool, typer.Option("--harmonic", help="Classical harmonic rates (Vineyard) in place of quasi-RRHO.")
    ] = False,
    lump: Annotated[
        str, typer.Option(metavar="TIME", help="Treat minima that exchange faster as one, such as 1ns or 1e-9s.")
    ] = "",
    paths: Annotated[int, typer.Option(metavar="K", min=1, help="Number of fastest paths.")] = 3,
    stored: Annotated[
        bool, typer.Option("--stored", help="Use stored vibrations only; compute none that are missing.")
    ] = False,
    format: Annotated[Literal["table", "json"], typer.Option(help="Format of the output.")] = "table",
) -> None:
    """Compute how fast minima interconvert: rate constants (1/s) and mean first-passage times (s).

    Transition state theory over the saddles that pes-explore connect found. Missing vibrations of their minima and of
    the saddles are computed and stored first. The answer says what it rests on, and gives lower limits where saddles
    are missing.
    """
    from explorer.analysis.kinetic_model import kinetic_model
    from explorer.analysis.kinetics import exchange, exchange_as_json
    from explorer.analysis.kinetics_table import exchange_rows
    from explorer.analysis.run_analysis import RunAnalysis
    from explorer.analysis.states import find_minima
    from explorer.units import parse_time
    from explorer.workflows.missing_vibrations import complete_vibrations, missing_vibrations
    from explorer.workflows.session import Session

    longest = parse_time(lump, "--lump") if lump else 0.0
    session = Session.open(run)
    analysis = RunAnalysis(session.record, temperature or 0.0)
    sources, targets = find_minima(analysis, source), find_minima(analysis, target)
    if not stored and missing_vibrations(session.record).count:
        prepare_device()
        with Session.open(run, writing=True) as session:
            with stop_on_interrupt("batch") as stop, counted_progress("vibrations") as progress:
                complete_vibrations(session, progress, stop)
            analysis = RunAnalysis(session.record, temperature or 0.0)
    result = exchange(kinetic_model(analysis, classical=harmonic), sources, targets, paths, longest)
    if format == "json":
        print(json.dumps(exchange_as_json(result), indent=1))
    else:
        print_table(exchange_rows(analysis, result))
        say(*result.remarks)
