"""Does a molecule stay the same molecule in dynamics on a model's surface, at constant energy and with a thermostat?"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.config_file import with_overrides
from explorer.dynamics.stability import StabilityTest
from explorer.errors import InputError
from explorer.potential.load import potential_of
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.records.trajectories import StabilitySettings, Trajectory
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.store.store import Store

Count = Callable[[int, int], None]
Stop = Callable[[], bool]


def follow_run(out: Path, wanted: StabilitySettings, progress: Count, stop: Stop) -> tuple[Trajectory, ...]:
    """Follow trajectories from the lowest conformer of a run and store what became of them, in place of earlier ones.

    Args:
        out: folder of the run.
        wanted: how many trajectories, how long, how hot.
        progress: called with (blocks done, blocks in all).
        stop: asked after every block.

    Returns:
        As far as they came; none, and nothing is stored, where the equilibration was not finished.

    Raises:
        InputError: when the run has no conformer to start from.
    """
    record = read_run(out)
    if not record.conformers:
        raise InputError(f"{out} has no minimum of the given molecule to start from. Let the run go on.")
    lowest = min(record.conformers, key=lambda m: m.energy)
    settings: Settings = replace(with_overrides(Settings(), record.config), precision="float32")
    potential, _ = potential_of(settings, record.molecule)
    trajectories = follow(potential, record.molecule, (lowest.id, lowest.positions), wanted, progress, stop)
    if trajectories:
        with Store.resume(out / FILE_NAME) as store:
            store.save_trajectories(trajectories)
    return trajectories


def follow(
    potential: Potential,
    molecule: Molecule,
    minimum: tuple[int, Float[np.ndarray, "N 3"]],
    settings: StabilitySettings,
    progress: Count = lambda done, total: None,
    stop: Stop = lambda: False,
) -> tuple[Trajectory, ...]:
    """Equilibrate trajectories and follow them until they end, or until none holds; see `Flock`.

    Args:
        potential: on which surface, in float32.
        molecule: whose bonds are watched.
        minimum: id and positions (Å) that all start from.
        settings: how many, how long, how hot.
        progress: called with (blocks done, blocks in all).
        stop: asked after every block.

    Returns:
        As far as they came; none where the equilibration was not finished.
    """
    flock = StabilityTest(potential, molecule, minimum, settings)
    n_before, n_after = settings.n_blocks(settings.equilibration), settings.n_blocks(settings.picoseconds)
    for k in range(n_before + n_after):
        if k == n_before:
            flock.begin()
        flock.advance()
        progress(k + 1, n_before + n_after)
        if stop() or not flock.moves.any():
            break
    return flock.trajectories()
