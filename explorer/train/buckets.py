"""A few shapes that frames of any size are padded to, so that a few compiled programs train on all of them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

N_SHAPES = 10  # they waste 14 % of a step on the peptides, 8 waste 17 % and 16 waste 10 %; each takes 15 s to compile
FEW_SHAPES = 3  # where frames are seen a few times only
MULTIPLE = 16  # pairs
ATOM_COST = 3  # an atom takes as long as so many pairs


class Shape(NamedTuple):
    """Places for atoms and for pairs."""

    n_atoms: int
    n_pairs: int


def choose_shapes(n_atoms: Int[np.ndarray, "F"], n_pairs: Int[np.ndarray, "F"], n_shapes: int) -> list[Shape]:
    """The shapes, in ascending order of pairs, with which the least padding is computed.

    Frames are sorted by their pairs, in steps of 16, and cut into contiguous groups; the dynamic program finds the
    cuts for which Σ_groups frames · (most pairs + 3 · most atoms) is smallest.

    Args:
        n_atoms: of each frame.
        n_pairs: of each frame.
        n_shapes: at most so many.
    """
    levels, of_level = np.unique(-(-n_pairs // MULTIPLE), return_inverse=True)
    frames = np.bincount(of_level)
    atoms = np.array([n_atoms[of_level == level].max() for level in range(len(levels))])
    pairs = MULTIPLE * np.maximum(levels, 1)
    cost = _costs(frames, atoms, pairs)
    best = cost[0].copy()  # of the levels up to here, by one shape
    starts = []
    for _ in range(1, min(n_shapes, len(levels))):
        options = np.concatenate([[np.inf], best[:-1]])[:, None] + cost
        starts.append(options.argmin(axis=0))
        best = options.min(axis=0)
    end, shapes = len(levels) - 1, []
    for start in starts[::-1]:
        first = int(start[end])
        shapes.append(Shape(int(atoms[first : end + 1].max()), int(pairs[end])))
        end = first - 1
    shapes.append(Shape(int(atoms[: end + 1].max()), int(pairs[end])))
    return shapes[::-1]


def shape_of(shapes: list[Shape], n_atoms: Int[np.ndarray, "F"], n_pairs: Int[np.ndarray, "F"]) -> Int[np.ndarray, "F"]:
    """Index of the first shape that each frame fits into."""
    wanted = np.stack([n_atoms, n_pairs], axis=-1)
    return (wanted[:, None] <= np.array(shapes)[None]).all(axis=-1).argmax(axis=1)


def _costs(
    frames: Int[np.ndarray, "L"], atoms: Int[np.ndarray, "L"], pairs: Int[np.ndarray, "L"]
) -> Float[np.ndarray, "L L"]:
    """Cost of one shape for the levels from the first index to the second; infinite where there are none."""
    n = len(frames)
    cost = np.full((n, n), np.inf)
    for start in range(n):
        most_atoms = np.maximum.accumulate(atoms[start:])
        cost[start, start:] = np.cumsum(frames[start:]) * (pairs[start:] + ATOM_COST * most_atoms)
    return cost
