"""Optimisers of other programs on our potentials, one structure at a time, with every force call recorded."""

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from jaxtyping import Float

from explorer.config import Settings
from explorer.devices import configure_jax
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.records.molecule import Molecule

ASE_OPTIMISERS = ("FIRE2", "BFGS", "LBFGS")
OPTIONAL_OPTIMISERS = {"geomeTRIC": "geometric", "Sella": "sella"}  # name and module; used where it can be imported
MAX_PEER_CALLS = 2000  # force calls after which a relaxation counts as failed; not tuned
Result = TypeVar("Result")


@dataclass
class Trace:
    """Record of one relaxation.

    Attributes:
        energies: Energy at each force call, eV.
        fmax: Largest force on an atom at each force call, eV/Å.
        positions: Structure of the last force call, Å.
        seconds: Wall time, s.
        failure: Why the relaxation failed; empty if it converged.
    """

    energies: list[float] = field(default_factory=list)
    fmax: list[float] = field(default_factory=list)
    positions: Float[np.ndarray, "N 3"] = field(default_factory=lambda: np.zeros((0, 3)))
    seconds: float = 0.0
    failure: str = ""


class TracingCalculator(ExplorerCalculator):
    """Calculator that records every force call in a trace."""

    trace: Trace

    def calculate(self, atoms: Atoms, properties=("energy",), system_changes=all_changes):
        """Compute energy and forces, and record them.

        Raises:
            TimeoutError: After too many force calls.
        """
        super().calculate(atoms, properties, system_changes)
        self.trace.energies.append(self.results["energy"])
        self.trace.fmax.append(float(np.linalg.norm(self.results["forces"], axis=1).max()))
        self.trace.positions = np.array(atoms.positions)
        if len(self.trace.energies) > MAX_PEER_CALLS:
            raise TimeoutError(f"not converged within {MAX_PEER_CALLS} force calls")


def missing_peers() -> list[str]:
    """Return the names of the optional optimisers that cannot be imported."""
    return [name for name, module in OPTIONAL_OPTIMISERS.items() if importlib.util.find_spec(module) is None]


def relax_with(
    name: str, molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "n N 3"], fmax: float
) -> list[Trace]:
    """Relax each start with one optimiser, in a process of its own with one thread for the linear algebra.

    Args:
        name: Name of the optimiser, from `ASE_OPTIMISERS` or `OPTIONAL_OPTIMISERS`.
        molecule: Molecule; its positions are not used.
        settings: Settings of the run; potential and precision are used.
        starts: Start structures, Å.
        fmax: Largest norm of the force on an atom at which the optimiser stops, eV/Å.

    Returns:
        Record of each relaxation.
    """
    return in_own_process(_relax_all, name, molecule, settings, starts, fmax)


def in_own_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in a process of its own with one thread for the linear algebra, and return its result.

    Args:
        function: Function of a module.
        arguments: Its arguments, which must be picklable.
    """
    with _one_thread(), ProcessPoolExecutor(1, get_context("spawn"), initializer=configure_jax) as pool:
        return pool.submit(function, *arguments).result()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Set OMP_NUM_THREADS=1 for processes that are started inside the block."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before


def _relax_all(
    name: str, molecule: Molecule, settings: Settings, starts: Float[np.ndarray, "n N 3"], fmax: float
) -> list[Trace]:
    calculator = TracingCalculator(settings.potential, settings.precision)
    optimise, traces = _optimiser(name), []
    for start in starts:
        info = {"charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
        atoms = Atoms(molecule.atomic_numbers, start, info=info, calculator=calculator)
        calculator.trace = Trace()
        calculator.calculate(atoms)  # compiled before the clock starts
        calculator.reset()
        calculator.trace = trace = Trace()
        started = time.perf_counter()
        try:
            optimise(atoms, fmax)
        except Exception as error:  # any failure of the other program is a result of this measurement
            trace.failure = f"{type(error).__name__}: {error}"
        trace.seconds = time.perf_counter() - started
        if not trace.failure and trace.fmax[-1] >= fmax:
            trace.failure = "stopped above the requested force"
        traces.append(trace)
    return traces


def _optimiser(name: str) -> Callable[[Atoms, float], object]:
    import ase.optimize

    if name in ASE_OPTIMISERS:
        return lambda atoms, fmax: getattr(ase.optimize, name)(atoms, logfile=None).run(fmax, MAX_PEER_CALLS)
    return _sella if name == "Sella" else _geometric


def _sella(atoms: Atoms, fmax: float) -> None:
    from sella import Sella  # type: ignore[import-not-found]

    Sella(atoms, order=0, internal=True, logfile=None).run(fmax, MAX_PEER_CALLS)


def _geometric(atoms: Atoms, fmax: float) -> None:
    """Run geomeTRIC with translation-rotation internals; its force threshold is in hartree/bohr."""
    from ase.units import Bohr, Hartree
    from geometric.ase_engine import EngineASE  # type: ignore[import-not-found]
    from geometric.internal import DelocalizedInternalCoordinates  # type: ignore[import-not-found]
    from geometric.molecule import Molecule as Geometry  # type: ignore[import-not-found]
    from geometric.optimize import OPT_STATE, Optimizer, OptParams  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.xyz"
        atoms.write(path)
        geometry = Geometry(str(path))
        internals = DelocalizedInternalCoordinates(geometry, build=True, connect=False, addcart=False)
        limit = fmax * Bohr / Hartree
        # only the force decides, as for the other optimisers
        parameters = OptParams(
            convergence_set="GAU",
            maxiter=MAX_PEER_CALLS,
            converge=[
                "energy",
                "1e9",
                "grms",
                str(limit),
                "gmax",
                str(limit),
                "drms",
                "1e9",
                "dmax",
                "1e9",
            ],
        )
        engine = EngineASE(geometry, atoms.calc)
        engine.ase_atoms.info = atoms.info
        coordinates = geometry.xyzs[0].flatten() / Bohr
        optimizer = Optimizer(coordinates, geometry, internals, engine, folder, parameters, print_info=False)
        optimizer.optimizeGeometry()
        if optimizer.state != OPT_STATE.CONVERGED:
            raise RuntimeError(f"ended as {optimizer.state.name}")
