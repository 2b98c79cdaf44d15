"""Options that several commands share, with their units; defaults come from the settings themselves."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from explorer.config import Settings
from explorer.records.moves import MOVES
from explorer.records.structure_class import CHOICES
from explorer.units import parse_energy

DEFAULTS = Settings()
WALKERS = "In the batch; 0: as many as fit into the memory, at most 16 on a CPU and 1024 on a GPU (0)."
TIME_LIMIT = (
    f"Stop after so many minutes; 0: never ({DEFAULTS.budget.minutes:g}; 0 where hops or force calls are limited)."
)
STOP_AT = "Stop where at least this share of the minima is found, such as 0.95 (lower end of its 95 % interval)."
MOLECULE, SEARCH, FILES = "Molecule", "Search", "Files"

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or its run.sqlite.")]
Charge = Annotated[
    int | None,
    typer.Option(metavar="E", help="Total charge, e, where it cannot be derived.", rich_help_panel=MOLECULE),
]
Multiplicity = Annotated[
    int | None, typer.Option(metavar="M", help="2 S + 1; 1 unless stated.", min=1, rich_help_panel=MOLECULE)
]
Potential = Annotated[
    str | None,
    typer.Option(
        metavar="P",
        help="'default', a shipped or imported model, a checkpoint folder, so3lr:FOLDER (the published SO3LR), "
        "'ase:package.module:Class?key=value&key=value' (any ASE calculator), "
        f"or 'lennard-jones' ({DEFAULTS.potential}).",
        rich_help_panel=SEARCH,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(metavar="P", help=f"float32 or float64 ({DEFAULTS.precision}).", rich_help_panel=SEARCH),
]
Moves = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help=f"How walkers leave minima: {', '.join(MOVES)}, with commas between (all but random-restart).",
        rich_help_panel=SEARCH,
    ),
]
Allow = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="What walkers may explore beside the given molecule: "
        f"{', '.join(CHOICES)}, with commas between, or none ({','.join(DEFAULTS.hopping.allow)}).",
        rich_help_panel=SEARCH,
    ),
]
MaxUncertainty = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        help="How uncertain a model may be where walkers go; what is worse is stored, but left again "
        f"({DEFAULTS.hopping.max_uncertainty}: they go anywhere).",
        rich_help_panel=SEARCH,
    ),
]
Exact = Annotated[
    bool | None,
    typer.Option(
        "--exact",
        help="Evaluate a model's filter networks themselves; by default they are replaced by functions that agree "
        "to 1e-6 eV and eV/Å and are faster.",
        rich_help_panel=SEARCH,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="TOML", help="Settings file; the config.toml of a run is one.", rich_help_panel=SEARCH),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting, such as hopping.mdmin=4; wins over files and flags. Repeatable.",
        rich_help_panel=SEARCH,
    ),
]
Mirror = Annotated[
    Literal["distinct", "merge"] | None,
    typer.Option(help="Whether mirror images count twice or once (once where the molecule is achiral)."),
]
Window = Annotated[
    str | None,
    typer.Option(
        metavar="ENERGY",
        help="Minima up to this far above the lowest one, such as 3kcal, 12.5kJ or 0.13eV (all).",
        rich_help_panel=SEARCH,
    ),
]
BenchInput = Annotated[str | None, typer.Argument(help="Where to start: a file, or a shipped peptide.")]
BenchSequence = Annotated[str | None, typer.Option(metavar="S", help="Or the one-letter sequence of a peptide.")]
BenchOut = Annotated[
    Path,
    typer.Option(
        metavar="DIR", help="For the figures (JSON), and a picture (SVG) where there is one.", rich_help_panel=FILES
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.", rich_help_panel=FILES)]


def folder_of(run: Path) -> Path:
    """The folder of a run that was given as its folder or as its run.sqlite."""
    return run if run.is_dir() or run.suffix != ".sqlite" else run.parent


def energy(window: str | None) -> float | None:
    """The energy of --window in eV, None where it was not given."""
    return None if window is None else parse_energy(window, "--window")
