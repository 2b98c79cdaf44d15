"""Our own search with a fixed number of force calls."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from explorer.bench.claims import Claims
from explorer.config import Settings
from explorer.hopping.batch_size import with_walkers
from explorer.hopping.explore import explore
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

OURS = "pes-explore"  # name of our search in tables and pictures


def hop(
    potential: Potential,
    molecule: Molecule,
    settings: Settings,
    n_evaluations: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Claims:
    """Search from a structure until a number of force calls is spent; later finds do not count.

    Args:
        potential: Potential to evaluate, in float64.
        molecule: Start structure.
        settings: Settings of the search.
        n_evaluations: Number of force calls.
        seed: Seed of the search.
        progress: Called with (done, total) force calls after each round.

    Returns:
        The conformers that were found, as claims.
    """
    settings = replace(with_walkers(potential, molecule, settings), seed=seed)
    history = History(symmetry_of(molecule), settings.identity)
    for round in explore(potential, molecule, settings, history):
        progress(min(round.n_evaluations, n_evaluations), n_evaluations)
        if round.n_evaluations >= n_evaluations:
            break
    claimed = [m for m in history.minima if m.structure_class.is_conformer and m.n_evaluations <= n_evaluations]
    positions = np.array([m.positions for m in claimed]).reshape(-1, molecule.n_atoms, 3)
    return Claims(positions, np.array([m.n_evaluations for m in claimed], int), n_evaluations, round.wall_seconds)
