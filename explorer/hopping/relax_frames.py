"""Relaxation of many structures by the walkers of a search, whose program is compiled already."""

from collections.abc import Callable
from itertools import islice

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.hopping.slot import WALKERS_PER_SLOT
from explorer.hopping.walker_pool import WalkerPool
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import RelaxResult
from explorer.relaxation.state import Fallback
from explorer.strategy.hop_request import EscapeMode, HopRequest


def relax_by_walkers(
    potential: Potential,
    molecule: Molecule,
    settings: Settings,
    positions: Float[np.ndarray, "n N 3"],
    progress: Callable[[int, int], None] | None = None,
) -> RelaxResult:
    """Relax structures of one molecule in the precision and with the thresholds of a search.

    Each structure is given to a walker as the end of a jump, and no minimum is recognised. The fallback of the
    relaxations is not reported.

    Args:
        potential: Potential to evaluate, in any precision.
        molecule: Molecule; its positions define the internal coordinates.
        settings: Settings of the search.
        positions: Structures, Å; they are centred.
        progress: Called with (relaxed, n).

    Returns:
        Results in the order of the structures.
    """
    starts = positions - positions.mean(axis=1, keepdims=True)
    results: dict[int, tuple] = {}
    with WalkerPool(potential, molecule, settings) as pool:
        waiting = iter(range(len(starts)))
        start_of = dict(enumerate(islice(waiting, WALKERS_PER_SLOT * pool.n_slots)))  # by walker
        free = list(start_of)
        while len(results) < len(starts):
            pool.assign(_jump(walker, starts[start_of[walker]]) for walker in free)
            pool.start_round()
            ended, _, _ = pool.finish_round()
            free = []
            for k, walker in enumerate(ended.walker.tolist()):
                columns = ended.positions, ended.energy, ended.fmax, ended.status, ended.n_ticks
                results[start_of.pop(walker)] = tuple(column[k] for column in columns)
                if (start := next(waiting, None)) is not None:
                    start_of[walker] = start
                    free.append(walker)
            if progress is not None and len(ended.walker):
                progress(len(results), len(starts))
    columns = (np.stack(column) for column in zip(*(results[k] for k in range(len(starts))), strict=True))
    return RelaxResult(*columns, fallback=np.full(len(starts), int(Fallback.NONE)))


def _jump(walker: int, start: Float[np.ndarray, "N 3"]) -> HopRequest:
    return HopRequest(walker=walker, origin=start, mode=EscapeMode.JUMP, target=start, temperature=0.0)
