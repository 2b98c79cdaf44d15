"""What is kept of the certification of minima: frozen host records of numpy arrays, no JAX."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from explorer.records.structure_class import StructureClass


class StationaryPointType(StrEnum):
    """What the Hessian says about a structure that was stored as a minimum."""

    MINIMUM = "minimum"
    SADDLE = "saddle"  # it falls to both sides of its softest vibration
    NOT_CERTIFIED = "not certified"  # the reason says why


@dataclass(frozen=True, kw_only=True, eq=False)
class Certificate:
    """What became of a minimum that was relaxed tightly and tested by its Hessian, in float64.

    Attributes:
        minimum: id.
        verdict: what it is.
        reason: why it is not certified, or how many vibrations of a saddle are imaginary.
        energy: after tight relaxation, eV.
        fmax: after tight relaxation, eV/Å.
        lowest: wave number of the softest vibration, cm⁻¹; negative where imaginary, NaN where there is none.
        n_products: Hessian-vector products that it took.
        wavenumbers: of all vibrations, ascending, cm⁻¹; empty where only the softest was computed.
    """

    minimum: int
    point_type: StationaryPointType
    reason: str
    energy: float
    fmax: float
    lowest_wavenumber: float
    n_products: int
    wavenumbers: Float[np.ndarray, "n_modes"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SaddleEnd:
    """Where a saddle leads when it is pushed off along one direction of its softest vibration and relaxed.

    Attributes:
        minimum: id of the same minimum in the run; None when the run does not have it.
        energy: eV.
        positions: Å, shape (N, 3).
        structure_class: what it is, compared with the input.
        verdict: what its own Hessian says.
        reason: why it is not certified.
        lowest: wave number of its softest vibration, cm⁻¹.
    """

    minimum: int | None
    energy: float
    positions: Float[np.ndarray, "N 3"]
    structure_class: StructureClass
    point_type: StationaryPointType
    reason: str
    lowest_wavenumber: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Saddle:
    """A stationary point with an imaginary vibration that the search had stored as a minimum.

    Attributes:
        minimum: id that it was stored under.
        energy: eV.
        positions: Å, shape (N, 3).
        fmax: eV/Å.
        direction: displacements of its softest vibration, the largest atom moves 1, shape (N, 3).
        wavenumbers: of all vibrations, ascending, cm⁻¹; imaginary ones negative.
        ends: along the direction and against it.
    """

    minimum: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    fmax: float
    direction: Float[np.ndarray, "N 3"]
    wavenumbers: Float[np.ndarray, "n_modes"]
    ends: tuple[SaddleEnd, SaddleEnd]
