"""Request for one hop, which the strategy hands to the walker pool. No JAX."""

from enum import Enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class EscapeMode(Enum):
    """How a walker leaves a minimum."""

    JUMP = "jump to the target and relax from there"
    DIRECTED = "dynamics in the direction of the target"
    SOFTENED = "dynamics in the direction of the target after it was softened"
    PUSH = "push along the softened direction of the target, then relax"


class HopRequest(NamedTuple):
    """One hop that a walker is asked to make.

    Attributes:
        walker: Index of the walker.
        origin: Minimum that the walker leaves, Å.
        mode: How it leaves.
        target: Structure to which a jump leads, Å. For all other modes it is the direction in which the walker leaves,
            in arbitrary units.
        temperature: Temperature of the initial velocities, K.
        n_known: Number of minima that the hop may recognise, in order of discovery.
    """

    walker: int
    origin: Float[np.ndarray, "N 3"]
    mode: EscapeMode
    target: Float[np.ndarray, "N 3"]
    temperature: float
    n_known: int = 0
