"""Potential of any ASE calculator, which compiled programs call on the host."""

import logging
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from functools import lru_cache, partial
from threading import Lock
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from jaxtyping import Array, Float, Int

from explorer.potential.calculators import CalculatorName
from explorer.potential.charged_atoms import set_charge_and_spin
from explorer.potential.pairs import NeighbourPairs
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.system import System
from explorer.time_limit import within_time

_CACHE_SIZE = 1024  # results; batches are padded with copies of a structure, which then cost nothing; not tuned
_MAX_REASONS = 4096  # failed structures whose reasons are kept; not tuned
_REASON_LENGTH = 200  # characters of a reason; programs print whole files; not tuned

log = logging.getLogger(__name__)


def ase_potential(name: CalculatorName, molecule: Molecule, timeout: float = 0.0) -> Potential:
    """Create the potential of an ASE calculator; its second derivatives are differences of forces.

    The calculator receives total charge and multiplicity in `atoms.info`, as initial charges and magnetic moments, and
    as arguments if its class has them. A failed calculation gives NaN and a warning in the log.

    Args:
        name: Calculator class and its arguments.
        molecule: Molecule, whose bonds and formal charges are passed in `atoms.info` too.
        timeout: Time after which a calculation has failed, s; 0 for no limit.

    Raises:
        ConfigError: If the calculator does not exist or cannot be created.
    """
    host = Host(name, molecule, timeout)
    return Potential(
        params={}, energy_fn=partial(_energy_of, host), has_hessian=False, failure_fn=host.reason_of_failure
    )


class Host:
    """Computes energies and forces by a pool of calculators, each used by one thread at a time.

    A result depends on its structure alone, since calculators are reset and never start from an earlier calculation.
    Walkers are therefore functions of their random numbers, and a resumed run repeats an uninterrupted one.

    Args:
        name: Calculator class and its arguments.
        molecule: Molecule, whose bonds and formal charges are passed to the calculator.
        timeout: Time after which a calculation has failed, s; 0 for no limit.
    """

    def __init__(self, name: CalculatorName, molecule: Molecule, timeout: float = 0.0):
        self.name, self.molecule, self.timeout = name, molecule, timeout
        self.n_failed = 0
        self._reasons: OrderedDict[bytes, str] = OrderedDict()  # by the positions of failed calculations
        self._lock = Lock()
        self._idle: dict[bytes, list[tuple[Calculator, Atoms]]] = defaultdict(list)
        self._cached_result = lru_cache(_CACHE_SIZE)(self._result)
        self.new_atoms(molecule.atomic_numbers, molecule.total_charge, molecule.multiplicity)  # fails early

    def __call__(self, table: Float[np.ndarray, "N+1 4"]) -> Float[np.ndarray, "N+1 3"]:
        """Compute the forces (eV/Å) and, in the last row, the energy (eV).

        Args:
            table: Positions (Å) and atomic numbers; in the last row charge (e) and number of unpaired electrons.
        """
        table = np.asarray(table)
        return self._cached_result(table.tobytes(), table.dtype.str).astype(table.dtype)

    def _result(self, content: bytes, dtype: str) -> Float[np.ndarray, "N+1 3"]:
        table = np.frombuffer(content, dtype).astype(float).reshape(-1, 4)
        result = np.zeros((len(table), 3))
        if not np.isfinite(table).all():  # a walker that failed before
            return np.full_like(result, np.nan)
        numbers = table[:-1, 3].astype(int)
        real = np.flatnonzero(numbers)
        idle = self._idle[table[:, 3].tobytes() + table[-1].tobytes()]

        def calculate() -> tuple[Calculator, Atoms, float, Float[np.ndarray, "N 3"]]:
            try:
                calculator, atoms = idle.pop()
            except IndexError:  # all calculators are in use
                calculator, atoms = self.new_atoms(numbers[real], round(table[-1, 0]), round(table[-1, 1]) + 1)
            atoms.positions = table[real, :3]
            return calculator, atoms, *_energy_and_forces(calculator, atoms)

        try:
            calculator, atoms, result[-1], result[real] = within_time(calculate, self.timeout)
        # calculators raise exceptions of their own types, and their programs may exit; this calculator is dropped
        except (Exception, SystemExit) as error:
            self._record_failure(table[real, :3], error)
            return np.full_like(result, np.nan)
        idle.append((calculator, atoms))
        return result

    def reason_of_failure(self, positions: Float[np.ndarray, "N 3"]) -> str:
        """Return why the calculation of a structure failed, or why the last one did; empty if none has failed.

        Args:
            positions: Structure, Å.
        """
        with self._lock:
            reason = self._reasons.get(_key(positions))
            last = next(reversed(self._reasons.values()), "")
        if reason:
            return f"the calculation failed with {reason}"
        return f"the last failed calculation ended with {last}" if last else ""

    def new_atoms(self, numbers: Int[np.ndarray, "N"], charge: int, multiplicity: int) -> tuple[Calculator, Atoms]:
        """Create a calculator, and atoms that carry charge and multiplicity for it."""
        atoms, formal = Atoms(numbers), None
        if np.array_equal(numbers, self.molecule.atomic_numbers) and charge == self.molecule.total_charge:
            formal = self.molecule.formal_charges
            bonds = {"bonds": self.molecule.bonds, "bond_orders": self.molecule.bond_orders}
            atoms.info |= {**bonds, "formal_charges": formal}
        set_charge_and_spin(atoms, charge, multiplicity, formal)
        calculator = self.name.make(charge=charge, multiplicity=multiplicity, mult=multiplicity, verbosity=0)
        return calculator, atoms

    def _record_failure(self, positions: Float[np.ndarray, "N 3"], error: BaseException) -> None:
        """Keep the reason of a failure, and log the first, the tenth, the hundredth, ... one."""
        text = " ".join(str(error).split())[:_REASON_LENGTH]
        reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
        with self._lock:
            self._reasons[_key(positions)] = reason
            if len(self._reasons) > _MAX_REASONS:
                self._reasons.popitem(last=False)
            self.n_failed += 1
            n = self.n_failed
        if set(str(n)[1:]) <= {"0"} and str(n)[0] == "1":
            times = "A calculation failed" if n == 1 else f"{n} calculations have failed, the last one"
            log.warning("%s with %s: %s", times, self.name, reason)


