"""Labels on a grid of positions, so that positions stored in float32 are exactly those of the reference calculation."""

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from jaxtyping import Float

POSITION_GRID = 2.0**-14  # Å; a power of two, so that float32 holds its multiples up to 1024 Å exactly
FORCE_GRID = 2.0**-13  # eV/Å, resolution of stored forces; not tuned


def on_grid(values: Float[np.ndarray, "..."], spacing: float) -> Float[np.ndarray, "..."]:
    """Round values to the nearest multiples of a spacing.

    Args:
        values: Values in any unit.
        spacing: Spacing in the same unit.
    """
    return np.round(values / spacing) * spacing


class GridCalculator(Calculator):
    """ASE calculator that evaluates another one at the nearest positions on the grid; energy in eV, forces in eV/Å.

    Args:
        calculator: Calculator to evaluate.
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012  ASE requires this attribute as a list

    def __init__(self, calculator: Calculator):
        super().__init__()
        self.calculator = calculator

    def calculate(self, atoms: Atoms | None = None, properties=("energy",), system_changes=all_changes) -> None:
        """Compute energy and forces; called by ASE.

        Raises:
            ValueError: When the positions are not finite.
        """
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None  # set by the line above
        rounded = self.atoms.copy()
        if not np.isfinite(rounded.positions).all():  # some reference programs end the whole process otherwise
            raise ValueError("the positions are not finite: the structure has exploded")
        rounded.positions = on_grid(rounded.positions, POSITION_GRID)
        rounded.calc = self.calculator
        self.results = {"forces": rounded.get_forces(), "energy": rounded.get_potential_energy()}
