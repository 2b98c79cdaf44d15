"""A recipe for training data: which molecules, how many starts, how hot; read from TOML."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ConfigError


@dataclass(frozen=True)
class MoleculeRecipe:
    """Starts of one molecule: exactly one of `sequence` and `smiles` is set."""

    name: str
    n_starts: int
    sequence: str = ""
    smiles: str = ""


@dataclass(frozen=True)
class Recipe:
    """How geometries for labelling are made.

    Attributes:
        molecules: what to sample.
        temperatures: of the dynamics, K; starts cycle through them.
        n_steps: dynamics steps of `time_step` fs; the first `n_equilibration` are not kept.
        stride: keep every so many steps of the dynamics.
        n_relaxation: at most so many relaxation steps before the dynamics.
        relaxation_stride: keep every so many of them.
        cis_probability: chance that an amide of a start is turned to cis.
        seed: of everything random.
    """

    molecules: tuple[MoleculeRecipe, ...]
    temperatures: tuple[float, ...] = (300.0, 500.0, 700.0, 1000.0)
    n_steps: int = 240
    n_equilibration: int = 40
    stride: int = 8
    time_step: float = 1.0
    n_relaxation: int = 40
    relaxation_stride: int = 5
    cis_probability: float = 0.15
    seed: int = 2026


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file.

    Raises:
        ConfigError: when the file is missing, not TOML, or has unknown keys.
    """
    try:
        raw = tomllib.loads(Path(path).read_text())
        molecules = tuple(MoleculeRecipe(**entry) for entry in raw.pop("molecule"))
        if "temperatures" in raw:
            raw["temperatures"] = tuple(raw["temperatures"])
        return Recipe(molecules=molecules, **raw)
    except FileNotFoundError:
        raise ConfigError(f"No recipe at {path}. Give a TOML file such as data/training/alanine.toml.") from None
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise ConfigError(f"Recipe {path} cannot be used: {error}. Compare with data/training/alanine.toml.") from None
