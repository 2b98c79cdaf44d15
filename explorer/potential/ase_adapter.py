"""Old import path of `ExplorerCalculator`, kept for one version."""

import warnings

from explorer.potential.ase_calculator import ExplorerCalculator

__all__ = ["ExplorerCalculator"]

# stacklevel 2 is the importing module
warnings.warn(
    "explorer.potential.ase_adapter has moved: import ExplorerCalculator from explorer.potential.ase_calculator.",
    DeprecationWarning,
    stacklevel=2,
)
