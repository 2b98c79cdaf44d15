"""Any ASE calculator as a potential: energies and forces come from the host, in the middle of compiled programs."""

import logging
from collections import defaultdict
from functools import lru_cache, partial
from threading import Lock

import jax
import jax.numpy as jnp
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from jaxtyping import Array, Float, Int

from explorer.potential.calculators import CalculatorName
from explorer.potential.charged_atoms import tell_charge_and_spin
from explorer.potential.pairs import NeighbourPairs
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.system import System

REMEMBERED = 1024  # results; a program of fixed size is filled up with copies of a structure, which then cost nothing

log = logging.getLogger(__name__)


def ase_potential(name: CalculatorName, molecule: Molecule) -> Potential:
    """The surface of an ASE calculator. It has no second derivatives but differences of forces.

    Total charge and multiplicity reach the calculator in `atoms.info`, as initial charges and magnetic moments, and
    as arguments where its class has them. A calculation that fails gives NaN, and a line on stderr.

    Args:
        name: of the calculator and its arguments.
        molecule: its bonds and formal charges are told in `atoms.info` as well.

    Raises:
        ConfigError: when there is no such calculator.
    """
    host = Host(name, molecule)
    return Potential(params={}, energy_fn=partial(_energy_of, host), has_hessian=False)


class Host:
    """Energies and forces of structures by calculators, each used by one thread at a time.

    A result depends on its structure alone: calculators are reset, so that none starts from what it did before.
    Walkers are then functions of their random numbers, and an interrupted run goes on as if it had not been.

    Args:
        name: of the calculator and its arguments.
        molecule: to tell bonds and formal charges.
    """

    def __init__(self, name: CalculatorName, molecule: Molecule):
        self.name, self.molecule = name, molecule
        self.n_failed = 0
        self._lock = Lock()
        self._idle: dict[bytes, list[tuple[Calculator, Atoms]]] = defaultdict(list)
        self._remembered = lru_cache(REMEMBERED)(self._result)
        self.new_atoms(molecule.atomic_numbers, molecule.total_charge, molecule.multiplicity)  # a wrong name is refused

    def __call__(self, given: Float[np.ndarray, "N+1 4"]) -> Float[np.ndarray, "N+1 3"]:
        """Forces (eV/Å) and, in the last row, the energy (eV).

        Args:
            given: positions (Å) and atomic numbers; in the last row charge (e) and number of unpaired electrons.
        """
        table = np.asarray(given)
        return self._remembered(table.tobytes(), table.dtype.str).astype(table.dtype)

    def _result(self, content: bytes, dtype: str) -> Float[np.ndarray, "N+1 3"]:
        table = np.frombuffer(content, dtype).astype(float).reshape(-1, 4)
        result = np.zeros((len(table), 3))
        if not np.isfinite(table).all():  # a walker that has failed already
            return np.full_like(result, np.nan)
        numbers = table[:-1, 3].astype(int)
        real = np.flatnonzero(numbers)
        idle = self._idle[table[:, 3].tobytes() + table[-1].tobytes()]
        try:
            try:
                calculator, atoms = idle.pop()
            except IndexError:  # all of them are in use
                calculator, atoms = self.new_atoms(numbers[real], round(table[-1, 0]), round(table[-1, 1]) + 1)
            atoms.positions = table[real, :3]
            result[-1], result[real] = _energy_and_forces(calculator, atoms)
        except Exception as error:  # calculators raise their own types; this one is not used again
            self._tell(error)
            return np.full_like(result, np.nan)
        idle.append((calculator, atoms))
        return result

    def new_atoms(self, numbers: Int[np.ndarray, "N"], charge: int, multiplicity: int) -> tuple[Calculator, Atoms]:
        """A calculator, and its atoms that know charge and multiplicity."""
        atoms, formal = Atoms(numbers), None
        if np.array_equal(numbers, self.molecule.atomic_numbers) and charge == self.molecule.total_charge:
            formal = self.molecule.formal_charges
            bonds = {"bonds": self.molecule.bonds, "bond_orders": self.molecule.bond_orders}
            atoms.info |= {**bonds, "formal_charges": formal}
        tell_charge_and_spin(atoms, charge, multiplicity, formal)
        calculator = self.name.make(charge=charge, multiplicity=multiplicity, mult=multiplicity, verbosity=0)
        return calculator, atoms

    def _tell(self, error: Exception) -> None:
        """Say that a calculation failed: the first one, the tenth, the hundredth, ..."""
        with self._lock:
            self.n_failed += 1
            n = self.n_failed
        if set(str(n)[1:]) <= {"0"} and str(n)[0] == "1":
            times = "A calculation failed" if n == 1 else f"{n} calculations have failed, the last one"
            log.warning("%s with %s: %s: %s", times, self.name, type(error).__name__, error)


def _energy_and_forces(calculator: Calculator, atoms: Atoms) -> tuple[float, Float[np.ndarray, "N 3"]]:
    """Both by one calculation from scratch."""
    if hasattr(calculator, "reset"):
        calculator.reset()
    calculator.calculate(atoms, ["energy", "forces"], all_changes)
    return float(calculator.results["energy"]), np.asarray(calculator.results["forces"], float)


def _energy_of(host: Host, params: dict, system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
    return _energy(host, system.positions, system.atomic_numbers, system.total_charge, system.num_unpaired_electrons)


def _call(host: Host, positions, numbers, charge, unpaired) -> tuple[Float[Array, ""], Float[Array, "N 3"]]:
    """Energy and forces by one call; each array that goes to the host or comes back costs as much as MMFF94 itself."""
    zero = jnp.zeros_like(charge)
    rows = jnp.concatenate([positions, numbers[:, None].astype(positions.dtype)], axis=1)
    given = jnp.concatenate([rows, jnp.stack([charge, unpaired, zero, zero])[None].astype(positions.dtype)])
    shape = jax.ShapeDtypeStruct((len(given), 3), positions.dtype)
    result = jax.pure_callback(host, shape, given, vmap_method="sequential")
    return result[-1, 0], result[:-1]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _energy(host: Host, positions, numbers, charge, unpaired) -> Float[Array, ""]:
    return _call(host, positions, numbers, charge, unpaired)[0]


def _energy_forward(host: Host, *system):
    return _call(host, *system)


def _energy_backward(host: Host, forces, factor):
    return -factor * forces, None, None, None


_energy.defvjp(_energy_forward, _energy_backward)
