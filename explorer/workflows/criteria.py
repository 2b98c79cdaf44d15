"""Criteria of results for the model and the molecule of a run, and the refusal where none of them can be met."""

import warnings

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.config import Settings
from explorer.errors import ConfigError, ExplorerWarning, InputError
from explorer.potential.load import ModelInfo
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.records.uncertainty import ANY_LEVEL, TrustLevel
from explorer.system import system_of
from explorer.topology.distortion import bond_lengths
from explorer.uncertainty.assessor import MoleculeAssessor, load_assessor
from explorer.uncertainty.criteria import Assessment, ResultCriteria
from explorer.uncertainty.domain import Domain


def criteria_for(
    info: ModelInfo, potential: Potential, molecule: Molecule, settings: Settings, precision: str = "float64"
) -> ResultCriteria | None:
    """Return the criteria by which minima of a network are results.

    Args:
        info: Model of the run.
        potential: Potential of the model.
        molecule: Molecule of the run; its positions are not used.
        settings: Settings of the run.
        precision: Precision of the potential.

    Returns:
        The criteria, or None for a potential that is no network; all of its minima are results.

    Raises:
        ConfigError: When there is no uncertainty and only trusted minima are wanted.
    """
    limit = settings.hopping.max_uncertainty
    assessor = load_assessor(info.folder) if info.folder else None
    if assessor is None and limit == TrustLevel.TRUSTED:
        raise ConfigError(
            f"{info.name} provides no uncertainty, so --max-uncertainty {limit} is not possible. Omit this option, or "
            "use a model with a calibration.json."
        )
    if info.folder is None:
        return None
    estimate = None
    if assessor is not None:
        estimate = MoleculeAssessor(assessor, potential, system_of(molecule, np.dtype(precision)))
    return ResultCriteria(molecule, limit, estimate, Domain.load(info.folder))


def hole_criteria(info: ModelInfo, molecule: Molecule) -> ResultCriteria | None:
    """Return the criteria without the trust level, which cost no force calls; None for a potential that is no network.

    Args:
        info: Model of the run.
        molecule: Molecule of the run; its positions are not used.
    """
    return ResultCriteria(molecule, ANY_LEVEL, None, Domain.load(info.folder)) if info.folder else None


def assess_relaxed(
    criteria: ResultCriteria | None,
    bonds: Int[np.ndarray, "n_bonds 2"],
    positions: Float[np.ndarray, "n N 3"],
    energies: Float[np.ndarray, "n"],
    converged: Bool[np.ndarray, "n"],
) -> list[Assessment]:
    """Assess relaxed structures of one molecule outside of a search.

    Bond lengths are compared with their medians over the structures that converged, in place of the relaxed input.

    Args:
        criteria: Criteria of results; None for a potential that is no network, whose minima are all results.
        bonds: Index pairs.
        positions: Å.
        energies: eV.
        converged: Whether each relaxation converged; others are not assessed.
    """
    assessments = [Assessment(None, "")] * len(positions)
    chosen = np.flatnonzero(converged & np.isfinite(positions).all(axis=(1, 2)))
    if criteria is None or not len(chosen):
        return assessments
    lengths = np.median(bond_lengths(bonds, positions[chosen]), axis=0)
    for k, assessed in zip(chosen.tolist(), criteria(positions[chosen], energies[chosen], lengths), strict=True):
        assessments[k] = assessed
    return assessments


def check_chemistry(name: str, criteria: ResultCriteria | None) -> None:
    """Refuse a molecule with chemistry that the training data of a model never had, or warn where there is no limit.

    Args:
        name: Name of the model.
        criteria: Criteria of results for the molecule; None for a potential that is no network.

    Raises:
        InputError: When the search would have no result.
    """
    if criteria is None or not criteria.unseen:
        return
    never = f"The training data of {name} never had this chemistry: {'; '.join(criteria.unseen)}. "
    if criteria.is_unknown_chemistry:
        raise InputError(
            never + "All its minima would be out of distribution, so the search would have no result. Use another "
            "potential, train a model on such molecules (pes-explore train), or explore all the same with "
            "--max-uncertainty any."
        )
    warnings.warn(never + "All minima are out of distribution.", ExplorerWarning, stacklevel=2)
