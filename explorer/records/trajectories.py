"""Records of stability tests: trajectories on the surface of a model that are monitored for bond changes."""

import math
from dataclasses import dataclass
from enum import StrEnum


class ThermodynamicEnsemble(StrEnum):
    """Statistical ensemble of a trajectory."""

    CONSTANT_ENERGY = "constant energy"
    THERMOSTATTED = "thermostatted"


@dataclass(frozen=True, kw_only=True)
class StabilitySettings:
    """Settings of a stability test: several trajectories for each ensemble and temperature.

    Attributes:
        picoseconds: Length of each trajectory, ps.
        temperatures: Temperatures, K.
        ensembles: Statistical ensembles.
        n_seeds: Trajectories for each ensemble and temperature.
        time_step: fs, with the true mass of hydrogen.
        friction: Friction coefficient of the thermostat, 1/fs.
        equilibration: Length of the equilibration with a thermostat before each trajectory, ps.
        block: Steps between two checks of the structure.

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
        """Return the number of blocks in a time, at least one.

        Args:
            picoseconds: Time, ps.
        """
        return max(1, round(picoseconds * 1000 / (self.time_step * self.block)))


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """Result of one trajectory after its equilibration.

    Attributes:
        ensemble: Statistical ensemble.
        temperature: Target temperature, K.
        seed: Seed of its velocities and noise.
        minimum: Id of the minimum from which it started.
        picoseconds: Length until its failure or its end, ps.
        failure: Class of the structure that was no longer the molecule; empty if there was none.
        reason: How that structure differs from the molecule.
        mean_temperature: Mean kinetic temperature, K; NaN if it was too short.
        drift: Drift of the total energy, meV per atom and ps; NaN with a thermostat.
        fluctuation: Standard deviation of the total energy, meV per atom; NaN with a thermostat.

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
