"""Capacity of the pair list: its static length, which is raised if the pairs do not fit."""

import math

import numpy as np
from jaxtyping import Float

from explorer.potential.pairs import count_pairs, globule_pairs, n_all_pairs
from explorer.potential.potential import Potential
from explorer.sizes import rounded_size

# All three are not tuned. Every increase of the capacity compiles all programs again.
_MOTION_MARGIN = 1.05  # smallest capacity over pairs of the given structures, so that small motions fit
_CAPACITY_HEADROOM = 1.25  # chosen capacity over pairs of the given structures
_GLOBULE_HEADROOM = 1.3  # chosen capacity over pairs of a globule: a search soon comes to compact structures
_MAX_EXPANSION = 0.03  # relative; bonds of hot training frames are stretched by more. Not tuned
_EXPANSION_STEP = 0.0025  # relative


def choose_capacity(positions: Float[np.ndarray, "*batch N 3"], cutoff: float) -> int:
    """Choose a capacity with headroom over the pairs of given structures and of a compact one.

    Args:
        positions: Structures, Å.
        cutoff: Cutoff of the pairs, Å.

    Returns:
        A multiple of 16, or the number of all pairs if that is smaller.
    """
    n_atoms = positions.shape[-2]
    in_structures = _CAPACITY_HEADROOM * count_pairs(positions, cutoff)
    in_globule = _GLOBULE_HEADROOM * globule_pairs(rounded_size(n_atoms), cutoff)
    return min(16 * math.ceil(max(in_structures, in_globule) / 16), n_all_pairs(n_atoms))


def with_capacity_for(potential: Potential, positions: Float[np.ndarray, "*batch N 3"]) -> Potential:
    """Return the potential with a capacity for the pairs of structures (Å); it is raised only if necessary."""
    if _MOTION_MARGIN * count_pairs(positions, potential.cutoff) <= potential.capacity or not potential.capacity:
        return potential
    return with_more_capacity(potential, positions)


def with_more_capacity(potential: Potential, positions: Float[np.ndarray, "*batch N 3"]) -> Potential:
    """Return the potential with a capacity raised by at least a quarter, so that pairs of structures (Å) fit."""
    more = math.ceil(_CAPACITY_HEADROOM * potential.capacity)
    capacity = max(choose_capacity(positions, potential.cutoff), more)
    return potential.replace(capacity=min(capacity, n_all_pairs(positions.shape[-2])))


def expanded_to_fit(positions: Float[np.ndarray, "n N 3"], potential: Potential) -> Float[np.ndarray, "n N 3"]:
    """Expand the starts of relaxations whose pairs do not quite fit, since more capacity compiles for many seconds.

    One in 20,000 training frames of the default model, all of them hot and compact, has more pairs than fit, by up to
    8 %. Expansion by 1 % removes 2 to 3 % of the pairs.

    Args:
        positions: Starts, Å.
        potential: Potential with the capacity.

    Returns:
        The starts, of which those with too many pairs are expanded by at most 3 %. What still does not fit is returned
        as it is.
    """
    fitting = positions.copy()
    for k, start in enumerate(positions if potential.capacity else ()):
        for factor in np.arange(1, 1 + _MAX_EXPANSION + _EXPANSION_STEP / 2, _EXPANSION_STEP):
            if count_pairs(factor * start, potential.cutoff) <= potential.capacity:
                fitting[k] = factor * start
                break
    return fitting
