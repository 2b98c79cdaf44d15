"""Relaxation on any ASE calculator with the relaxer of this project: a tenth of the force calls of ASE's optimisers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ase.calculators.calculator import Calculator
from jaxtyping import Array, Float

from explorer.config import RelaxSettings
from explorer.errors import ConfigError
from explorer.potential.charged_atoms import atoms_of
from explorer.potential.potential import Evaluation
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import Relaxer, Status, make_relaxer


class ReferenceMinimum(NamedTuple):
    """Result of a relaxation on a reference calculator."""

    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    status: Status
    start_forces: Float[np.ndarray, "N 3"]  # eV/Å, at the start


class ReferenceRelaxer:
    """Relaxes conformers of one molecule on an ASE calculator; the steps are compiled once.

    Args:
        molecule: Molecule in any conformation.
        settings: Convergence thresholds.
        calculator: ASE calculator of energies and forces.
    """

    def __init__(self, molecule: Molecule, settings: RelaxSettings, calculator: Calculator):
        self._relaxer: Relaxer = make_relaxer(molecule, settings)
        self._calculator = calculator
        self._molecule = molecule

    def __call__(self, positions: Float[np.ndarray, "N 3"]) -> ReferenceMinimum:
        """Relax one structure.

        Args:
            positions: Initial positions, Å.
        """
        atoms = atoms_of(self._molecule, positions)
        atoms.calc = self._calculator
        at = jnp.asarray(positions, float)
        state = _init(self._relaxer, at)
        start_forces = atoms.get_forces()
        while int(state.status) == Status.RUNNING:
            atoms.positions = np.asarray(at)
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
            evaluation = Evaluation(*jax.device_put((np.asarray(energy), np.asarray(forces), np.asarray(False))))
            at, state = _step(self._relaxer, at, evaluation, state)
        return ReferenceMinimum(
            np.asarray(state.positions), float(state.energy), Status(int(state.status)), start_forces
        )


@jax.jit
def _init(relaxer: Relaxer, positions: Float[Array, "N 3"]) -> Any:
    return relaxer.init(positions)


@jax.jit
def _step(relaxer: Relaxer, positions: Float[Array, "N 3"], evaluation: Evaluation, state: Any) -> tuple[Array, Any]:
    return relaxer.step(positions, evaluation, state)


def relax_or_none(
    relax: Callable[[Float[np.ndarray, "N 3"]], ReferenceMinimum], positions: Float[np.ndarray, "N 3"]
) -> ReferenceMinimum | None:
    """Relax a structure (Å) by a `ReferenceRelaxer`, or return None if the calculation fails.

    Raises:
        ConfigError: If the reference does not exist, since every other structure would fail too.
    """
    try:
        return relax(positions)
    except ConfigError:
        raise
    except (Exception, SystemExit):  # calculators raise exceptions of their own types
        return None
