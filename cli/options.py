"""Options that several commands share; defaults in brackets are those of `explorer.config`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from explorer.config import Settings
from explorer.records.moves import SELECTABLE_MOVES
from explorer.records.structure_class import EXPLORABLE_CHANGES
from explorer.units import parse_energy

DEFAULTS = Settings()
WALKERS = "Number of walkers; 0: as many as fit into memory, at most 16 on a CPU and 1024 on a GPU (0)."
TIME_LIMIT = f"Time limit, minutes; 0: none ({DEFAULTS.budget.minutes:g}; none if hops or force calls are limited)."
STOP_AT = "Stop when the coverage reaches this share, such as 0.95 (lower end of its 95 % interval)."
MINIMA = (
    "an id or several (3,7), a class (cis-amide), hydrogen bonds (C10+C7, none), or a rule for torsions (phi<0, "
    "'phi2>0 and psi2<90')."
)
MOLECULE, SEARCH, FILES = "Molecule", "Search", "Files"

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or its run.sqlite.")]
Charge = Annotated[
    int | None,
    typer.Option(metavar="E", help="Total charge, e, if the bonds do not determine it.", rich_help_panel=MOLECULE),
]
Multiplicity = Annotated[
    int | None, typer.Option(metavar="M", help="Spin multiplicity 2S+1 (1).", min=1, rich_help_panel=MOLECULE)
]
Potential = Annotated[
    str | None,
    typer.Option(
        metavar="P",
        help="'default', a shipped or imported model, a checkpoint folder, so3lr:FOLDER (published SO3LR), "
        "mlff:FOLDER (checkpoint of mlff), "
        "'ase:package.module:Class?key=value&key=value' (an ASE calculator), "
        f"or 'lennard-jones' ({DEFAULTS.potential}).",
        rich_help_panel=SEARCH,
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="P",
        help=f"Floating-point precision: float32 or float64 ({DEFAULTS.precision}).",
        rich_help_panel=SEARCH,
    ),
]
Moves = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help=f"Moves out of a minimum: {', '.join(SELECTABLE_MOVES)}, separated by commas (all but random-restart).",
        rich_help_panel=SEARCH,
    ),
]
Allow = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Structural changes that the search may follow: "
        f"{', '.join(EXPLORABLE_CHANGES)}, separated by commas (none). Without cis-amide, secondary amides stay cis or "
        "trans as in the input.",
        rich_help_panel=SEARCH,
    ),
]
MaxUncertainty = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        help="Largest uncertainty of the model at a result: trusted, uncertain, or any for no limit. More uncertain "
        f"minima are stored apart, and walkers return from them ({DEFAULTS.hopping.max_uncertainty}).",
        rich_help_panel=SEARCH,
    ),
]
Exact = Annotated[
    bool | None,
    typer.Option(
        "--exact",
        help="Evaluate the filter networks of a model exactly. By default, faster functions approximate them to "
        "1e-6 eV and eV/Å.",
        rich_help_panel=SEARCH,
    ),
]
CalculatorTimeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Time limit of a calculation of an ASE calculator, s; after it the hop fails; 0: no limit "
        f"({DEFAULTS.calculator_timeout:g}).",
        rich_help_panel=SEARCH,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="TOML", help="Settings file, such as the config.toml of a run.", rich_help_panel=SEARCH),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting, such as hopping.mdmin=4. It overrides files and options. Repeatable.",
        rich_help_panel=SEARCH,
    ),
]
Processes = Annotated[
    int,
    typer.Option(metavar="N", min=1, help="Number of parallel reference calculations (all cores).", show_default=False),
]
TrainingSet = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Training setting, such as fit.epochs=20. Repeatable."),
]
Mirror = Annotated[
    Literal["distinct", "merge"] | None,
    typer.Option(
        help="Count mirror images separately (distinct) or as one (merge); "
        "merged by default if the molecule is achiral."
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        metavar="ENERGY",
        help="Energy window above the lowest minimum, such as 3kcal, 12.5kJ or 0.13eV; 0eV for all energies "
        "(6 kcal/mol; for clusters all energies).",
        rich_help_panel=SEARCH,
    ),
]
BenchInput = Annotated[str | None, typer.Argument(help="Initial structure: a file, or the name of a shipped peptide.")]
BenchSequence = Annotated[
    str | None, typer.Option(metavar="S", help="One-letter sequence of a peptide, in place of INPUT.")
]
BenchOut = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Output folder for the results (JSON) and figures (SVG).", rich_help_panel=FILES),
]
Units = Annotated[
    str | None,
    typer.Option(
        metavar="UNIT",
        help="Unit of energy of training data whose file does not tell: eV, kcal/mol, kJ/mol or hartree; with the unit "
        "of length after a comma if it is not Å (hartree,bohr).",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.", rich_help_panel=FILES)]


def folder_of(run: Path) -> Path:
    """Return the folder of a run.

    Args:
        run: The folder, or the run.sqlite in it.
    """
    return run if run.is_dir() or run.suffix != ".sqlite" else run.parent


def energy(window: str | None) -> float | None:
    """Return the energy of --window in eV; None without a window.

    Args:
        window: Energy with its unit, such as `3kcal`.

    Raises:
        ConfigError: If the text is not an energy with a unit.
    """
    return None if window is None else parse_energy(window, "--window")
