"""Recipes for training data, read from TOML: molecules, numbers of starts, and settings of the sampling."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, get_args

from explorer.config_file import read_toml
from explorer.errors import ConfigError
from explorer.io.sequence import Caps, peptide_name

MAX_LABEL_FORCE = 25.0  # eV/Å; larger forces come from starts with clashes and are useless for training; not tuned
MAX_LABEL_ENERGY = 0.4  # eV per atom above the lowest frame of the molecule; the mean at 1000 K is 0.13
Sampler = Literal["calculator", "network"]


@dataclass(frozen=True)
class Sampling:
    """Settings of the sampling of a molecule.

    Without walkers, a start is relaxed and then heated with the reference method itself. With walkers, force-field
    dynamics propose geometries, and the reference method labels only those that differ the most. The sampler `network`
    of a recipe relaxes and heats many starts at a time and adds the geometries of the numbers from `n_shells` on.

    Attributes:
        temperatures: Temperatures of all dynamics, K; starts, or their walkers, cycle through them.
        cis_probability: Probability that an amide of a start is cis.
        n_walkers: Number of force-field dynamics per start.
        walk_steps: Number of steps of a walker, 1 fs each. With 0, its conformer as relaxed by the force field is
            proposed.
        walk_equilibration: Number of first steps of a walker that are not proposed.
        walk_stride: Number of steps from one proposal of a walker to the next.
        n_snapshots: Number of proposals of walkers that are labelled as they are.
        n_driven: Number of proposals of torsion scans and paths that are labelled as they are.
        n_relaxations: Number of proposals that are relaxed with the reference method.
        n_dynamics: Number of proposals from which dynamics with the reference method start.
        n_relaxation: Largest number of relaxation steps with the reference method.
        relaxation_stride: Relaxation steps from one frame to the next; zero keeps the minimum only.
        fmax: Largest force at the end of a relaxation, eV/Å.
        n_steps: Steps of the dynamics with the reference method.
        n_equilibration: First steps of these dynamics, which are not kept.
        stride: Steps of these dynamics from one frame to the next.
        time_step: Time step of these dynamics, fs.
        n_shells: Number of small displacements of the relaxed structure.
        n_modes: Number of displacements along normal modes at the temperature of the start.
        n_turns: Number of turns of one bond, every other one into a tight contact.
        n_hydrogens: Number of stretched and bent bonds to hydrogen, and of hydrogens between two atoms.
        n_contacts: Number of compressed and stretched structures.
        n_descents: Number of the turns and hydrogens from which a short relaxation starts.
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
    n_shells: int = 0
    n_modes: int = 0
    n_turns: int = 0
    n_hydrogens: int = 0
    n_contacts: int = 0
    n_descents: int = 0


@dataclass(frozen=True)
class MoleculeRecipe:
    """Starts of one molecule; exactly one of `sequence` and `smiles` is set.

    Attributes:
        name: Name of the molecule; several entries may have the same one.
        n_starts: Number of independent starts.
        sequence: Residues, as for `peptide_smiles`.
        caps: Caps of the sequence.
        smiles: SMILES of any other molecule, or of several molecules separated by dots.
        series: Distinguishes entries of one molecule, which then have different random numbers.
        sampling: Settings of the sampling.
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
        """Name of the entry, which is unique in a recipe."""
        return f"{self.name}-{self.series}" if self.series else self.name


@dataclass(frozen=True)
class Recipe:
    """Molecules to label.

    Attributes:
        molecules: Entries of the recipe.
        seed: Seed of all random numbers.
        split: Split of all frames; by conformer when empty. With `test`, whole molecules are held out of a training.
        sampler: `calculator` samples one start at a time on any reference method, `network` many starts at a time on
            a network.
        second_reference: Method that decides about frames with large forces (`second_opinion`); none when empty.
        max_force: Largest force of a frame, eV/Å.
        max_energy: Largest energy of a frame above the lowest one of the molecule, eV per atom.
    """

    molecules: tuple[MoleculeRecipe, ...]
    seed: int = 2026
    split: str = ""
    sampler: Sampler = "calculator"
    second_reference: str = ""
    max_force: float = MAX_LABEL_FORCE
    max_energy: float = MAX_LABEL_ENERGY

    def __post_init__(self):
        if self.sampler not in get_args(Sampler):
            raise TypeError(f"sampler must be {' or '.join(get_args(Sampler))}, received {self.sampler!r}")


_SAMPLING_KEYS = {f.name for f in fields(Sampling)}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file.

    Keys of `Sampling` at the top apply to all molecules, those in a table to its molecules. A table `[[molecule]]` is
    one entry. A table `[[group]]` stands for one entry for each element of its list `sequences` and of its table
    `smiles` (name = SMILES).

    Args:
        path: TOML file.

    Raises:
        ConfigError: When the file is missing or not TOML, or has unknown keys or two entries of one name and series.
    """
    raw = read_toml(path, "recipe")
    try:
        tables = [*raw.pop("molecule", []), *(entry for group in raw.pop("group", []) for entry in _entries(group))]
        if not tables:
            raise ConfigError(f"Recipe {path} names no molecules. Compare with data/training/peptides.toml.")
        sampling, rest = _split_keys(raw)
        molecules = tuple(_molecule(table, Sampling(**sampling)) for table in tables)
        recipe = Recipe(molecules=molecules, **rest)
    except TypeError as error:
        raise ConfigError(f"Recipe {path} cannot be used: {error}. Compare with data/training/peptides.toml.") from None
    keys = [entry.key for entry in molecules]
    if len(set(keys)) < len(keys):
        raise ConfigError(f"Recipe {path} has two entries {max(keys, key=keys.count)!r}. Give one of them a series.")
    return recipe


def _entries(group: dict) -> list[dict]:
    """Return one table for each molecule of a group; the name of a peptide follows from its sequence and caps."""
    sequences, smiles = group.pop("sequences", []), group.pop("smiles", {})
    named = [{"name": peptide_name(text, group.get("caps", "ace-nme")), "sequence": text} for text in sequences]
    return [{**group, **entry} for entry in named + [{"name": name, "smiles": text} for name, text in smiles.items()]]


def _molecule(table: dict, defaults: Sampling) -> MoleculeRecipe:
    sampling, rest = _split_keys(table)
    return MoleculeRecipe(**rest, sampling=replace(defaults, **sampling))


def _split_keys(table: dict) -> tuple[dict, dict]:
    """Return the keys of `Sampling`, with tuples in place of lists, and the other keys."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    sampling = {key: value for key, value in values.items() if key in _SAMPLING_KEYS}
    return sampling, {key: value for key, value in values.items() if key not in _SAMPLING_KEYS}
