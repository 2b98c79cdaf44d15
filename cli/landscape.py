"""`pes-explore landscape`: networks of minima and transition states that other programs made."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import options
from cli.application import Application
from cli.output import print_table, refuse_to_overwrite

EXAMPLE = "Example: pes-explore landscape import path/to/pathsample --units kcal/mol --out landscape"
app = Application(no_args_is_help=True, help="Read networks of minima and transition states of other programs.")
FILES = ("graph.json", "disconnectivity.svg")


@app.command("import", epilog=EXAMPLE)
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="Folder with min.data and ts.data of PATHSAMPLE, or a database file of pele (SQLite)."
        ),
    ],
    units: Annotated[
        Literal["eV", "kcal/mol", "kJ/mol", "hartree", "reduced"],
        typer.Option(help="Unit of the energies, which these files do not tell. reduced: ε of Lennard-Jones."),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Output folder.")] = Path("landscape"),
    force: options.Force = False,
) -> None:
    """Read a database of PATHSAMPLE or pele: write its graph and draw its disconnectivity graph.

    graph.json has the form of export --format json, with energies in eV (ε for reduced units): networkx reads it with
    node_link_graph(data, edges="edges"). disconnectivity.svg numbers the lowest minima as the database does.
    """
    import networkx as nx

    from explorer.files import write_json
    from explorer.io.energies import unit_in_ev
    from explorer.landscape.databases import database_graph, read_database
    from explorer.report.disconnectivity_svg import draw_disconnectivity

    if not force:
        refuse_to_overwrite([out / name for name in FILES])
    size = 1.0 if units == "reduced" else unit_in_ev(units)
    graph = database_graph(read_database(path), size)
    out.mkdir(parents=True, exist_ok=True)
    write_json(nx.node_link_data(graph, edges="edges"), out / FILES[0])
    draw_disconnectivity(graph, size, "ε" if units == "reduced" else units, out / FILES[1])
    parts = sorted(map(len, nx.connected_components(graph)), reverse=True)
    loops = nx.number_of_selfloops(graph)
    print_table(
        [
            ("minima", str(len(graph))),
            ("transition states", f"{graph.number_of_edges()}, {loops} of them from a minimum to itself"),
            ("connected parts", f"{len(parts)}, the largest of {parts[0] if parts else 0} minima"),
            *((name, str(out / name)) for name in FILES),
        ]
    )
