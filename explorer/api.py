"""The public Python interface: read, relax, explore, compare. JAX is imported only where forces are computed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from explorer.config_file import load_settings, setting_of, with_count_budget
from explorer.io.read import molecule_from_atoms
from explorer.io.source import load_molecule
from explorer.landscape.budget import Progress
from explorer.loaded_potential import LoadedPotential, atoms_at
from explorer.records.molecule import Molecule
from explorer.store.read import read_run as read_record
from explorer.stored_run import Run

if TYPE_CHECKING:
    from explorer.comparison.overlap import EnsembleComparison

__all__ = [
    "LoadedPotential",
    "Run",
    "compare",
    "explore",
    "load_potential",
    "read_molecule",
    "read_run",
    "relax",
]


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
        atoms = atoms_at(molecule, result.positions)
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
        settings: Options of `pes-explore run` by name (`walkers`, `hops`, `time_limit` in minutes, `connect`, ...), and
            groups of settings (`hopping={"mdmin": 4}`, `relax={"fmax": 0.001}`).

    Returns:
        The run.

    Raises:
        InputError: When the molecule does not relax to a structure that the search may explore.
        ConfigError: When a setting is unknown or out of range.
        StoreError: When the folder contains a run.
    """
    from explorer.devices import configure_jax
    from explorer.workflows.connect import connect_after_search
    from explorer.workflows.results import write_outputs
    from explorer.workflows.run import start_run

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
        if chosen.budget.connect:
            connect_after_search(session, chosen.budget)
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


def _to_molecule(structure: Atoms | Molecule) -> Molecule:
    if isinstance(structure, Molecule):
        return structure
    charge, multiplicity = structure.info.get("charge"), structure.info.get("multiplicity")
    name = structure.get_chemical_formula()
    return molecule_from_atoms(structure.numbers, structure.positions, name, charge, multiplicity)
