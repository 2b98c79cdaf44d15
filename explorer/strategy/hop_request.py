"""A hop that the strategy asks for, without JAX: from which minimum, how the walker leaves, where a jump leads."""

from enum import Enum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class EscapeMode(Enum):
    """How a walker leaves a minimum."""

    JUMP = "a jump: it relaxes from its aim at once"
    DIRECTED = "in the direction of its aim"
    SOFTENED = "in the direction of its aim without what is stiff"
    PUSH = "pushed in the direction of its aim without what is stiff, to relax from there"


class HopRequest(NamedTuple):
    """A hop to be done."""

    walker: int
    origin: Float[np.ndarray, "N 3"]  # Å
    mode: EscapeMode
    target: Float[np.ndarray, "N 3"]  # where a jump leads, Å; else the direction in which the walker leaves
    temperature: float  # K
    n_known: int = 0  # minima that it may recognise, the first ones that were found
