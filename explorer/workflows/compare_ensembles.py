"""Comparison of a run with another run or a file of conformers, both relaxed with the model of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.comparison.matching import reorder_frames
from explorer.comparison.overlap import ConformerEnsemble, EnsembleComparison, compare_conformers, distinct_conformers
from explorer.config import Settings
from explorer.errors import InputError
from explorer.io.ensemble import Ensemble, read_ensemble
from explorer.io.formats import READABLE_SUFFIXES, format_of
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.relaxation.relaxer import Status
from explorer.similarity.symmetry import symmetry_of
from explorer.store.read import read_run
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.workflows.criteria import assess_relaxed, criteria_for
from explorer.workflows.relax import ReportCount, relax_tightly
from explorer.workflows.session import Session


class Frames(NamedTuple):
    """Structures of a molecule from a run or a file.

    Attributes:
        ids: Ids of minima, or indices in a file from 0.
        positions: Å.
        n_other: Number of structures of other molecules.
        remarks: What was left out or not understood.
    """

    ids: Int[np.ndarray, "n"]
    positions: Float[np.ndarray, "n N 3"]
    n_other: int
    remarks: tuple[str, ...] = ()


def compare_runs(
    session: Session,
    other: Path,
    window: float = 0.0,
    progress: ReportCount | None = None,
    charge: int | None = None,
) -> EnsembleComparison:
    """Relax the conformers of a run and of another ensemble tightly on the run's surface, and compare them.

    Args:
        session: Run A.
        other: Ensemble B: the folder of a run, or a file with structures of the same molecule in any atom order.
        window: Energy window above the lowest conformer of both, eV; 0 for no window.
        progress: Called with (relaxed, total).
        charge: Total charge of the structures of a file, e. By default it is that of the file, or that of the run where
            the bonds do not determine it.

    Returns:
        Both ensembles and their matches.

    Raises:
        InputError: When B has no conformer of the molecule.
    """
    record, out = session.record, session.folder
    parts = {str(out): _of_run(record, record.molecule), str(other): frames_of(other, record.molecule, charge)}
    if len(parts) == 1:
        raise InputError(f"Two different ensembles are required, received {out} twice. Name another run or file.")
    comparison = compare_with_frames(record.molecule, session.settings, parts, window, progress)
    return replace(comparison, remarks=parts[str(other)].remarks)


def compare_with_frames(
    molecule: Molecule,
    settings: Settings,
    parts: Mapping[str, Frames],
    window: float = 0.0,
    progress: ReportCount | None = None,
) -> EnsembleComparison:
    """Relax the structures of two ensembles tightly on one surface and compare their conformers.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Potential and identity criteria.
        parts: Structures of A and of B by name, in the atom order of the molecule.
        window: Energy window above the lowest conformer of both, eV; 0 for no window.
        progress: Called with (relaxed, total).
    """
    symmetry = symmetry_of(molecule)
    starts = np.concatenate([frames.positions for frames in parts.values()])
    result = relax_tightly(molecule, settings, starts, progress)
    positions = np.asarray(result.positions, dtype=float)
    classes = [one.structure_class for one in classify_batch(topology_of(molecule), positions)]
    energies, converged = np.asarray(result.energy, dtype=float), np.asarray(result.status) == Status.CONVERGED
    potential, info = potential_of(replace(settings, precision="float64"), molecule)
    criteria = criteria_for(info, potential, molecule, settings)
    assessed = assess_relaxed(criteria, molecule.bonds, positions, energies, converged)
    are_results = np.array([not one.exclusion for one in assessed], dtype=bool)
    ensembles: list[ConformerEnsemble] = []
    first = 0
    for name, frames in parts.items():
        part = slice(first, first := first + len(frames.ids))
        ensembles.append(
            distinct_conformers(
                name,
                symmetry,
                settings.identity,
                frames.ids,
                energies[part],
                positions[part],
                classes[part],
                converged[part],
                frames.n_other,
                are_results[part],
            )
        )
    a, b = ensembles
    return compare_conformers(symmetry, settings.identity, a, b, window)


def frames_of(path: Path, molecule: Molecule, charge: int | None = None) -> Frames:
    """Read the structures of a molecule from a run or a file.

    Args:
        path: Folder of a run, or file with structures.
        molecule: Molecule that sets the order of the atoms; its positions are not used.
        charge: Total charge of the structures of a file, e, as in `compare_runs`.

    Raises:
        InputError: When there is no structure of the molecule, or the file cannot be read.
    """
    if path.is_dir() or path.suffix == ".sqlite":
        frames = _of_run(read_run(path), molecule)
    elif format_of(path) in READABLE_SUFFIXES or not path.exists():
        ensemble = _read(path, molecule, charge)
        frames = _in_order(molecule, ensemble.molecules, ensemble.indices)._replace(remarks=ensemble.remarks)
    else:
        raise InputError(f"{path} is neither the folder of a run nor a file ending in {' '.join(READABLE_SUFFIXES)}.")
    if not len(frames.ids):
        raise InputError(
            f"{path} has {frames.n_other} structures, none of them a conformer of {molecule.name}: other elements, "
            "bonds or stereocentres. Compare runs and ensembles of one molecule."
        )
    return frames


def _read(path: Path, molecule: Molecule, charge: int | None) -> Ensemble:
    try:
        return read_ensemble(path, charge, keep_broken=True)
    except InputError:
        if charge is not None or not path.is_file():
            raise
        return read_ensemble(path, molecule.total_charge, keep_broken=True)


def _of_run(record: RunRecord, molecule: Molecule) -> Frames:
    """Conformers of a run; its other minima count as other molecules."""
    minima, one = record.conformers, record.molecule
    positions = np.array([m.positions for m in minima]).reshape(-1, one.n_atoms, 3)
    # conformers have the bonds of the input, so its bonds apply to all of them
    ordered, kept = reorder_frames(molecule, one.atomic_numbers, one.bonds, positions)
    ids = np.array([m.id for m in minima], dtype=int)[kept]
    return Frames(ids, ordered, len(record.minima) - len(kept))


def _in_order(molecule: Molecule, structures: Sequence[Molecule], ids: Int[np.ndarray, "n"]) -> Frames:
    groups: dict[tuple[bytes, bytes], list[int]] = {}
    for k, one in enumerate(structures):
        groups.setdefault((one.atomic_numbers.tobytes(), one.bonds.tobytes()), []).append(k)
    kept, ordered = [np.zeros(0, dtype=int)], [np.zeros((0, molecule.n_atoms, 3))]
    for members in groups.values():
        one = structures[members[0]]
        frames = np.array([structures[k].positions for k in members])
        positions, which = reorder_frames(molecule, one.atomic_numbers, one.bonds, frames)
        kept.append(np.array(members)[which])
        ordered.append(positions)
    chosen = np.concatenate(kept)
    ascending = np.argsort(chosen)
    return Frames(ids[chosen][ascending], np.concatenate(ordered)[ascending], len(structures) - len(chosen))
