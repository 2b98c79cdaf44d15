"""Trajectories of one molecule as a test of its bonds: equilibrated, followed, looked at after every block."""

import math
from collections.abc import Sequence
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from explorer.dynamics.batch import BlockAverages, TrajectoryBatch, at_energy, move, start_at
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

HYDROGEN = 1.008  # amu: time means something here
STRONG = 1e-2  # 1/fs, friction of the equilibration
BROKEN = (
    StructureClass.BOND_BROKEN,
    StructureClass.FRAGMENTED,
    StructureClass.PROTON_TRANSFERRED,
    StructureClass.CLASHED,
)


class StabilityTest:
    """The trajectories and what was seen of them.

    All start at a minimum with twice their temperature, half of which goes into the bonds, and are equilibrated with a
    thermostat. Those at constant energy then get the mean energy that was found at their temperature, so that it is
    their mean temperature.

    Args:
        potential: on which surface, in float32.
        molecule: whose bonds are watched.
        minimum: id and positions, Å.
        settings: how many, how long, how hot.
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
        self.masses = jnp.asarray(masses_of(molecule.atomic_numbers, HYDROGEN), self.system.positions.dtype)
        self.plan = list(product(settings.ensembles, settings.temperatures, range(settings.n_seeds)))
        self.temperatures = np.array([temperature for _, temperature, _ in self.plan])
        self.is_free = np.array([ensemble == ThermodynamicEnsemble.CONSTANT_ENERGY for ensemble, _, _ in self.plan])
        # `at_temperature` counts 3 N degrees of freedom, what neither moves nor turns as a whole has six less
        hot = 2 * self.temperatures * self.degrees_of_freedom / (3 * molecule.n_atoms)
        self.movers = start_at(minimum[1], self.masses, self.temperatures, hot, STRONG, jax.random.key(0))
        self.failures: list[Classification | None] = [None] * len(self.plan)
        self.n_followed = np.zeros(len(self.plan), int)  # blocks since the equilibration
        self.before: list[BlockAverages] = []
        self.seen: list[BlockAverages] = []
        self.equilibrating = True

    @property
    def degrees_of_freedom(self) -> int:
        """Of a molecule that neither moves nor turns as a whole."""
        return max(1, 3 * self.molecule.n_atoms - 6)

    @property
    def moves(self) -> Bool[np.ndarray, "B"]:
        """Which trajectories have not failed."""
        return np.array([failure is None for failure in self.failures])

    def advance(self) -> None:
        """One block, and a look at every molecule."""
        movers, seen = self._moved()
        found = classify_batch(self.topology, np.asarray(movers.positions, float))
        moving = self.moves
        self.failures = [
            one if failure is None and one.structure_class in BROKEN else failure
            for failure, one in zip(self.failures, found, strict=True)
        ]
        self.movers = movers._replace(moves=jnp.asarray(self.moves))
        (self.before if self.equilibrating else self.seen).append(seen)
        self.n_followed += moving & (not self.equilibrating)

    def _moved(self) -> tuple[TrajectoryBatch, BlockAverages]:
        """`move`; where a trajectory folded so tightly that its pairs do not fit, again with more room."""
        step = self.settings.time_step, self.settings.block
        movers, seen = move(self.potential, self.system, self.masses, self.movers, *step)
        while np.asarray(seen.overflow).any():
            self.potential = with_more_capacity(self.potential, np.asarray(self.movers.positions, float))
            movers, seen = move(self.potential, self.system, self.masses, self.movers, *step)
        return movers, jax.tree.map(np.asarray, seen)

    def begin(self) -> None:
        """From the equilibration to what is counted."""
        self.equilibrating = False
        late = np.array([block.potential for block in self.before[len(self.before) // 2 :]], float).mean(axis=0)
        # of trajectories of one temperature, whatever their ensemble: then they had the same thermostat
        mean = np.array(
            [
                late[self.moves & (self.temperatures == t)].mean() if self.moves[k] else 0.0
                for k, t in enumerate(self.temperatures)
            ]
        )
        wanted = mean + 0.5 * self.degrees_of_freedom * BOLTZMANN * self.temperatures
        gentle = self.movers._replace(friction=jnp.full_like(self.movers.friction, self.settings.friction))
        self.movers = at_energy(
            self.potential,
            self.system,
            self.masses,
            gentle,
            jnp.asarray(self.is_free),
            jnp.asarray(wanted, self.masses.dtype),
        )

    def trajectories(self) -> tuple[Trajectory, ...]:
        """What became of each."""
        return () if self.equilibrating else tuple(self._trajectory(k) for k in range(len(self.plan)))

    def _trajectory(self, k: int) -> Trajectory:
        ensemble, temperature, seed = self.plan[k]
        failure, n = self.failures[k], int(self.n_followed[k])
        whole = self.seen[: n - (failure is not None)] if n else []
        degrees = self.degrees_of_freedom if self.is_free[k] else 3 * self.molecule.n_atoms
        kinetic = [float(block.kinetic[k]) for block in whole]
        per_block = self.settings.block * self.settings.time_step / 1000  # ps
        drift, fluctuation = (
            drift_of([float(block.total[k]) for block in whole]) if self.is_free[k] else (math.nan, math.nan)
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
    """Slope of a straight line through values, per value, and their standard deviation; NaN for less than two."""
    if len(energies) < 2:
        return math.nan, math.nan
    return float(np.polyfit(np.arange(len(energies)), energies, 1)[0]), float(np.std(energies))
