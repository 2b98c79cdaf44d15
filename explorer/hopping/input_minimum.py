"""Relaxation of the input to the first minimum of a search."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.errors import InputError
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import SKELETON_KEPT, StructureClass, allowed_classes, choices_for
from explorer.relaxation.relaxer import STATUS_TEXT, Status
from explorer.relaxation.tight import TightRelaxer
from explorer.topology.bonds import Topology
from explorer.topology.classify import Classification, classify_batch
from explorer.uncertainty.criteria import Assessment

# Relaxations of the input in a row, each with the limit of `relax.max_steps`: a zwitterion needs many steps to
# rearrange. Not tuned.
MAX_INPUT_RELAXATIONS = 4
# Starts of the relaxation, where the structure ends in a hole of the model. Not tuned.
MAX_INPUT_STARTS = 8
INPUT_RATTLE = 0.05  # Å, standard deviation of the displacements of the second start; later ones grow; not tuned

# assessments of structures from positions (Å), energies (eV) and the bond lengths of the relaxed input (Å)
Assess = Callable[
    [Float[np.ndarray, "n N 3"], Float[np.ndarray, "n"], Float[np.ndarray, "n_bonds"] | None], list[Assessment]
]


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


class NotRelaxedError(InputError):
    """A relaxation of the input that did not converge.

    Args:
        message: Text of the error.
        n_evaluations: Force calls of the relaxation.
    """

    def __init__(self, message: str, n_evaluations: int):
        super().__init__(message)
        self.n_evaluations = n_evaluations


def first_minimum(
    molecule: Molecule, topology: Topology, settings: Settings, relax: TightRelaxer, assess: Assess | None = None
) -> tuple[Minimum, Classification]:
    """Relax the input to the first minimum.

    If it ends where the model does not know the surface, it is displaced at random and relaxed again, since the next
    relaxation may avoid the hole. The displacements grow from start to start.

    Args:
        molecule: Molecule with the input structure.
        topology: Bond graph of the molecule.
        settings: Settings of the search.
        relax: Tight relaxation in float64.
        assess: Function that assesses structures; None without one.

    Returns:
        The minimum and its classification relative to the input.

    Raises:
        MoleculeRearranged: When it relaxes to a structure that walkers may not explore.
        InputError: When it does not relax, or relaxes to where the model does not know the surface.
    """
    rng, start, n_calls = np.random.default_rng([settings.seed, 4]), molecule.positions, 0
    for attempt in range(MAX_INPUT_STARTS):
        if attempt:
            start = molecule.positions + rng.normal(0, INPUT_RATTLE * attempt, start.shape)
        try:
            positions, energy, fmax, n_new = relax_to_convergence(relax, start)
        except NotRelaxedError as error:
            if attempt == 0:
                raise
            n_calls += error.n_evaluations  # what the model does not know of the earlier ends is the better reason
            continue
        n_calls += n_new
        classification = classify_batch(topology, positions[None])[0]
        assessed = assess(positions[None], np.array([energy]), None)[0] if assess else Assessment(None, "")
        settles = _moves_protons_only(classification, settings)
        if settles or not assessed.exclusion:
            break
    _refuse_flat(relax, positions, energy, fmax, rng)
    if settles or not assessed.exclusion:
        _refuse_rearranged(positions, classification, settings)
    _refuse_unknown(assessed)
    minimum = Minimum(
        id=0,
        energy=energy,
        positions=positions,
        structure_class=classification.structure_class,
        fmax=fmax,
        n_evaluations=n_calls,
        round=0,
        uncertainty=assessed.uncertainty,
    )
    return minimum, classification


def _moves_protons_only(classification: Classification, settings: Settings) -> bool:
    """Return whether the input becomes another molecule by proton transfer, which is then judged by itself."""
    kept = StructureClass.PROTON_TRANSFERRED in classification.changes and not classification.changes - SKELETON_KEPT
    return kept and not classification.is_within(allowed_classes(settings.hopping.allow))


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


def _refuse_unknown(assessed: Assessment) -> None:
    if assessed.exclusion:
        raise InputError(
            f"The input, displaced {MAX_INPUT_STARTS - 1} times, relaxes only to structures that the model does not "
            f"know ({assessed.exclusion}). Start from another conformer, use another potential, teach the model with "
            "pes-explore train, or explore all the same with --max-uncertainty any."
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
        start: Initial positions, Å.

    Returns:
        Positions (Å), energy (eV), largest force on an atom (eV/Å) and force calls.

    Raises:
        NotRelaxedError: When the relaxation does not converge.
    """
    positions, n_calls = start, 0
    for _ in range(MAX_INPUT_RELAXATIONS):
        result = relax(positions[None])
        positions, status = np.asarray(result.positions[0], float), Status(int(result.status[0]))
        n_calls += int(result.n_steps[0])
        if status != Status.NOT_CONVERGED:
            break
    if status != Status.CONVERGED:
        reason = "" if status == Status.NOT_CONVERGED else relax.potential.reason_of_failure(positions)
        raise NotRelaxedError(
            f"The input structure could not be relaxed: {STATUS_TEXT[status]} (fmax {result.fmax[0]:.3g} eV/Å "
            f"after {n_calls} force calls){'; ' * bool(reason)}{reason}. Check its geometry, or raise relax.max_steps.",
            n_calls,
        )
    return positions, float(result.energy[0]), float(result.fmax[0]), n_calls
