"""`pes-explore`: one module per command. User errors end in one line, bugs in a traceback."""

import os
import sys
import warnings
from typing import Annotated, Any

import typer

from cli import (
    bench,
    certify,
    compare,
    connect,
    dedup,
    export,
    hunt,
    info,
    label,
    landscape,
    learn,
    merge,
    model,
    path,
    rates,
    recover,
    relax,
    report,
    run,
    train,
    validate,
)
from cli.application import Application
from cli.output import say
from explorer import __version__
from explorer.errors import ExplorerError, ExplorerWarning

_python_showwarning = warnings.showwarning
app = Application(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for module in (
    run,
    relax,
    dedup,
    label,
    train,
    learn,
    hunt,
    compare,
    merge,
    validate,
    certify,
    connect,
    path,
    rates,
    report,
    export,
    recover,
    info,
):
    name = module.__name__.removeprefix("cli.")
    app.command(name, epilog=module.EXAMPLE, no_args_is_help=module is run)(getattr(module, name))
app.add_typer(landscape.app, name="landscape")
app.add_typer(model.app, name="model")
app.add_typer(bench.app, name="bench")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"pes-explore {__version__}")
        raise typer.Exit


@app.callback()
def pes_explore(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = (False),
) -> None:
    """Explore the potential-energy surface of a peptide with a SO3krates neural network potential.

    Results go to stdout, progress to stderr. Units: Å, eV, fs, K, e, minutes.
    """


def _show_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """Print warnings of pes-explore in one line; those of other packages are shown as Python does."""
    if issubclass(category, ExplorerWarning):
        say(f"pes-explore: {message}")
    else:
        _python_showwarning(message, category, *where, **more)


def main() -> None:
    """Run the console script; the exit code is 1 for a user error and 2 for wrong usage."""
    warnings.showwarning = _show_warning
    try:
        app()
    except ExplorerError as error:
        say(f"pes-explore: {error}")
        sys.exit(1)
    except BrokenPipeError:  # the reader of stdout ended, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"pes-explore: {place}{error.strerror or error}. Check the path, its permissions and the free disk space.")
        sys.exit(1)
    except MemoryError:
        say("pes-explore: the memory does not suffice. Use a smaller molecule, or fewer walkers (--walkers 1).")
        sys.exit(1)
