"""A distinct relaxed structure of a run."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import UncertaintyEstimate


@dataclass(frozen=True, kw_only=True, eq=False)
class Minimum:
    """A distinct relaxed structure of the run.

    Attributes:
        id: position in the order of discovery, from 0.
        energy: eV.
        positions: Å, shape (N, 3), centred.
        structure_class: what it is, compared with the input.
        fmax: largest per-atom force norm after relaxation, eV/Å.
        n_evaluations: force calls of the run when it was first found.
        round: the round that found it, from 0.
        doubt: how well the network knows it; None where it does not say.
    """

    id: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    structure_class: StructureClass
    fmax: float
    n_evaluations: int
    round: int
    uncertainty: UncertaintyEstimate | None = None
