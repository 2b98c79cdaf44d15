"""Start of a hop, computed on the host: phase, positions and velocities of the walker before its first force call."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.config import HoppingSettings
from explorer.dynamics.velocities import masses_of
from explorer.hopping.escape import leave
from explorer.hopping.softening import of_length, soft_direction
from explorer.hopping.walker import Phase
from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import internal_coordinates
from explorer.strategy.hop_request import EscapeMode, HopRequest


class HopStart(NamedTuple):
    """Walker before its first force call.

    Attributes:
        phase: A `Phase`.
        positions: Positions of the first force call, Å.
        velocities: Velocities, Å/fs; during softening the displacement, Å.
        highest_energy: Highest energy so far, eV; infinite after a jump, whose path has none.
    """

    phase: int
    positions: Float[np.ndarray, "N 3"]
    velocities: Float[np.ndarray, "N 3"]
    highest_energy: float


class HopStarter:
    """Prepares the hops of a molecule.

    Args:
        molecule: Molecule; its positions define the internal coordinates.
        settings: Settings of hops.
    """

    def __init__(self, molecule: Molecule, settings: HoppingSettings):
        self._coordinates = internal_coordinates(molecule) if len(molecule.bonds) else None
        self._masses = masses_of(molecule, settings.hydrogen_mass)
        self._settings = settings

    def __call__(self, request: HopRequest) -> HopStart:
        """Return the start of a hop. A random direction is freed of stretches and bends by the model Hessian."""
        if request.mode == EscapeMode.JUMP:
            return HopStart(Phase.RELAX, request.target, np.zeros_like(request.target), np.inf)
        is_pushed, settings = request.mode == EscapeMode.PUSH, self._settings
        is_soft, direction = request.mode == EscapeMode.DIRECTED, request.target
        if not is_soft:
            direction = soft_direction(self._coordinates, request.origin, direction)
        displacement = of_length(direction, settings.softening_length)
        if settings.n_softening and not is_soft:
            return HopStart(Phase.SOFTEN, request.origin + displacement, displacement, -np.inf)
        dynamics, push = leave(request.origin, displacement, self._masses, request.temperature)
        if is_pushed:
            return HopStart(Phase.RELAX, push, np.zeros_like(push), np.inf)
        return HopStart(Phase.DYNAMICS, request.origin, dynamics, -np.inf)
