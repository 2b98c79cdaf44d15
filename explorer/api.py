"""The public Python interface: read, relax, explore, compare. JAX is imported only where forces are computed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import networkx as nx
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from jaxtyping import Float

from explorer.config import Settings
from explorer.config_file import load_settings, setting_of, stored_settings, with_count_budget
from explorer.errors import InputError
from explorer.io.read import molecule_from_atoms
from explorer.io.source import load_molecule
from explorer.landscape.budget import Progress
from explorer.landscape.graph import minima_graph
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.store.read import read_run as read_record

if TYPE_CHECKING:
    import pandas  # pyright: ignore[reportMissingImports]

    from explorer.comparison.overlap import EnsembleComparison
    from explorer.potential.ase_calculator import ExplorerCalculator


class Run(RunRecord):
    """A stored run: its molecule, minima and hops, with views for networkx, ASE and pandas.

    All attributes of `explorer.records.run.RunRecord` are available, such as `minima`, `hops`, `conformers`,
    `molecule`, `config` and `provenance`. Energies are in eV, positions in Å.
    """

    @classmethod
    def of(cls, record: RunRecord) -> "Run":
        """Return the run of a record.

        Args:
            record: Record of a stored run.
        """
        return cls(**{field.name: getattr(record, field.name) for field in fields(RunRecord)})

    @cached_property
    def settings(self) -> Settings:
        """Settings of the run."""
        return stored_settings(self.config)

    @cached_property
    def _potential(self) -> "LoadedPotential":
        # float64, because minima are stored in it and energy and forces should belong together
        return load_potential(self.config["potential"], "float64", exact=self.config.get("exact", False))

    def graph(self) -> nx.MultiGraph:
        """Return the results as a graph, connected by transition states and hops.

        Nodes are ids of minima with `energy` (eV), `relative_energy` (eV above the lowest conformer),
        `structure_class`, `visits` and `n_evaluations`. Edges have `kind`, `n_hops` and `upper_bound` (eV). The kind is
        `saddle` for a transition state, with its `id`, `energy` (eV), `imaginary` (cm⁻¹, positive) and `degenerate`;
        `escape` for hops along a path, whose highest energy bounds the barrier; or `jump` for hops without one.
        """
        return minima_graph(self)

    def atoms(self, id: int, forces: bool = True) -> Atoms:
        """Return a minimum as ASE atoms with energy (eV) and forces (eV/Å).

        Args:
            id: Id of the minimum.
            forces: Whether to compute the forces with the potential of the run; without them, only the stored energy is
                given.

        Raises:
            InputError: When the run has no such minimum.
        """
        minimum = self._minimum(id)
        atoms = _to_atoms(self.molecule, minimum.positions)
        results: dict[str, Any] = {"energy": minimum.energy}
        if forces:
            results["forces"] = self._potential.energy_and_forces(atoms)[1]
        atoms.calc = SinglePointCalculator(atoms, **results)
        atoms.info |= {"id": id, "structure_class": str(minimum.structure_class), "fmax": minimum.fmax}
        return atoms

    def to_dataframe(self) -> "pandas.DataFrame":
        """Return all minima as a table with one row each, indexed by id. Energies are in eV.

        `is_result` tells whether the model knows a minimum, and `exclusion` why not.

        Raises:
            ImportError: When pandas is not installed.
        """
        import pandas  # pyright: ignore[reportMissingImports]

        graph = minima_graph(self, with_unknown=True)
        table = pandas.DataFrame.from_dict(dict(graph.nodes(data=True)), orient="index")
        table["structure_class"] = table["structure_class"].astype(str)
        known = [minimum.uncertainty for minimum in self.minima]
        if any(known):
            table["expected_error"] = [one.expected_error if one else np.nan for one in known]
            table["verdict"] = [str(one.trust_level) if one else "" for one in known]
        table["is_result"] = [minimum.is_result for minimum in self.minima]
        table["exclusion"] = [minimum.exclusion for minimum in self.minima]
        return table.rename_axis("id")

    def _minimum(self, id: int) -> Minimum:
        if not 0 <= id < len(self.minima):
            raise InputError(f"The run has minima 0 to {len(self.minima) - 1}, received {id}.")
        return self.minima[id]


class LoadedPotential:
    """A potential by name, for any molecule.

    Args:
        name: Name of the potential, as in `load_potential`.
        precision: `float32` or `float64`.
        options: Further arguments of `ExplorerCalculator`.

    Attributes:
        name: Name of the potential.
        precision: `float32` or `float64`.
    """

    def __init__(self, name: str, precision: str, **options: Any):
        from explorer.potential.ase_calculator import ExplorerCalculator

        self.name, self.precision = name, precision
        self._calculator = ExplorerCalculator(name, precision=precision, **options)

    @property
    def calculator(self) -> "ExplorerCalculator":
        """ASE calculator of the potential."""
        return self._calculator

    def energy_and_forces(self, structure: Atoms | Molecule) -> tuple[float, Float[np.ndarray, "N 3"]]:
        """Return energy (eV) and forces (eV/Å) of a structure.

        Args:
            structure: ASE atoms, with `charge` and `multiplicity` in `info` if they are not 0 and 1, or a molecule.
        """
        atoms = structure.copy() if isinstance(structure, Atoms) else _to_atoms(structure, structure.positions)
        atoms.calc = self._calculator
        return float(atoms.get_potential_energy()), atoms.get_forces()


def read_molecule(
    path: str | Path | None = None,
    *,
    sequence: str | None = None,
    smiles: str | None = None,
    caps: str = "ace-nme",
    charge: int | None = None,
    multiplicity: int | None = None,
    frame: int | None = None,
) -> Molecule:
    """Read a molecule from a file, or build it from a sequence or a SMILES string.

    Args:
        path: PDB, XYZ, extended XYZ, SDF or MOL file with all hydrogens.
        sequence: One-letter residues of a peptide; lower case for D residues.
        smiles: SMILES string.
        caps: Ends of a peptide that is given by its sequence, as in `explorer.io.sequence.peptide_smiles`.
        charge: Total charge, e, if it cannot be derived from the bonds.
        multiplicity: Spin multiplicity 2 S + 1, if it is not 1.
        frame: Number of the structure in a file with several, from 1.

    Raises:
        InputError: When none or several of path, sequence and smiles are given, or the input is not one molecule.
    """
    given = None if path is None else str(path)
    return load_molecule(given, smiles, sequence, caps, charge, multiplicity, frame)  # pyright: ignore[reportArgumentType]


def load_potential(name: str = "default", precision: str = "float64", **options: Any) -> LoadedPotential:
    """Load a potential.

    Args:
        name: `default`, another shipped or imported model, a checkpoint folder, `so3lr:FOLDER`, `mlff:FOLDER`, or
            `lennard-jones`.
        precision: `float32` or `float64`.
        options: Further arguments of `ExplorerCalculator`, such as `exact`.

    Raises:
        CheckpointError: When there is no such model, or it is damaged.
        ConfigError: When an option is out of range.
    """
    return LoadedPotential(name, precision, **options)


@overload
def relax(structure: Atoms | Molecule, potential: str | LoadedPotential = ..., **settings: Any) -> Atoms: ...
@overload
def relax(
    structure: Sequence[Atoms | Molecule], potential: str | LoadedPotential = ..., **settings: Any
) -> list[Atoms]: ...
def relax(
    structure: Atoms | Molecule | Sequence[Atoms | Molecule],
    potential: str | LoadedPotential = "default",
    **settings: Any,
) -> Atoms | list[Atoms]:
    """Relax structures in internal coordinates; conformers of one molecule are relaxed in one batch.

    Args:
        structure: ASE atoms or a molecule, or a sequence of them.
        potential: Potential, or its name.
        settings: Settings of the relaxation without their group, such as `fmax=0.001` (eV/Å).

    Returns:
        Relaxed atoms with energy (eV), or a list of them for a sequence. `info` contains `status`, `structure_class`,
        `fmax` (eV/Å), `n_evaluations`, `exclusion` (why the model does not know the structure; empty where it does)
        and, for a model with a calibration, `verdict`.

    Raises:
        InputError: When atoms are not one complete molecule.
        ConfigError: When a setting is unknown or out of range.
    """
    from explorer.devices import configure_jax
    from explorer.workflows.relax import relax_structures

    configure_jax()
    is_one = isinstance(structure, Atoms | Molecule)
    molecules = [_to_molecule(one) for one in ([structure] if is_one else structure)]
    relaxed = []
    options = load_settings(overrides=_named(potential) | {f"relax.{name}": value for name, value in settings.items()})
    for molecule, result in zip(molecules, relax_structures(molecules, options), strict=True):
        atoms = _to_atoms(molecule, result.positions)
        atoms.calc = SinglePointCalculator(atoms, energy=result.energy)
        names = ("status", "fmax", "n_evaluations", "exclusion")
        atoms.info |= {name: getattr(result, name) for name in names}
        atoms.info["structure_class"] = str(result.structure_class)
        if result.uncertainty is not None:
            atoms.info["verdict"] = str(result.uncertainty.trust_level)
        relaxed.append(atoms)
    return relaxed[0] if is_one else relaxed


def explore(
    molecule: Molecule | Atoms,
    out: str | Path,
    potential: str | LoadedPotential = "default",
    progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Run:
    """Explore the minima of a molecule, and write the same files as `pes-explore run`.

    Args:
        molecule: Molecule to start from.
        out: Folder of the run; it must not contain one.
        potential: Potential, or its name.
        progress: Called with the progress after every round.
        settings: Options of `pes-explore run` by name (`walkers`, `hops`, `time_limit` in minutes, `seed`, ...), and
            groups of settings (`hopping={"mdmin": 4}`, `relax={"fmax": 0.001}`).

    Returns:
        The run.

    Raises:
        InputError: When the molecule does not relax to a structure that the search may explore.
        ConfigError: When a setting is unknown or out of range.
        StoreError: When the folder contains a run.
    """
    from explorer.devices import configure_jax
    from explorer.workflows.run import start_run, write_outputs

    configure_jax()
    overrides = _named(potential)
    for name, value in settings.items():
        if isinstance(value, Mapping):
            overrides |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            overrides[setting_of(name)] = value
    chosen = load_settings(overrides=with_count_budget(overrides))
    report = progress or (lambda progress: None)
    with start_run(_to_molecule(molecule), chosen, Path(out), report, lambda: False) as session:
        write_outputs(session)
    return Run.of(session.record)


def read_run(folder: str | Path) -> Run:
    """Read a stored run, even while it is being written.

    Args:
        folder: Folder of the run, or its `run.sqlite`.

    Raises:
        StoreError: When there is no run, or it cannot be read.
    """
    return Run.of(read_record(Path(folder)))


def compare(run: str | Path, other: str | Path, window: float = 0.0) -> "EnsembleComparison":
    """Compare the conformers of a run with those of another run or ensemble, on the surface of the first run.

    Args:
        run: Folder of run A.
        other: Ensemble B: the folder of a run, or a file with structures of the same molecule in any atom order.
        window: Energy window above the lowest conformer of both, eV; 0 for no window.

    Returns:
        The comparison. `overlaps` contains recall and precision, and `in_b` whether B contains each conformer of A.

    Raises:
        InputError: When B has no conformer of the molecule.
    """
    from explorer.devices import configure_jax
    from explorer.workflows.compare_ensembles import compare_runs
    from explorer.workflows.session import Session

    configure_jax()
    return compare_runs(Session.open(Path(run)), Path(other), window)


def _named(potential: str | LoadedPotential) -> dict[str, Any]:
    if isinstance(potential, LoadedPotential):
        return {"potential": potential.name, "precision": potential.precision}
    return {"potential": potential}


def _to_atoms(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Atoms:
    info = {"charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
    return Atoms(molecule.atomic_numbers, positions, info=info)


def _to_molecule(structure: Atoms | Molecule) -> Molecule:
    if isinstance(structure, Molecule):
        return structure
    charge, multiplicity = structure.info.get("charge"), structure.info.get("multiplicity")
    name = structure.get_chemical_formula()
    return molecule_from_atoms(structure.numbers, structure.positions, name, charge, multiplicity)