def _key(positions: Float[np.ndarray, "N 3"]) -> bytes:
    return np.asarray(positions, float).tobytes()


def _energy_and_forces(calculator: Calculator, atoms: Atoms) -> tuple[float, Float[np.ndarray, "N 3"]]:
    """Energy and forces by one calculation from scratch.

    Raises:
        ValueError: If the calculator returns anything else than one finite energy and a finite force on each atom.
    """
    if hasattr(calculator, "reset"):
        calculator.reset()
    calculator.calculate(atoms, ["energy", "forces"], all_changes)
    energy = _finite(calculator.results, "energy", ())
    return float(energy), _finite(calculator.results, "forces", (len(atoms), 3))


def _finite(results: Any, name: str, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """Return a result of a calculator as an array of this shape."""
    value = results.get(name) if isinstance(results, Mapping) else None
    if value is None:
        raise ValueError(f"the calculator returned no {name}")
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        raise ValueError(f"the calculator returned {name} that are no numbers: {str(value)[:60]}") from None
    array = array.reshape(()) if shape == () and array.size == 1 else array
    if array.shape != shape:
        raise ValueError(f"the calculator returned {name} of shape {array.shape} in place of {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"the calculator returned {name} that are not finite")
    return array


def _energy_of(host: Host, params: dict, system: System, pairs: NeighbourPairs) -> Float[Array, ""]:
    return _energy(host, system.positions, system.atomic_numbers, system.total_charge, system.num_unpaired_electrons)


def _call(host: Host, positions, numbers, charge, unpaired) -> tuple[Float[Array, ""], Float[Array, "N 3"]]:
    """Energy and forces by one call with one array each way; each transfer costs as much as MMFF94."""
    zero = jnp.zeros_like(charge)
    rows = jnp.concatenate([positions, numbers[:, None].astype(positions.dtype)], axis=1)
    table = jnp.concatenate([rows, jnp.stack([charge, unpaired, zero, zero])[None].astype(positions.dtype)])
    shape = jax.ShapeDtypeStruct((len(table), 3), positions.dtype)
    result = jax.pure_callback(host, shape, table, vmap_method="sequential")
    return result[-1, 0], result[:-1]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _energy(host: Host, positions, numbers, charge, unpaired) -> Float[Array, ""]:
    return _call(host, positions, numbers, charge, unpaired)[0]


def _energy_forward(host: Host, *system):
    return _call(host, *system)


def _energy_backward(host: Host, forces, factor):
    return -factor * forces, None, None, None


_energy.defvjp(_energy_forward, _energy_backward)
