"""Trajectories that test whether a molecule stays the same on a model's surface: which ones, and what is kept."""

import math
from dataclasses import dataclass
from enum import StrEnum


class ThermodynamicEnsemble(StrEnum):
    """What is held constant."""

    CONSTANT_ENERGY = "constant energy"
    THERMOSTATTED = "thermostatted"


@dataclass(frozen=True, kw_only=True)
class StabilitySettings:
    """What is followed: so many seeds of every ensemble at every temperature.

    Attributes:
        picoseconds: of every trajectory.
        temperatures: K.
        ensembles: see `Ensemble`.
        n_seeds: of each ensemble and temperature.
        time_step: fs; hydrogens have their own mass.
        friction: of the thermostat, 1/fs.
        equilibration: before, with a thermostat, ps.
        block: steps between two looks at the molecule.
    """

    picoseconds: float
    temperatures: tuple[float, ...] = (300.0, 500.0)
    ensembles: tuple[ThermodynamicEnsemble, ...] = tuple(ThermodynamicEnsemble)
    n_seeds: int = 6
    time_step: float = 0.5
    friction: float = 1e-3
    equilibration: float = 1.0
    block: int = 200

    def n_blocks(self, picoseconds: float) -> int:
        """Blocks in some time, at least one."""
        return max(1, round(picoseconds * 1000 / (self.time_step * self.block)))


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """One trajectory after its equilibration.

    Attributes:
        ensemble: constant energy, or Langevin dynamics.
        temperature: asked for, K.
        seed: of its velocities and noise.
        minimum: id of the minimum it started from.
        picoseconds: how long it was followed, to its failure at most.
        failure: class of the structure that was no longer the molecule; empty where it held.
        reason: what had happened then.
        mean_temperature: of its atoms while it was followed, K; NaN where that was too short.
        drift: of the total energy, meV per atom and picosecond; NaN with a thermostat.
        fluctuation: standard deviation of the total energy, meV per atom; NaN with a thermostat.
    """

    ensemble: ThermodynamicEnsemble
    temperature: float
    seed: int
    minimum: int
    picoseconds: float
    failure: str = ""
    reason: str = ""
    mean_temperature: float = math.nan
    drift: float = math.nan
    fluctuation: float = math.nan
