"""The first minimum of a search: what the given structure relaxes to, where walkers may explore that."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.errors import InputError
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import SKELETON_KEPT, allowed_classes, choices_for
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.relax.relaxer import STATUS_TEXT, Status
from explorer.relax.tight import TightRelaxer
from explorer.strategy.outcomes import is_too_uncertain
from explorer.topology.bonds import Topology
from explorer.topology.classify import Classification, classify_batch

TRIES = 4  # times the steps of a relaxation: a zwitterion takes long to become something else
SHAKEN_TRIES, SHAKE = 4, 0.05  # starts where the structure falls into a hole of the network; Å

Assess = Callable[[Float[np.ndarray, "n N 3"]], list[UncertaintyEstimate]]


class MoleculeRearranged(InputError):
    """The input relaxes to another molecule than was given.

    Attributes:
        positions: Å, relaxed.
        found: what is different.
    """

    def __init__(self, message: str, positions: Float[np.ndarray, "N 3"], found: Classification):
        super().__init__(message)
        self.positions, self.classification = positions, found


def first_minimum(
    molecule: Molecule, topology: Topology, settings: Settings, relax: TightRelaxer, assess: Assess | None = None
) -> tuple[Minimum, Classification]:
    """What a structure relaxes to, and what that is compared with it.

    A structure that breaks where the network knows nothing is shaken and relaxed again.

    Args:
        molecule: with that structure.
        topology: of the molecule.
        settings: of the search.
        relax: in float64.
        assess: says how well the network knows structures, Å; None where nothing does.

    Raises:
        OtherMolecule: when it relaxes to what walkers may not explore.
        InputError: when it does not relax, or to what the network knows less well than is allowed.
    """
    rng, start, n = np.random.default_rng([settings.seed, 4]), molecule.positions, 0
    for _ in range(SHAKEN_TRIES):
        positions, energy, fmax, n_calls = relaxed(relax, start)
        n += n_calls
        found = classify_batch(topology, positions[None])[0]
        doubt = assess(positions[None])[0] if assess else None
        if not (doubt and doubt.trust_level == TrustLevel.OUT_OF_DISTRIBUTION and found.changes - SKELETON_KEPT):
            break
        # it broke in a hole that the network invents, which the next way downhill may pass by
        start = molecule.positions + rng.normal(0, SHAKE, positions.shape)
    if doubt and is_too_uncertain(doubt, settings.hopping.max_uncertainty):
        raise InputError(
            f"The input structure relaxes to what is {doubt.trust_level} for the network (expected force error "
            f"{doubt.expected_error:.2f} eV/Å). Allow more by --max-uncertainty, or use another potential."
        )
    allowed = allowed_classes(settings.hopping.allow)
    if not found.is_within(allowed):
        choices = ",".join((*settings.hopping.allow, *choices_for(found.changes - allowed)))
        raise MoleculeRearranged(
            f"The input structure relaxes to what walkers may not explore ({found.structure_class}: {found.reason}). Check "
            f"bonds and charge, use another potential, or allow it by --allow {choices}.",
            positions,
            found,
        )
    return Minimum(
        id=0,
        energy=energy,
        positions=positions,
        structure_class=found.structure_class,
        fmax=fmax,
        n_evaluations=n,
        round=0,
        uncertainty=doubt,
    ), found


def relaxed(relax: TightRelaxer, start: Float[np.ndarray, "N 3"]) -> tuple[Float[np.ndarray, "N 3"], float, float, int]:
    """Positions (Å), energy (eV), largest force (eV/Å) where a start (Å) relaxes to, and the force calls.

    Raises:
        InputError: when it does not relax.
    """
    at, n = start, 0
    for _ in range(TRIES):
        result = relax(at[None])
        at, status = np.asarray(result.positions[0], float), Status(int(result.status[0]))
        n += int(result.n_steps[0])
        if status != Status.NOT_CONVERGED:
            break
    if status != Status.CONVERGED:
        raise InputError(
            f"The input structure could not be relaxed: {STATUS_TEXT[status]} (fmax {result.fmax[0]:.3g} eV/Å "
            f"after {n} force calls). Check its geometry, or raise relax.max_steps."
        )
    return at, float(result.energy[0]), float(result.fmax[0]), n
