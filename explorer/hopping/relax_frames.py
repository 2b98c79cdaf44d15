"""Relaxation of many structures by the walkers of a search, whose program is compiled already."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.hopping.recognition import NOT_RECOGNISED
from explorer.hopping.slot import WALKERS_PER_SLOT
from explorer.hopping.walker_pool import WalkerPool
from explorer.potential.capacity import expanded_to_fit
from explorer.potential.potential import Potential
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import RelaxResult, Status
from explorer.relaxation.state import Fallback
from explorer.strategy.hop_request import EscapeMode, HopRequest


def relax_by_walkers(
    potential: Potential,
    molecule: Molecule,
    settings: Settings,
    positions: Float[np.ndarray, "n N 3"],
    progress: Callable[[int, int], None] | None = None,
    known: Sequence[Minimum] = (),
) -> RelaxResult:
    """Relax structures of one molecule in the precision and with the thresholds of a search.

    Each structure is given to a walker as the end of a jump. A relaxation that is about to reach a known minimum ends
    there (`recognised_minimum`). The few starts whose pairs do not fit into the program of the search are expanded
    (`expanded_to_fit`). The fallback of the relaxations is not reported.

    Minima that earlier relaxations of the same call reached are not recognised: their energies and positions are loose,
    so that distinct minima were merged (184 in place of 194 for 1000 frames of Ac-Ala3-NHMe).

    Args:
        potential: Potential to evaluate, in any precision.
        molecule: Molecule; its positions define the internal coordinates.
        settings: Settings of the search.
        positions: Structures, Å; they are centred.
        progress: Called with (relaxed, n).
        known: Minima of this surface, in order of id.

    Returns:
        Results in the order of the structures. Those that reached a known minimum have its positions and energy.
    """
    starts = expanded_to_fit(positions - positions.mean(axis=1, keepdims=True), potential)
    results: dict[int, tuple] = {}
    with WalkerPool(potential, molecule, settings) as pool:
        pool.add_known_minima(known)
        waiting = iter(range(len(starts)))
        start_of = dict(enumerate(islice(waiting, WALKERS_PER_SLOT * pool.n_slots)))  # by walker
        free = list(start_of)

        def start_round() -> None:
            pool.assign(_jump(walker, starts[start_of[walker]], len(known)) for walker in free)
            pool.start_round()
            free.clear()

        start_round()
        while len(results) < len(starts):
            ended, _, _ = pool.finish_round()
            start_round()  # the device computes it while the ends of the last round are handled
            for k, walker in enumerate(ended.walker.tolist()):
                results[start_of.pop(walker)] = _end_of(ended, k, known)
                if (start := next(waiting, None)) is not None:
                    start_of[walker] = start
                    free.append(walker)
            if progress is not None and len(ended.walker):
                progress(len(results), len(starts))
    columns = (np.stack(column) for column in zip(*(results[k] for k in range(len(starts))), strict=True))
    return RelaxResult(*columns, fallback=np.full(len(starts), int(Fallback.NONE)))


def _end_of(ended: Any, k: int, known: Sequence[Minimum]) -> tuple:
    """Return positions, energy, largest force, status and force calls of one hop that ended."""
    recognised = int(ended.recognised[k])
    if recognised == NOT_RECOGNISED:
        return tuple(column[k] for column in (ended.positions, ended.energy, ended.fmax, ended.status, ended.n_ticks))
    minimum, dtype = known[recognised], ended.positions.dtype
    energy = ended.energy.dtype.type(minimum.energy)
    return minimum.positions.astype(dtype), energy, ended.fmax[k], int(Status.CONVERGED), ended.n_ticks[k]


def _jump(walker: int, start: Float[np.ndarray, "N 3"], n_known: int) -> HopRequest:
    return HopRequest(walker=walker, origin=start, mode=EscapeMode.JUMP, target=start, temperature=0.0, n_known=n_known)
