"""Stability test: trajectories of one molecule, whose bonds are checked after every block of steps."""

import math
from collections.abc import Sequence
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from explorer.dynamics.batch import (
    BlockAverages,
    TrajectoryBatch,
    advance_trajectories,
    set_total_energy,
    start_trajectories,
)
from explorer.dynamics.velocities import masses_of
from explorer.potential.capacity import with_more_capacity
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.records.trajectories import StabilitySettings, ThermodynamicEnsemble, Trajectory
from explorer.system import system_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import Classification, classify_batch
from explorer.units import BOLTZMANN

_HYDROGEN_MASS = 1.008  # amu; not increased as in a search, so that times are physical
_EQUILIBRATION_FRICTION = 1e-2  # 1/fs, of the thermostat during equilibration; not tuned
_BROKEN_CLASSES = (
    StructureClass.BOND_BROKEN,
    StructureClass.FRAGMENTED,
    StructureClass.PROTON_TRANSFERRED,
    StructureClass.CLASHED,
)


class StabilityTest:
    """Trajectories from one minimum, with the averages of their blocks and their failures.

    All trajectories start with twice their temperature, since half of the kinetic energy becomes potential energy, and
    are equilibrated with a thermostat. Trajectories at constant energy then receive the mean energy that the
    equilibration gave for their temperature, so that this is their mean temperature too.

    Args:
        potential: Potential to evaluate, in float32.
        molecule: Molecule whose bonds are checked.
        minimum: Id and positions (Å) of the minimum.
        settings: Number, length and temperatures of the trajectories.
    """

    def __init__(
        self,
        potential: Potential,
        molecule: Molecule,
        minimum: tuple[int, Float[np.ndarray, "N 3"]],
        settings: StabilitySettings,
    ):
        self.potential, self.molecule, self.settings, self.minimum = potential, molecule, settings, minimum[0]
        self.topology = topology_of(molecule)
        self.system = system_of(molecule)
        self.masses = jnp.asarray(masses_of(molecule, _HYDROGEN_MASS), self.system.positions.dtype)
        self.plan = list(product(settings.ensembles, settings.temperatures, range(settings.n_seeds)))
        self.temperatures = np.array([temperature for _, temperature, _ in self.plan])
        self.is_free = np.array([ensemble == ThermodynamicEnsemble.CONSTANT_ENERGY for ensemble, _, _ in self.plan])
        # `at_temperature` assumes 3 N degrees of freedom; without translation and rotation there are six fewer
        hot = 2 * self.temperatures * self.degrees_of_freedom / (3 * molecule.n_atoms)
        self.batch = start_trajectories(
            minimum[1], self.masses, self.temperatures, hot, _EQUILIBRATION_FRICTION, jax.random.key(0)
        )
        self.failures: list[Classification | None] = [None] * len(self.plan)
        self.n_followed = np.zeros(len(self.plan), int)  # blocks since the equilibration
        self.equilibration_blocks: list[BlockAverages] = []
        self.blocks: list[BlockAverages] = []
        self.equilibrating = True

    @property
    def degrees_of_freedom(self) -> int:
        """Number of internal degrees of freedom, without translation and rotation."""
        return max(1, 3 * self.molecule.n_atoms - 6)

    @property
    def is_active(self) -> Bool[np.ndarray, "B"]:
        """Mask of the trajectories that have not failed."""
        return np.array([failure is None for failure in self.failures])

    def advance(self) -> None:
        """Advance all trajectories by one block and classify their last structures."""
        batch, averages = self._advanced()
        classifications = classify_batch(self.topology, np.asarray(batch.positions, float))
        were_active = self.is_active
        self.failures = [
            last if failure is None and last.structure_class in _BROKEN_CLASSES else failure
            for failure, last in zip(self.failures, classifications, strict=True)
        ]
        self.batch = batch._replace(is_active=jnp.asarray(self.is_active))
        (self.equilibration_blocks if self.equilibrating else self.blocks).append(averages)
        self.n_followed += were_active & (not self.equilibrating)

    def _advanced(self) -> tuple[TrajectoryBatch, BlockAverages]:
        """Advance by one block; repeat it with more capacity if a molecule is so compact that its pairs do not fit."""
        step = self.settings.time_step, self.settings.block
        batch, averages = advance_trajectories(self.potential, self.system, self.masses, self.batch, *step)
        while np.asarray(averages.overflow).any():
            self.potential = with_more_capacity(self.potential, np.asarray(self.batch.positions, float))
            batch, averages = advance_trajectories(self.potential, self.system, self.masses, self.batch, *step)
        return batch, jax.tree.map(np.asarray, averages)

    def end_equilibration(self) -> None:
        """End the equilibration: set the energies and the thermostats, and count the following blocks."""
        self.equilibrating = False
        second_half = self.equilibration_blocks[len(self.equilibration_blocks) // 2 :]
        late = np.array([block.potential for block in second_half], float).mean(axis=0)
        # mean over trajectories of one temperature in all ensembles, since all had the same thermostat so far
        mean = np.array(
            [
                late[self.is_active & (self.temperatures == t)].mean() if self.is_active[k] else 0.0
                for k, t in enumerate(self.temperatures)
            ]
        )
        energies = mean + 0.5 * self.degrees_of_freedom * BOLTZMANN * self.temperatures
        thermostatted = self.batch._replace(friction=jnp.full_like(self.batch.friction, self.settings.friction))
        self.batch = set_total_energy(
            self.potential,
            self.system,
            self.masses,
            thermostatted,
            jnp.asarray(self.is_free),
            jnp.asarray(energies, self.masses.dtype),
        )

    def trajectories(self) -> tuple[Trajectory, ...]:
        """Return the results of all trajectories so far; none during the equilibration."""
        return () if self.equilibrating else tuple(self._trajectory(k) for k in range(len(self.plan)))

    def _trajectory(self, k: int) -> Trajectory:
        ensemble, temperature, seed = self.plan[k]
        failure, n = self.failures[k], int(self.n_followed[k])
        complete = self.blocks[: n - (failure is not None)] if n else []
        degrees = self.degrees_of_freedom if self.is_free[k] else 3 * self.molecule.n_atoms
        kinetic = [float(block.kinetic[k]) for block in complete]
        per_block = self.settings.block * self.settings.time_step / 1000  # ps
        drift, fluctuation = (
            drift_of([float(block.total[k]) for block in complete]) if self.is_free[k] else (math.nan, math.nan)
        )
        return Trajectory(
            ensemble=ensemble,
            temperature=temperature,
            seed=seed,
            minimum=self.minimum,
            picoseconds=n * per_block,
            failure=str(failure.structure_class) if failure else "",
            reason=failure.reason if failure else "",
            mean_temperature=float(np.mean(kinetic)) / (0.5 * degrees * BOLTZMANN) if kinetic else math.nan,
            drift=1000 * drift / per_block / self.molecule.n_atoms,
            fluctuation=1000 * fluctuation / self.molecule.n_atoms,
        )


def drift_of(energies: Sequence[float]) -> tuple[float, float]:
    """Compute the slope of a straight line through values, per value, and the standard deviation of the values.

    Both are NaN for fewer than two values.

    Args:
        energies: Values at equal intervals, eV.

    Returns:
        Slope, eV per interval, and standard deviation, eV.
    """
    if len(energies) < 2:
        return math.nan, math.nan
    return float(np.polyfit(np.arange(len(energies)), energies, 1)[0]), float(np.std(energies))
