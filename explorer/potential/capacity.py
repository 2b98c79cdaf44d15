"""Capacity of the list of pairs: a static number of places that grows when pairs do not fit."""

import math

import numpy as np
from jaxtyping import Float

from explorer.potential.pairs import count_pairs, globule_pairs, n_all_pairs
from explorer.potential.potential import Potential

SPARE = 1.05  # times the pairs of a structure must fit, for what moves a little
HEADROOM = 1.25  # pairs that fit, over those of given structures, and over
COMPACT = 1.35  # those of a globule: a search comes to compact structures soon, and what grows is compiled again


def choose_capacity(positions: Float[np.ndarray, "*batch N 3"], cutoff: float) -> int:
    """Places for pairs: more than in these structures (Å) and in compact ones, a multiple of 16, at most all pairs."""
    n_atoms = positions.shape[-2]
    wanted = max(HEADROOM * count_pairs(positions, cutoff), COMPACT * globule_pairs(n_atoms, cutoff))
    return min(16 * math.ceil(wanted / 16), n_all_pairs(n_atoms))


def with_capacity_for(potential: Potential, positions: Float[np.ndarray, "*batch N 3"]) -> Potential:
    """The potential with room for the pairs of these structures, Å; it grows seldom, for then all is compiled again."""
    if SPARE * count_pairs(positions, potential.cutoff) <= potential.capacity or not potential.capacity:
        return potential
    return with_more_capacity(potential, positions)


def with_more_capacity(potential: Potential, positions: Float[np.ndarray, "*batch N 3"]) -> Potential:
    """The potential with more room than it had, enough for the pairs of these structures, Å."""
    more = math.ceil(HEADROOM * potential.capacity)
    wanted = max(choose_capacity(positions, potential.cutoff), more)
    return potential.replace(capacity=min(wanted, n_all_pairs(positions.shape[-2])))
