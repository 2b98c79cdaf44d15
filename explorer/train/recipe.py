"""A recipe for training data: which molecules, how many starts, how hot; read from TOML."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ConfigError


@dataclass(frozen=True)
class MoleculeRecipe:
    """Starts of one molecule: exactly one of `sequence` and `smiles` is set.

    Attributes:
        name: of the molecule; several entries may share it.
        n_starts: independent starts.
        sequence: one-letter code, capped by acetyl and N-methyl amide.
        smiles: any other molecule.
        series: tells entries of one molecule apart; other random numbers for each.
        temperatures: K; those of the recipe when empty.
    """

    name: str
    n_starts: int
    sequence: str = ""
    smiles: str = ""
    series: str = ""
    temperatures: tuple[float, ...] = ()

    @property
    def key(self) -> str:
        """Name of the entry, unique in a recipe."""
        return f"{self.name}-{self.series}" if self.series else self.name


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
        molecules = tuple(MoleculeRecipe(**_tuples(entry)) for entry in raw.pop("molecule"))
        recipe = Recipe(molecules=molecules, **_tuples(raw))
    except FileNotFoundError:
        raise ConfigError(f"No recipe at {path}. Give a TOML file such as data/training/alanine.toml.") from None
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise ConfigError(f"Recipe {path} cannot be used: {error}. Compare with data/training/alanine.toml.") from None
    keys = [entry.key for entry in molecules]
    if len(set(keys)) < len(keys):
        raise ConfigError(f"Recipe {path} has two entries {max(keys, key=keys.count)!r}. Give one of them a series.")
    return recipe


def _tuples(table: dict) -> dict:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
