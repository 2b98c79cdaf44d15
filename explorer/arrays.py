"""Type of the arrays of functions that serve NumPy and JAX alike."""

from typing import TypeVar

import numpy as np
from jaxtyping import Array

AnyArray = TypeVar("AnyArray", np.ndarray, Array)  # what a function returns is of the library of its argument
