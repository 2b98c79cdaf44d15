"""ASE's minima hopping on any of our potentials, every force call counted, ended exactly where they are spent."""

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
    """All force calls are used."""


class CountingCalculator(Calculator):
    """Another calculator, each of its calculations counted; asked for one more than allowed it raises `Spent`.

    Args:
        inner: what computes energy (eV) and forces (eV/Å).
        limit: force calls.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(self, inner: Calculator, limit: int):
        super().__init__()
        self.inner, self.limit, self.n_evaluations = inner, limit, 0

    def calculate(self, atoms: Atoms, properties=("energy",), system_changes=all_changes):
        """Energy and forces at once."""
        if self.n_evaluations == self.limit:
            raise Spent
        super().calculate(atoms, properties, system_changes)
        self.n_evaluations += 1
        self.inner.calculate(atoms, ["energy", "forces"], all_changes)
        self.results = {name: self.inner.results[name] for name in self.implemented_properties}


class RecordedHopping(MinimaHopping):
    """ASE's minima hopping with its own defaults; notes what it adds to its list of minima, and when."""

    def __init__(self, atoms: Atoms, seed: int):
        super().__init__(atoms, rng=np.random.default_rng(seed))
        self.found: list[tuple[int, np.ndarray]] = []

    def _record_minimum(self):
        self.found.append((self._atoms.calc.n_evaluations, self._atoms.positions.copy()))
        super()._record_minimum()


def hop_with_ase(molecule: Molecule, settings: Settings, n_evaluations: int, seed: int) -> Claims:
    """Search with ASE's `MinimaHopping` from a structure until so many force calls are spent.

    Args:
        molecule: where to start.
        settings: potential and precision.
        n_evaluations: force calls.
        seed: of the velocities.

    Source: Peterson, Top. Catal. 57, 40 (2014), doi:10.1007/s11244-013-0161-8.
    """
    calculator, atoms = with_calculator(molecule, settings)
    calculator.calculate(atoms, ["forces"], all_changes)  # compiled before the clock starts
    atoms.calc = counter = CountingCalculator(calculator, n_evaluations)
    hopping, failure, started = RecordedHopping(atoms, seed), "", time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):  # it writes two trajectories and logs for each hop
        try:
            hopping()
        except Spent:
            pass
        except Exception as error:  # whatever another program dies of is a result of this measurement
            failure = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - started
    positions = np.array([x for _, x in hopping.found]).reshape(-1, molecule.n_atoms, 3)
    when = np.array([n for n, _ in hopping.found], int)
    return Claims(positions, when, counter.n_evaluations, seconds, failure)


def with_calculator(molecule: Molecule, settings: Settings) -> tuple[Calculator, Atoms]:
    """The potential of a run as an ASE calculator, itself where it is one, and the molecule as atoms."""
    charge, multiplicity = molecule.total_charge, molecule.multiplicity
    if settings.potential.startswith(ASE_PREFIX):
        host = Host(CalculatorName.parse(settings.potential), molecule)
        calculator, atoms = host.new_atoms(molecule.atomic_numbers, charge, multiplicity)
    else:
        calculator = ExplorerCalculator(settings.potential, settings.precision, exact=settings.exact)
        atoms = Atoms(molecule.atomic_numbers, info={"charge": charge, "multiplicity": multiplicity})
    atoms.positions = molecule.positions
    return calculator, atoms
