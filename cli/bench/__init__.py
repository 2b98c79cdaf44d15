"""`pes-explore bench`: benchmarks of speed and quality on this machine, one file each."""

from cli.application import Application
from cli.bench import coverage, first_encounter, potential, recall, relax, search, start, time_shares

app = Application(no_args_is_help=True, help="Measure the parts of the program on this machine.")
for module in (potential, relax, search, recall, first_encounter, coverage, time_shares, start):
    name = module.__name__.removeprefix("cli.bench.")
    app.command(name.replace("_", "-"), epilog=module.EXAMPLE)(getattr(module, name))
