"""Validation of a run: conformers are relaxed again with a reference method."""

from pathlib import Path

import numpy as np

from explorer.config import Settings
from explorer.config_file import with_overrides
from explorer.dataset.label import reference_calculator
from explorer.errors import InputError
from explorer.records.comparisons import SAME_CONFORMER, Validation
from explorer.records.minimum import Minimum
from explorer.relax.reference import ReferenceRelaxer, attempt
from explorer.relax.relaxer import Status
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import Symmetry, symmetry_of
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.workflows.relax import Count


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
    settings: Settings = with_overrides(Settings(), record.config)
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
