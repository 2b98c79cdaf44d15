"""A recipe for training data: which molecules, how many starts, how each is sampled; read from TOML."""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from explorer.errors import ConfigError
from explorer.io.build import Caps, peptide_name


@dataclass(frozen=True)
class Sampling:
    """How geometries of a molecule are made for labelling.

    Without walkers, a start is relaxed and then heated on the reference itself. With walkers, dynamics on a
    force field propose geometries, and the reference is only asked about those that differ most.

    Attributes:
        temperatures: of all dynamics, K; starts, or their walkers, cycle through them.
        cis_probability: chance that an amide of a start is turned to cis.
        n_walkers: force-field dynamics per start.
        walk_steps: steps of a walker, fs; the first `walk_equilibration` are not proposed. Zero proposes its
            conformer as relaxed by the force field.
        walk_equilibration: see `walk_steps`.
        walk_stride: propose every so many steps.
        n_snapshots: proposals of walkers that are labelled as they are.
        n_driven: the same, of torsion scans and of paths between conformers.
        n_relaxations: proposals that are relaxed on the reference.
        n_dynamics: proposals from which dynamics on the reference start.
        n_relaxation: at most so many relaxation steps on the reference.
        relaxation_stride: keep every so many of them; zero keeps the minimum only.
        fmax: largest force at the end of a relaxation, eV/Å.
        n_steps: steps of the dynamics on the reference; the first `n_equilibration` are not kept.
        n_equilibration: see `n_steps`.
        stride: keep every so many steps of the dynamics.
        time_step: fs.
    """

    temperatures: tuple[float, ...] = (300.0, 500.0, 700.0, 1000.0)
    cis_probability: float = 0.15
    n_walkers: int = 0
    walk_steps: int = 800
    walk_equilibration: int = 200
    walk_stride: int = 40
    n_snapshots: int = 0
    n_driven: int = 0
    n_relaxations: int = 0
    n_dynamics: int = 0
    n_relaxation: int = 40
    relaxation_stride: int = 5
    fmax: float = 0.05
    n_steps: int = 240
    n_equilibration: int = 40
    stride: int = 8
    time_step: float = 1.0


@dataclass(frozen=True)
class MoleculeRecipe:
    """Starts of one molecule: exactly one of `sequence` and `smiles` is set.

    Attributes:
        name: of the molecule; several entries may share it.
        n_starts: independent starts.
        sequence: residues, as `peptide_smiles` takes them.
        caps: ends of the sequence.
        smiles: any other molecule, or several separated by dots.
        series: tells entries of one molecule apart; other random numbers for each.
        sampling: how each start is sampled.
    """

    name: str
    n_starts: int
    sequence: str = ""
    caps: Caps = "ace-nme"
    smiles: str = ""
    series: str = ""
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def key(self) -> str:
        """Name of the entry, unique in a recipe."""
        return f"{self.name}-{self.series}" if self.series else self.name


@dataclass(frozen=True)
class Recipe:
    """What is labelled.

    Attributes:
        molecules: what to sample.
        seed: of everything random.
        split: of all frames; by conformer when empty. `test` keeps whole molecules out of a training.
    """

    molecules: tuple[MoleculeRecipe, ...]
    seed: int = 2026
    split: str = ""


SAMPLING_KEYS = {f.name for f in fields(Sampling)}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file.

    Keys of `Sampling` at the top hold for all molecules, those in a table for its own. A table `[[molecule]]` is one
    entry; a table `[[group]]` stands for one entry each of its list `sequences` and its table `smiles` (name = SMILES).

    Raises:
        ConfigError: when the file is missing, not TOML, or has unknown keys.
    """
    try:
        raw = tomllib.loads(Path(path).read_text())
        tables = [*raw.pop("molecule", []), *(entry for group in raw.pop("group", []) for entry in _entries(group))]
        if not tables:
            raise ConfigError(f"Recipe {path} names no molecules. Compare with data/training/alanine.toml.")
        sampling, rest = _apart(raw)
        molecules = tuple(_molecule(table, Sampling(**sampling)) for table in tables)
        recipe = Recipe(molecules=molecules, **rest)
    except FileNotFoundError:
        raise ConfigError(f"No recipe at {path}. Give a TOML file such as data/training/alanine.toml.") from None
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ConfigError(f"Recipe {path} cannot be used: {error}. Compare with data/training/alanine.toml.") from None
    keys = [entry.key for entry in molecules]
    if len(set(keys)) < len(keys):
        raise ConfigError(f"Recipe {path} has two entries {max(keys, key=keys.count)!r}. Give one of them a series.")
    return recipe


def _entries(group: dict) -> list[dict]:
    """The tables of molecules that a group stands for; those of sequences are named by it and their ends."""
    sequences, smiles = group.pop("sequences", []), group.pop("smiles", {})
    named = [{"name": peptide_name(text, group.get("caps", "ace-nme")), "sequence": text} for text in sequences]
    return [{**group, **entry} for entry in named + [{"name": name, "smiles": text} for name, text in smiles.items()]]


def _molecule(table: dict, defaults: Sampling) -> MoleculeRecipe:
    sampling, rest = _apart(table)
    return MoleculeRecipe(**rest, sampling=replace(defaults, **sampling))


def _apart(table: dict) -> tuple[dict, dict]:
    """The keys of `Sampling`, lists as tuples, and the others."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    sampling = {key: value for key, value in values.items() if key in SAMPLING_KEYS}
    return sampling, {key: value for key, value in values.items() if key not in SAMPLING_KEYS}
