"""How good the minima of a model are: the reference relaxes some that it was never asked about in training."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.active_learning.progress import LearningProgress
from explorer.config import Settings
from explorer.dataset.label import reference_calculator
from explorer.records.comparisons import SAME_CONFORMER
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.relax.reference import ReferenceRelaxer, attempt
from explorer.relax.relaxer import Status
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import symmetry_of
from explorer.uncertainty.predictions import force_error
from explorer.units import KCAL_PER_MOL
from explorer.workflows.relax import relax_tightly


class HeldOutCheck(NamedTuple):
    """Minima of a model, and where the reference takes them; not finite where it fails."""

    positions: Float[np.ndarray, "n N 3"]  # Å, of the model's minimum
    energy: Float[np.ndarray, "n"]  # eV, of the model
    reference_positions: Float[np.ndarray, "n N 3"]  # Å
    reference_energy: Float[np.ndarray, "n"]  # eV
    force_error: Float[np.ndarray, "n"]  # eV/Å, of the model at its minimum, where its own forces are zero
    rmsd: Float[np.ndarray, "n"]  # Å, of heavy atoms between the two

    def summary(self) -> dict:
        """Errors in meV/Å, Å and kcal/mol; those of energies are about their mean, which means nothing."""
        fine = np.isfinite(self.reference_energy)
        off = (self.energy - self.reference_energy)[fine] / KCAL_PER_MOL
        return {
            "n": len(self.rmsd),
            "n_failed": int((~fine).sum()),
            "n_stayed": int((self.rmsd < SAME_CONFORMER).sum()),
            "force_error": 1000 * float(self.force_error[fine].mean()) if fine.any() else None,
            "rmsd": float(self.rmsd[fine].mean()) if fine.any() else None,
            "energy_error": float(np.abs(off - off.mean()).mean()) if fine.any() else None,
        }


def held_out(record: RunRecord, n: int, window: float) -> Float[np.ndarray, "m N 3"]:
    """Positions of conformers of a run to check with, drawn by its seed: at most n and a third of those in a window.

    Args:
        record: the run.
        n: at most so many.
        window: eV above the lowest conformer.
    """
    conformers = sorted(record.conformers, key=lambda m: m.energy)
    low = [m for m in conformers if m.energy <= conformers[0].energy + window]
    size = min(n, len(low) // 3)
    drawn = np.random.default_rng([record.config.get("seed", 0), len(low)]).permutation(len(low))[:size]
    return np.array([low[k].positions for k in np.sort(drawn)]).reshape(-1, record.molecule.n_atoms, 3)


def relax_held_out(
    molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "n N 3"], reference: str, watch: LearningProgress
) -> HeldOutCheck:
    """Relax structures on the model, and from there on the reference.

    Args:
        molecule: any conformer.
        settings: of the run with the model.
        starts: Å.
        reference: name of the method.
        watch: told how many are done.
    """
    relaxed = relax_tightly(molecule, settings, starts, watch.counting("held-out minima relaxed on the model"))
    relax = ReferenceRelaxer(molecule, settings.relax, reference_calculator(reference))
    symmetry, report = symmetry_of(molecule), watch.counting(f"held-out minima relaxed with {reference}")
    at = np.asarray(relaxed.positions, dtype=float)
    found = np.full(at.shape, np.nan)
    energies, errors, rmsd = (np.full(len(at), np.nan) for _ in range(3))
    report(0, len(at))
    for k, positions in enumerate(at):
        end = attempt(relax, positions)
        report(k + 1, len(at))
        if end is None:
            continue
        errors[k] = force_error(end.start_forces[None], 0 * at[:1], np.ones((1, molecule.n_atoms), bool))[0]
        if end.status == Status.CONVERGED:
            found[k], energies[k] = end.positions, end.energy
            rmsd[k] = heavy_rmsd(symmetry, positions, end.positions)
    return HeldOutCheck(at, np.asarray(relaxed.energy, float), found, energies, errors, rmsd)
