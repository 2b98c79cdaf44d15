"""Explore the potential-energy surface of a peptide with a SO3krates neural network.

The public names below are all that a script or notebook needs; they are imported on first use.

>>> import explorer
>>> explorer.read_molecule(sequence="A").n_atoms
22
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {  # name: module that defines it
    "ExplorerCalculator": "explorer.potential.ase_calculator",
    "ExplorerError": "explorer.errors",
    "LoadedPotential": "explorer.api",
    "Molecule": "explorer.records.molecule",
    "Run": "explorer.api",
    "Settings": "explorer.config",
    "compare": "explorer.api",
    "explore": "explorer.api",
    "load_potential": "explorer.api",
    "read_molecule": "explorer.api",
    "read_run": "explorer.api",
    "read_training_data": "explorer.dataset.training_data",
    "relax": "explorer.api",
}
__all__ = [
    "ExplorerCalculator",
    "ExplorerError",
    "LoadedPotential",
    "Molecule",
    "Run",
    "Settings",
    "compare",
    "explore",
    "load_potential",
    "read_molecule",
    "read_run",
    "read_training_data",
    "relax",
]

if TYPE_CHECKING:
    from explorer.api import LoadedPotential, Run, compare, explore, load_potential, read_molecule, read_run, relax
    from explorer.config import Settings
    from explorer.dataset.training_data import read_training_data
    from explorer.errors import ExplorerError
    from explorer.potential.ase_calculator import ExplorerCalculator
    from explorer.records.molecule import Molecule


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
