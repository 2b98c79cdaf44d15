"""Errors of a model at the minima of held-out conformers, which are relaxed with the reference method as well."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.active_learning.progress import LearningProgress
from explorer.config import Settings
from explorer.dataset.label import reference_calculator
from explorer.records.comparisons import SAME_CONFORMER
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.relaxation.reference import ReferenceRelaxer, relax_or_none
from explorer.relaxation.relaxer import Status
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import symmetry_of
from explorer.uncertainty.predictions import force_error
from explorer.units import KCAL_PER_MOL
from explorer.workflows.relax import relax_tightly


class HeldOutCheck(NamedTuple):
    """Minima of a model and of the reference method; NaN where the reference method failed.

    The field names are the keys of `check.npz`.
    """

    positions: Float[np.ndarray, "n N 3"]  # Å, minimum of the model
    energy: Float[np.ndarray, "n"]  # eV, of the model
    reference_positions: Float[np.ndarray, "n N 3"]  # Å, minimum of the reference method relaxed from it
    reference_energy: Float[np.ndarray, "n"]  # eV
    force_error: Float[np.ndarray, "n"]  # eV/Å, root mean square, of the model at its minimum, where its forces are 0
    rmsd: Float[np.ndarray, "n"]  # Å, of the heavy atoms between the two minima

    def summary(self) -> dict:
        """Return counts, and mean errors of forces (meV/Å), positions (Å) and relative energies (kcal/mol)."""
        finite = np.isfinite(self.reference_energy)
        energy_errors = (self.energy - self.reference_energy)[finite] / KCAL_PER_MOL
        return {
            "n": len(self.rmsd),
            "n_failed": int((~finite).sum()),
            "n_stayed": int((self.rmsd < SAME_CONFORMER).sum()),
            "force_error": 1000 * float(self.force_error[finite].mean()) if finite.any() else None,
            "rmsd": float(self.rmsd[finite].mean()) if finite.any() else None,
            "energy_error": float(np.abs(energy_errors - energy_errors.mean()).mean()) if finite.any() else None,
        }


def draw_held_out(record: RunRecord, n: int, window: float) -> Float[np.ndarray, "m N 3"]:
    """Draw low conformers of a run that are never labelled, with the seed of the run.

    Args:
        record: The run.
        n: Largest number of conformers; at most a third of those in the window are drawn.
        window: Largest energy above the lowest conformer, eV.

    Returns:
        Positions of the conformers, Å.
    """
    conformers = sorted(record.conformers, key=lambda m: m.energy)
    low = [m for m in conformers if m.energy <= conformers[0].energy + window]
    size = min(n, len(low) // 3)
    drawn = np.random.default_rng([record.config.get("seed", 0), len(low)]).permutation(len(low))[:size]
    return np.array([low[k].positions for k in np.sort(drawn)]).reshape(-1, record.molecule.n_atoms, 3)


def relax_held_out(
    molecule: Molecule,
    settings: Settings,
    starts: Float[np.ndarray, "n N 3"],
    reference: str,
    progress: LearningProgress,
) -> HeldOutCheck:
    """Relax structures with the model, and the results with the reference method.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Settings of the run with the model.
        starts: Positions of the held-out conformers, Å.
        reference: Name of the reference method.
        progress: Called with the numbers of finished and of all structures.
    """
    relaxed = relax_tightly(molecule, settings, starts, progress.counter("held-out minima relaxed with the model"))
    relax = ReferenceRelaxer(molecule, settings.relax, reference_calculator(reference))
    symmetry, report = symmetry_of(molecule), progress.counter(f"held-out minima relaxed with {reference}")
    minima = np.asarray(relaxed.positions, dtype=float)
    reference_minima = np.full(minima.shape, np.nan)
    energies, errors, rmsd = (np.full(len(minima), np.nan) for _ in range(3))
    report(0, len(minima))
    for k, positions in enumerate(minima):
        end = relax_or_none(relax, positions)
        report(k + 1, len(minima))
        if end is None:
            continue
        errors[k] = force_error(end.start_forces[None], 0 * minima[:1], np.ones((1, molecule.n_atoms), bool))[0]
        if end.status == Status.CONVERGED:
            reference_minima[k], energies[k] = end.positions, end.energy
            rmsd[k] = heavy_rmsd(symmetry, positions, end.positions)
    return HeldOutCheck(
        positions=minima,
        energy=np.asarray(relaxed.energy, float),
        reference_positions=reference_minima,
        reference_energy=energies,
        force_error=errors,
        rmsd=rmsd,
    )
