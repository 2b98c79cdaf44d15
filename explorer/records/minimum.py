"""Record of a minimum: one distinct relaxed structure of a run."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import UncertaintyEstimate


@dataclass(frozen=True, kw_only=True, eq=False)
class Minimum:
    """Distinct relaxed structure of a run.

    Attributes:
        id: Number in order of discovery, from 0.
        energy: Potential energy, eV.
        positions: Å, centred.
        structure_class: Class relative to the input.
        fmax: Largest force on an atom after relaxation, eV/Å.
        n_evaluations: Force calls of the run when it was first found.
        round: Round that found it, from 0.
        uncertainty: Uncertainty of the model at it; None where it is not estimated.

    """

    id: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    structure_class: StructureClass
    fmax: float
    n_evaluations: int
    round: int
    uncertainty: UncertaintyEstimate | None = None
