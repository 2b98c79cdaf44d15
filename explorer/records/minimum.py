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
        n_evaluations: Force calls of the search when it was first found, and of all attempts to find transition states
            until then where one of these found it.
        round: Round that found it, from 0.
        uncertainty: Uncertainty of the model at it; None where it is not estimated.
        exclusion: Why it is no result of the run, since the model does not know it; empty for a result.
        attempt: Id of the attempt of `pes-explore connect` that found it; None where a hop found it.

    """

    id: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    structure_class: StructureClass
    fmax: float
    n_evaluations: int
    round: int
    uncertainty: UncertaintyEstimate | None = None
    exclusion: str = ""
    attempt: int | None = None

    @property
    def is_result(self) -> bool:
        """Whether the model knows it. Only results are conformers, starts of hops and zeros of energies."""
        return not self.exclusion

    @property
    def is_conformer(self) -> bool:
        """Whether it is a result with the bonds and stereocentres of the input."""
        return self.is_result and self.structure_class.is_conformer
