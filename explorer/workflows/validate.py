"""Validation of a run: conformers are relaxed again with a reference method."""

import numpy as np

from explorer.config_file import ASE_PREFIX
from explorer.dataset.label import reference_calculator
from explorer.dataset.network_reference import is_network, public_reference, require_fetched
from explorer.errors import InputError
from explorer.records.comparisons import SAME_CONFORMER, Validation
from explorer.records.minimum import Minimum
from explorer.relaxation.reference import ReferenceRelaxer, relax_or_none
from explorer.relaxation.relaxer import Status
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.symmetry import Symmetry, symmetry_of
from explorer.workflows.relax import ReportCount
from explorer.workflows.session import Session


def own_reference(session: Session) -> str:
    """Return the reference method on whose labels the network of a run was trained, as far as it can be run here.

    For networks of another or an unknown method, and for potentials that are no networks, it is `gfn2`.

    Args:
        session: The run.

    Raises:
        ConfigError: When it is SO3LR, which was not fetched.
    """
    trained_on = session.model.reference if session.model.folder else ""
    reference = trained_on if is_network(trained_on) or trained_on.startswith(ASE_PREFIX) else "gfn2"
    require_fetched(reference, f"Model {session.model.name}")
    return reference


def validate_run(session: Session, reference: str, n: int, progress: ReportCount | None = None) -> Validation:
    """Relax conformers of a run with a reference method and store which stay the same conformer.

    Args:
        session: The run.
        reference: `gfn2`, `so3lr`, `so3lr:FOLDER` or `ase:package.module:Class`.
        n: Number of conformers, spread evenly over the energies.
        progress: Called with (done, total).

    Returns:
        The validation; RMSD and energy are NaN where the relaxation did not converge.

    Raises:
        InputError: When no relaxation with the reference converges.
    """
    conformers = sorted(session.record.conformers, key=lambda minimum: minimum.energy)
    places = np.unique(np.linspace(0, len(conformers) - 1, n).round().astype(int))
    chosen = [conformers[k] for k in places]
    relax = ReferenceRelaxer(session.record.molecule, session.settings.relax, reference_calculator(reference))
    symmetry = symmetry_of(session.record.molecule)
    relaxed = []
    for k, minimum in enumerate(chosen):
        relaxed.append(_relaxed(relax, symmetry, minimum))
        if progress is not None:
            progress(k + 1, len(chosen))
    rmsd, energies = np.array(relaxed).T
    if np.isnan(energies).all():
        raise InputError(
            f"No minimum of {session.folder} could be relaxed with {reference}. Use another reference method."
        )
    model_energies = np.array([minimum.energy for minimum in chosen])
    validation = Validation(
        reference=public_reference(reference),
        ids=np.array([minimum.id for minimum in chosen]),
        rmsd=rmsd,
        stayed=rmsd < SAME_CONFORMER,
        energy=model_energies - model_energies.min(),
        reference_energy=energies - np.nanmin(energies),
    )
    with session.writing() as store:
        store.save_validation(validation)
    session.update(validation=validation)
    return validation


def _relaxed(relax: ReferenceRelaxer, symmetry: Symmetry, minimum: Minimum) -> tuple[float, float]:
    """RMSD (Å) between a minimum and its reference relaxation, and the reference energy (eV); NaN where it fails."""
    result = relax_or_none(relax, minimum.positions)
    if result is None or result.status != Status.CONVERGED:
        return np.nan, np.nan
    return heavy_rmsd(symmetry, minimum.positions, result.positions), result.energy
