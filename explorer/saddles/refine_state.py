"""State of a refinement to a saddle, its start, limits and status."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from explorer.saddles.curvature import Curvature

INTERNAL_TRUST_RADIUS, CARTESIAN_TRUST_RADIUS = 0.3, 0.1  # Å or rad, at the start; Å; the second one is not tuned


class Refinement(IntEnum):
    """Status of a refinement; all but RUNNING and OVERFLOW are final."""

    RUNNING = 0
    CONVERGED = 1
    NOT_CONVERGED = 2
    DIVERGED = 3
    OVERFLOW = 4
    MISSED = 5


REFINEMENT_TEXT = {
    Refinement.CONVERGED: "converged",
    Refinement.NOT_CONVERGED: "not converged within the allowed number of steps",
    Refinement.DIVERGED: "energy, forces or coordinates of the start are not finite",
    Refinement.MISSED: "a step in internal coordinates could not be transformed to positions",
}


class Limits(NamedTuple):
    """Limits of a refinement, as scalars that a compiled program receives.

    Attributes:
        fmax: Largest force on an atom of a converged saddle, eV/Å.
        trust_radius: Largest change of a coordinate in the first step, Å or rad.
        max_steps: Largest number of steps; products are not counted.
    """

    fmax: Float[np.ndarray | Array, ""]
    trust_radius: Float[np.ndarray | Array, ""]
    max_steps: Int[np.ndarray | Array, ""]


class SaddleStart(NamedTuple):
    """Where a refinement starts; arrays with a leading axis describe many.

    Attributes:
        positions: Å.
        energy: Energy there, eV.
        forces: Forces there, eV/Å.
        direction: Cartesian displacements, of any length, in which the energy is to have its maximum.
        ceiling: Energy above which the structure is a clash that must fall first, eV.
    """

    positions: Float[np.ndarray | Array, "*B N 3"]
    energy: Float[np.ndarray | Array, "*B"]
    forces: Float[np.ndarray | Array, "*B N 3"]
    direction: Float[np.ndarray | Array, "*B N 3"]
    ceiling: Float[np.ndarray | Array, "*B"]


class Request(IntEnum):
    """What the pending evaluation is for."""

    START = 0
    FALL = 1
    STEP = 2
    PRODUCT = 3


class RefineState(struct.PyTreeNode):
    """State of a refinement: the accepted point, what is known of its Hessian, and the pending evaluation.

    Attributes:
        status: A `Refinement`.
        n_evaluations: Force calls, that of the start included.
        n_steps: Steps without products.
        n_falls: Steps that removed a clash.
        positions: Accepted positions, Å.
        energy: Energy there, eV.
        forces: Forces there, eV/Å.
        fmax: Largest force on an atom there, eV/Å.
        values: Coordinates q there.
        gradient: ∂E/∂u there.
        curvature: Hessian.
        followed: Unit vector in u of the mode that was last verified by a product.
        ceiling: Energy above which the structure is a clash, eV.
        radius: Trust radius, Å or rad.
        request: What the pending evaluation is for.
        predicted: Predicted change of the energy by the pending step, eV.
        length: Largest change of a coordinate in the pending step, Å or rad.
        was_cut: Whether the pending step was shortened to the trust radius.
        products_left: Products that may follow in this sequence.
        curvature_here: Curvature along the mode by a product at the accepted point; infinite without one.
    """

    status: Int[Array, ""]
    n_evaluations: Int[Array, ""]
    n_steps: Int[Array, ""]
    n_falls: Int[Array, ""]
    positions: Float[Array, "N 3"]
    energy: Float[Array, ""]
    forces: Float[Array, "N 3"]
    fmax: Float[Array, ""]
    values: Float[Array, "M"]
    gradient: Float[Array, "M"]
    curvature: Curvature
    followed: Float[Array, "M"]
    ceiling: Float[Array, ""]
    radius: Float[Array, ""]
    request: Int[Array, ""]
    predicted: Float[Array, ""]
    length: Float[Array, ""]
    was_cut: Bool[Array, ""]
    products_left: Int[Array, ""]
    curvature_here: Float[Array, ""]
