"""Records of the certification of minima by their vibrations."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from explorer.records.structure_class import StructureClass


class StationaryPointType(StrEnum):
    """Type of a stored structure according to its Hessian."""

    MINIMUM = "minimum"
    SADDLE = "saddle"  # the energy decreases in both directions of its softest vibration
    NOT_CERTIFIED = "not certified"  # the certificate has the reason


@dataclass(frozen=True, kw_only=True, eq=False)
class Certificate:
    """Result of the certification of a minimum: tight relaxation and Hessian, both in float64.

    Attributes:
        minimum: Id of the minimum.
        point_type: Type of the stationary point.
        reason: Why it is not certified, or the number of imaginary vibrations of a saddle; empty for a minimum.
        energy: Energy after tight relaxation, eV.
        fmax: Largest force on an atom after tight relaxation, eV/Å.
        lowest_wavenumber: Wavenumber of the softest vibration, cm⁻¹; negative if imaginary, NaN if there is none.
        n_products: Number of Hessian-vector products used.
        wavenumbers: Wavenumbers of all vibrations, ascending, cm⁻¹; empty if only the softest was computed.

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
    """Structure to which a saddle relaxes after a displacement along one direction of its softest vibration.

    Attributes:
        minimum: Id of the same structure among the minima of the run; None if the run does not contain it.
        energy: Energy after tight relaxation, eV.
        positions: Positions, Å.
        structure_class: Class relative to the input.
        point_type: Type of the stationary point according to its own Hessian.
        reason: Why it is not certified as a minimum, as in `Certificate`.
        lowest_wavenumber: Wavenumber of its softest vibration, cm⁻¹; negative if imaginary, NaN if there is none.

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
    """Stationary point with an imaginary vibration that the search had stored as a minimum.

    Attributes:
        minimum: Id under which it is stored.
        energy: Energy, eV.
        positions: Positions, Å.
        fmax: Largest force on an atom, eV/Å.
        direction: Displacements of its softest vibration, scaled so that the largest one of an atom is 1.
        wavenumbers: Wavenumbers of all vibrations, ascending, cm⁻¹; imaginary ones are negative.
        ends: Structures reached along the direction and against it.

    """

    minimum: int
    energy: float
    positions: Float[np.ndarray, "N 3"]
    fmax: float
    direction: Float[np.ndarray, "N 3"]
    wavenumbers: Float[np.ndarray, "n_modes"]
    ends: tuple[SaddleEnd, SaddleEnd]
