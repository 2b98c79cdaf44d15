"""What is done to structures beside the search: relax them, compare with training data, validate with a reference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from explorer.compare.training import QuenchedFrames, compare_with_training, load_training_frames, select_frames
from explorer.comparisons import SAME_CONFORMER, Comparison, Validation
from explorer.config import Settings
from explorer.errors import InputError
from explorer.potential.load import potential_of
from explorer.records import Minimum, Molecule
from explorer.relax.reference import ReferenceRelaxer, attempt
from explorer.relax.relaxer import RelaxResult, Status, ending, make_relaxer, relax_many
from explorer.relax.tight import tightened
from explorer.settings import merge
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import Symmetry
from explorer.similarity.symmetry import from_molecule as symmetry_of
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.system import from_molecule
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.train.label import reference_calculator

Count = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class RelaxedStructure:
    """One relaxed structure of a file."""

    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    fmax: float  # eV/Å
    n_evaluations: int
    status: str
    structure_class: str


def relax_structures(
    molecules: Sequence[Molecule], settings: Settings, method: str = "auto", progress: Count | None = None
) -> list[RelaxedStructure]:
    """Relax structures, batched where they are conformers of one molecule.

    Args:
        molecules: in any order; consecutive ones with the same bonds make a batch.
        settings: potential, precision, convergence.
        method: of the relaxer, see `make_relaxer`.
        progress: called with (done, total).
    """
    relaxed: list[RelaxedStructure] = []
    for group in _conformer_groups(molecules):
        done = len(relaxed)

        def report(k: int, n: int, done: int = done) -> None:
            if progress is not None:
                progress(done + k, len(molecules))

        positions = np.stack([m.positions for m in group])
        result = _quench(group[0], settings, positions, method, report)
        classes = classify_batch(topology_of(group[0]), np.asarray(result.positions, float))
        for k, found in enumerate(classes):
            status = ending(int(result.status[k]), int(result.fallback[k]))
            energy, fmax, n = float(result.energy[k]), float(result.fmax[k]), int(result.n_steps[k])
            relaxed.append(
                RelaxedStructure(np.asarray(result.positions[k], float), energy, fmax, n, status, found.kind.value)
            )
    return relaxed


def compare_run(out: Path, training: Path | None, n_frames: int, progress: Count | None = None) -> Comparison | None:
    """Quench training frames on the surface of a run and store how the two compare.

    Args:
        out: folder of the run.
        training: a dataset; by default the one that the model was trained on.
        n_frames: at most so many are quenched.
        progress: called with (quenched, total).

    Returns:
        The comparison, or None where the default dataset is absent or has no such molecule.

    Raises:
        InputError: when a dataset was named that does not hold this molecule.
    """
    record = read_run(out)
    settings: Settings = merge(Settings(), record.config)
    _, info = potential_of(settings, record.molecule)
    path = training or info.training_data
    frames = load_training_frames(path, record.molecule) if path else None
    if frames is None:
        if training is not None:
            raise InputError(f"{training} holds no frames of {record.molecule.name}: other bonds or stereocentres.")
        return None
    chosen = select_frames(frames, n_frames, settings.seed)
    result = _quench(record.molecule, settings, frames.positions[chosen], "auto", progress)
    positions = np.asarray(result.positions, float)
    kinds = [found.kind for found in classify_batch(topology_of(record.molecule), positions)]
    quenched = QuenchedFrames(positions, result.energy.astype(float), kinds, result.status == Status.CONVERGED)
    comparison = compare_with_training(record.molecule, record.minima, frames, quenched, settings.identity)
    with Store.resume(out / FILE_NAME) as store:
        store.save_comparison(comparison)
    return comparison


def validate_run(out: Path, reference: str, n: int, progress: Count | None = None) -> Validation:
    """Re-relax minima of a run with a reference method and store which stay the same conformer.

    Args:
        out: folder of the run.
        reference: `gfn2` or `ase:package.module:Class`.
        n: conformers, spread evenly over the energies found.
        progress: called with (done, total).

    Raises:
        InputError: when no relaxation with the reference converges; of those that do not, RMSD and energy are NaN.
    """
    record = read_run(out)
    settings: Settings = merge(Settings(), record.config)
    conformers = sorted(record.conformers, key=lambda m: m.energy)
    places = np.unique(np.linspace(0, len(conformers) - 1, n).round().astype(int))
    chosen = [conformers[k] for k in places]
    relax = ReferenceRelaxer(record.molecule, settings.relax, reference_calculator(reference))
    symmetry = symmetry_of(record.molecule)
    fates = []
    for k, minimum in enumerate(chosen):
        fates.append(_fate(relax, symmetry, minimum))
        if progress is not None:
            progress(k + 1, len(chosen))
    rmsd, energies = np.array(fates).T
    if np.isnan(energies).all():
        raise InputError(f"No minimum of {out} could be relaxed with {reference}. Try another reference.")
    model_energies = np.array([m.energy for m in chosen])
    validation = Validation(
        reference=reference,
        ids=np.array([m.id for m in chosen]),
        rmsd=rmsd,
        stayed=rmsd < SAME_CONFORMER,
        energy=model_energies - model_energies.min(),
        reference_energy=energies - np.nanmin(energies),
    )
    with Store.resume(out / FILE_NAME) as store:
        store.save_validation(validation)
    return validation


def _fate(relax: ReferenceRelaxer, symmetry: Symmetry, minimum: Minimum) -> tuple[float, float]:
    """RMSD (Å) to where the reference takes a minimum, and the energy (eV) there; NaN where it fails."""
    result = attempt(relax, minimum.positions)
    if result is None or result.status != Status.CONVERGED:
        return np.nan, np.nan
    return heavy_rmsd(symmetry, minimum.positions, result.positions), result.energy


def relax_tightly(
    molecule: Molecule, settings: Settings, positions: Float[np.ndarray, "n N 3"], progress: Count | None = None
) -> RelaxResult:
    """Relax to 1e-4 eV/Å in float64: to check minima, not to find them.

    Args:
        molecule: any conformer.
        settings: of the run; its potential is used.
        positions: Å.
        progress: called with (done, total).
    """
    return _quench(molecule, tightened(settings, molecule.n_atoms), positions, "auto", progress)


def _quench(
    molecule: Molecule, settings: Settings, positions: Float[np.ndarray, "n N 3"], method: str, progress: Count | None
) -> RelaxResult:
    potential, _ = potential_of(settings, molecule)
    relaxer = make_relaxer(molecule, settings.relax, method)
    system = from_molecule(molecule, jnp.dtype(settings.precision))
    return relax_many(potential, relaxer, system, positions, batch=32, progress=progress)


def _conformer_groups(molecules: Sequence[Molecule]) -> list[list[Molecule]]:
    groups: list[list[Molecule]] = []
    for molecule in molecules:
        if groups and _same_bonds(groups[-1][0], molecule):
            groups[-1].append(molecule)
        else:
            groups.append([molecule])
    return groups


def _same_bonds(a: Molecule, b: Molecule) -> bool:
    return (
        np.array_equal(a.atomic_numbers, b.atomic_numbers)
        and np.array_equal(a.bonds, b.bonds)
        and a.total_charge == b.total_charge
    )
