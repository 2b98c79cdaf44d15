"""Labels on a grid of positions: what is stored in few bits is exactly what the reference was asked about."""

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from jaxtyping import Float

POSITION_GRID = 2.0**-14  # Å; a power of two, so that float32 holds its multiples exactly
FORCE_GRID = 2.0**-13  # eV/Å


def on_grid(values: Float[np.ndarray, "..."], spacing: float) -> Float[np.ndarray, "..."]:
    """The nearest multiples of a spacing."""
    return np.round(values / spacing) * spacing


class GridCalculator(Calculator):
    """A calculator whose energies (eV) and forces (eV/Å) are those at the nearest positions on the grid."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012  the name and form are ASE's

    def __init__(self, calculator: Calculator):
        super().__init__()
        self.calculator = calculator

    def calculate(self, atoms: Atoms | None = None, properties=("energy",), system_changes=all_changes) -> None:
        """Ask the other calculator; called by ASE."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None  # ASE has just set them
        rounded = self.atoms.copy()
        if not np.isfinite(rounded.positions).all():  # some references end the process
            raise ValueError("the positions are not finite: the structure has exploded")
        rounded.positions = on_grid(rounded.positions, POSITION_GRID)
        rounded.calc = self.calculator
        self.results = {"forces": rounded.get_forces(), "energy": rounded.get_potential_energy()}
