"""Relaxation of the input to the first minimum of a search."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.errors import InputError
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import SKELETON_KEPT, StructureClass, allowed_classes, choices_for
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.relaxation.relaxer import STATUS_TEXT, Status
from explorer.relaxation.tight import TightRelaxer
from explorer.strategy.outcomes import is_too_uncertain
from explorer.topology.bonds import Topology
from explorer.topology.classify import Classification, classify_batch

# Relaxations of the input in a row, each with the limit of `relax.max_steps`: a zwitterion needs many steps to
# rearrange. Not tuned.
MAX_INPUT_RELAXATIONS = 4
# Starts of the relaxation, where the structure breaks in a spurious low-energy region of the model. Not tuned.
MAX_INPUT_STARTS = 4
INPUT_RATTLE = 0.05  # Å, standard deviation of the displacements of the later starts; not tuned

Assess = Callable[[Float[np.ndarray, "n N 3"]], list[UncertaintyEstimate]]  # estimates at positions in Å


class MoleculeRearranged(InputError):
    """Error for an input that relaxes to a structure that walkers may not explore.

    Args:
        message: Text of the error.
        positions: Relaxed structure, Å.
        classification: How it differs from the input.
    """

    def __init__(self, message: str, positions: Float[np.ndarray, "N 3"], classification: Classification):
        super().__init__(message)
        self.positions, self.classification = positions, classification


def first_minimum(
    molecule: Molecule, topology: Topology, settings: Settings, relax: TightRelaxer, assess: Assess | None = None
) -> tuple[Minimum, Classification]:
    """Relax the input to the first minimum.

    If it breaks where the model is out of distribution, it is displaced at random and relaxed again. Such a break is
    often due to a spurious low-energy region of the model, which the next relaxation may avoid.

    Args:
        molecule: Molecule with the input structure.
        topology: Bond graph of the molecule.
        settings: Settings of the search.
        relax: Tight relaxation in float64.
        assess: Function that estimates the uncertainty at structures; None without one.

    Returns:
        The minimum and its classification relative to the input.

    Raises:
        MoleculeRearranged: When it relaxes to a structure that walkers may not explore.
        InputError: When it does not relax, or relaxes to where the model is too uncertain.
    """
    rng, start, n_calls = np.random.default_rng([settings.seed, 4]), molecule.positions, 0
    for _ in range(MAX_INPUT_STARTS):
        positions, energy, fmax, n_new = relax_to_convergence(relax, start)
        n_calls += n_new
        classification = classify_batch(topology, positions[None])[0]
        uncertainty = assess(positions[None])[0] if assess else None
        is_broken = bool(classification.changes - SKELETON_KEPT)
        if not (uncertainty and uncertainty.trust_level == TrustLevel.OUT_OF_DISTRIBUTION and is_broken):
            break
        start = molecule.positions + rng.normal(0, INPUT_RATTLE, positions.shape)
    _refuse_flat(relax, positions, energy, fmax, rng)
    _refuse_uncertain(uncertainty, settings)
    _refuse_rearranged(positions, classification, settings)
    minimum = Minimum(
        id=0,
        energy=energy,
        positions=positions,
        structure_class=classification.structure_class,
        fmax=fmax,
        n_evaluations=n_calls,
        round=0,
        uncertainty=uncertainty,
    )
    return minimum, classification


def _refuse_flat(
    relax: TightRelaxer, positions: Float[np.ndarray, "N 3"], energy: float, fmax: float, rng: np.random.Generator
) -> None:
    """Refuse a potential without any force at the input and at a displaced structure: every structure is a minimum."""
    if fmax > 0:
        return
    displaced = positions + rng.normal(0, INPUT_RATTLE, positions.shape)
    result = relax(displaced[None])
    if float(result.fmax[0]) == 0 and float(result.energy[0]) == energy:
        raise InputError(
            f"The energy stays at {energy:.6g} eV when atoms move: this surface is flat here, so it has no minima. "
            "Use another potential, or move the atoms within its range."
        )


def _refuse_uncertain(uncertainty: UncertaintyEstimate | None, settings: Settings) -> None:
    if uncertainty and is_too_uncertain(uncertainty, settings.hopping.max_uncertainty):
        raise InputError(
            f"The input relaxes to a structure where the model is {uncertainty.trust_level} (expected force error "
            f"{uncertainty.expected_error:.2f} eV/Å). Allow more with --max-uncertainty, or use another potential."
        )


def _refuse_rearranged(positions: Float[np.ndarray, "N 3"], classification: Classification, settings: Settings) -> None:
    allowed: frozenset[StructureClass] = allowed_classes(settings.hopping.allow)
    if classification.is_within(allowed):
        return
    choices = ",".join((*settings.hopping.allow, *choices_for(classification.changes - allowed)))
    raise MoleculeRearranged(
        f"The input relaxes to a structure that the search is not allowed to explore "
        f"({classification.structure_class}: {classification.reason}). Check bonds and charge, use another potential, "
        f"or allow it with --allow {choices}.",
        positions,
        classification,
    )


def relax_to_convergence(
    relax: TightRelaxer, start: Float[np.ndarray, "N 3"]
) -> tuple[Float[np.ndarray, "N 3"], float, float, int]:
    """Relax a structure, with several relaxations in a row where one does not suffice.

    Args:
        relax: Tight relaxation in float64.
        start: Å.

    Returns:
        Positions (Å), energy (eV), largest force on an atom (eV/Å) and force calls.

    Raises:
        InputError: When the relaxation does not converge.
    """
    positions, n_calls = start, 0
    for _ in range(MAX_INPUT_RELAXATIONS):
        result = relax(positions[None])
        positions, status = np.asarray(result.positions[0], float), Status(int(result.status[0]))
        n_calls += int(result.n_steps[0])
        if status != Status.NOT_CONVERGED:
            break
    if status != Status.CONVERGED:
        raise InputError(
            f"The input structure could not be relaxed: {STATUS_TEXT[status]} (fmax {result.fmax[0]:.3g} eV/Å "
            f"after {n_calls} force calls). Check its geometry, or raise relax.max_steps."
        )
    return positions, float(result.energy[0]), float(result.fmax[0]), n_calls
