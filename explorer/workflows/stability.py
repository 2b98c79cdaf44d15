"""Stability test of a model: dynamics at constant energy and with a thermostat, monitored for bond changes."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from explorer.dynamics.stability import StabilityTest
from explorer.errors import InputError
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.records.trajectories import StabilitySettings, Trajectory
from explorer.workflows.relax import ReportCount
from explorer.workflows.session import Session


def follow_run(
    session: Session, wanted: StabilitySettings, progress: ReportCount, stop: Callable[[], bool]
) -> tuple[Trajectory, ...]:
    """Run dynamics from the lowest conformer of a run and store the trajectories, in place of earlier ones.

    Args:
        session: The run.
        wanted: Number, length and temperatures of the trajectories.
        progress: Called with (finished blocks, all blocks).
        stop: Called after every block; the dynamics end where it returns true.

    Returns:
        The trajectories as far as they went. There are none, and nothing is stored, where the equilibration was not
        finished.

    Raises:
        InputError: When the run has no conformer to start from, or was made with another model.
    """
    record = session.record
    if not record.conformers:
        raise InputError(f"{session.folder} has no minimum of the given molecule to start from. Let the run go on.")
    session.require_same_model()
    lowest = min(record.conformers, key=lambda minimum: minimum.energy)
    potential = session.potential("float32")
    trajectories = follow(potential, record.molecule, (lowest.id, lowest.positions), wanted, progress, stop)
    if trajectories:
        with session.writing() as store:
            store.save_trajectories(trajectories)
        session.update(trajectories=trajectories)
    return trajectories


def follow(
    potential: Potential,
    molecule: Molecule,
    minimum: tuple[int, Float[np.ndarray, "N 3"]],
    settings: StabilitySettings,
    progress: ReportCount = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Trajectory, ...]:
    """Equilibrate trajectories and follow them to their end, or until none has kept its bonds.

    Args:
        potential: Potential in float32.
        molecule: Molecule whose bonds are monitored.
        minimum: Id and positions (Å) of the minimum that all trajectories start from.
        settings: Number, length and temperatures of the trajectories.
        progress: Called with (finished blocks, all blocks).
        stop: Called after every block; the dynamics end where it returns true.

    Returns:
        The trajectories as far as they went; none where the equilibration was not finished.
    """
    test = StabilityTest(potential, molecule, minimum, settings)
    n_before, n_after = settings.n_blocks(settings.equilibration), settings.n_blocks(settings.picoseconds)
    for k in range(n_before + n_after):
        if k == n_before:
            test.end_equilibration()
        test.advance()
        progress(k + 1, n_before + n_after)
        if stop() or not test.is_active.any():
            break
    return test.trajectories()
