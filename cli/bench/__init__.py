"""`pes-explore bench`: how fast and how good the parts are, on this machine; one file per benchmark."""

import typer

from cli.bench import coverage, first_encounter, potential, recall, relax, search, time_shares

app = typer.Typer(no_args_is_help=True, help="Measure the parts of the program on this machine.")
for module in (potential, relax, search, recall, first_encounter, coverage, time_shares):
    name = module.__name__.removeprefix("cli.bench.")
    app.command(name.replace("_", "-"), epilog=module.EXAMPLE)(getattr(module, name))
