"""A few padded shapes for frames of any size, so that a few compiled programs train on all of them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

# Padding takes 14 % of a step on the peptides with 10 shapes, 17 % with 8 and 10 % with 16; each compiles in 15 s.
N_SHAPES = 10
FEW_SHAPES = 3  # where each frame is used only a few times and compilation would dominate; not tuned
PAIR_MULTIPLE = 16  # numbers of pairs are rounded up to a multiple of it; not tuned
PAIRS_PER_ATOM = 3  # time that an atom takes in a step, in units of the time of a pair; not tuned


class PaddedShape(NamedTuple):
    """Numbers of atoms and pairs to which frames are padded.

    Attributes:
        n_atoms: Number of atoms.
        n_pairs: Number of pairs.
    """

    n_atoms: int
    n_pairs: int


def choose_shapes(n_atoms: Int[np.ndarray, "F"], n_pairs: Int[np.ndarray, "F"], n_shapes: int) -> list[PaddedShape]:
    """Return the shapes that need the least computation on padding, in ascending order of pairs.

    Frames are sorted by their numbers of pairs, in steps of 16, and cut into contiguous groups. A dynamic program finds
    the cuts that minimise Σ_groups n_frames (n_pairs + 3 n_atoms), with the largest n_pairs and n_atoms of a group.

    Args:
        n_atoms: Number of atoms of each frame.
        n_pairs: Number of pairs of each frame.
        n_shapes: Largest number of shapes.
    """
    levels, level_of_frame = np.unique(-(-n_pairs // PAIR_MULTIPLE), return_inverse=True)
    frames = np.bincount(level_of_frame)
    atoms = np.array([n_atoms[level_of_frame == level].max() for level in range(len(levels))])
    pairs = PAIR_MULTIPLE * np.maximum(levels, 1)
    cost = _costs(frames, atoms, pairs)
    best = cost[0].copy()  # cost of the levels up to each one, with one shape
    starts = []
    for _ in range(1, min(n_shapes, len(levels))):
        options = np.concatenate([[np.inf], best[:-1]])[:, None] + cost
        starts.append(options.argmin(axis=0))
        best = options.min(axis=0)
    end, shapes = len(levels) - 1, []
    for start in starts[::-1]:
        first = int(start[end])
        shapes.append(PaddedShape(int(atoms[first : end + 1].max()), int(pairs[end])))
        end = first - 1
    shapes.append(PaddedShape(int(atoms[: end + 1].max()), int(pairs[end])))
    return shapes[::-1]


def assign_shapes(
    shapes: list[PaddedShape], n_atoms: Int[np.ndarray, "F"], n_pairs: Int[np.ndarray, "F"]
) -> Int[np.ndarray, "F"]:
    """Return the index of the first shape that is large enough for each frame.

    Args:
        shapes: Shapes in ascending order.
        n_atoms: Number of atoms of each frame.
        n_pairs: Number of pairs of each frame.
    """
    sizes = np.stack([n_atoms, n_pairs], axis=-1)
    return (sizes[:, None] <= np.array(shapes)[None]).all(axis=-1).argmax(axis=1)


def _costs(
    frames: Int[np.ndarray, "L"], atoms: Int[np.ndarray, "L"], pairs: Int[np.ndarray, "L"]
) -> Float[np.ndarray, "L L"]:
    """Return the cost of one shape for all levels from the first index to the second; infinite for an empty range."""
    n = len(frames)
    cost = np.full((n, n), np.inf)
    for start in range(n):
        most_atoms = np.maximum.accumulate(atoms[start:])
        cost[start, start:] = np.cumsum(frames[start:]) * (pairs[start:] + PAIRS_PER_ATOM * most_atoms)
    return cost
