"""ASE's minima hopping on any of our potentials, with every force call counted and an exact limit."""

import tempfile
import time
from contextlib import chdir
from typing import ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize.minimahopping import MinimaHopping

from explorer.bench.claims import Claims
from explorer.config import Settings
from explorer.config_file import ASE_PREFIX
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.potential.ase_potential import Host
from explorer.potential.calculators import CalculatorName
from explorer.records.molecule import Molecule


class Spent(Exception):
    """All force calls of a search are used."""


class CountingCalculator(Calculator):
    """Calculator that counts the calculations of another one and raises `Spent` beyond a limit.

    Args:
        inner: Calculator of energy (eV) and forces (eV/Å).
        limit: Number of force calls that are allowed.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, inner: Calculator, limit: int):
        super().__init__()
        self.inner, self.limit, self.n_evaluations = inner, limit, 0

    def calculate(self, atoms: Atoms, properties=("energy",), system_changes=all_changes):
        """Compute energy and forces together.

        Raises:
            Spent: When the limit is reached.
        """
        if self.n_evaluations == self.limit:
            raise Spent
        super().calculate(atoms, properties, system_changes)
        self.n_evaluations += 1
        self.inner.calculate(atoms, ["energy", "forces"], all_changes)
        self.results = {name: self.inner.results[name] for name in self.implemented_properties}


class RecordedHopping(MinimaHopping):
    """ASE's minima hopping with its own defaults, recording each minimum and the force calls until then.

    Args:
        atoms: Start structure with a `CountingCalculator`.
        seed: Seed of the velocities.
    """

    def __init__(self, atoms: Atoms, seed: int):
        super().__init__(atoms, rng=np.random.default_rng(seed))
        self.recorded: list[tuple[int, np.ndarray]] = []

    def _record_minimum(self):
        self.recorded.append((self._atoms.calc.n_evaluations, self._atoms.positions.copy()))
        super()._record_minimum()


def hop_with_ase(molecule: Molecule, settings: Settings, n_evaluations: int, seed: int) -> Claims:
    """Search with ASE's `MinimaHopping` until a number of force calls is spent.

    Args:
        molecule: Start structure.
        settings: Settings of the run; potential and precision are used.
        n_evaluations: Number of force calls.
        seed: Seed of the velocities.

    Returns:
        The minima that ASE recorded; an exception raised inside ASE is stored as `failure`.

    Source: Peterson, Top. Catal. 57, 40 (2014), doi:10.1007/s11244-013-0161-8.
    """
    calculator, atoms = with_calculator(molecule, settings)
    calculator.calculate(atoms, ["forces"], all_changes)  # compiled before the clock starts
    atoms.calc = counter = CountingCalculator(calculator, n_evaluations)
    hopping, failure, started = RecordedHopping(atoms, seed), "", time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # ASE writes two trajectories and logs for each hop
        try:
            hopping()
        except Spent:
            pass
        except Exception as error:  # any failure of the other program is a result of this measurement
            failure = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - started
    positions = np.array([x for _, x in hopping.recorded]).reshape(-1, molecule.n_atoms, 3)
    n_until = np.array([n for n, _ in hopping.recorded], int)
    return Claims(positions, n_until, counter.n_evaluations, seconds, failure)


def with_calculator(molecule: Molecule, settings: Settings) -> tuple[Calculator, Atoms]:
    """Return the potential of a run as an ASE calculator, and the molecule as atoms.

    Args:
        molecule: Molecule with the positions of the atoms.
        settings: Settings of the run; a potential that is an ASE calculator already is used directly.
    """
    charge, multiplicity = molecule.total_charge, molecule.multiplicity
    if settings.potential.startswith(ASE_PREFIX):
        host = Host(CalculatorName.parse(settings.potential), molecule)
        calculator, atoms = host.new_atoms(molecule.atomic_numbers, charge, multiplicity)
    else:
        calculator = ExplorerCalculator(settings.potential, settings.precision, exact=settings.exact)
        atoms = Atoms(molecule.atomic_numbers, info={"charge": charge, "multiplicity": multiplicity})
    atoms.positions = molecule.positions
    return calculator, atoms
