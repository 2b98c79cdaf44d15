"""Selection of structures to label: low in energy, with large expected errors, and different from each other."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.dataset.farthest_points import farthest_points
from explorer.records.run import RunRecord

POOL_FACTOR = 3  # the pool of the most uncertain structures is three times the number that is selected; not tuned
_HELD_OUT_ONE_IN = 20  # one in twenty labelled structures is for validation, and another one for tests; not tuned


class Candidates(NamedTuple):
    """Stationary points of a run.

    Structures that are not conformers are included: labels show whether a minimum exists in the model only.
    """

    names: Int[np.ndarray, "n"]  # id of the minimum; for a saddle, id of the minimum that it was stored as
    energies: Float[np.ndarray, "n"]  # eV
    positions: Float[np.ndarray, "n N 3"]  # Å
    errors: Float[np.ndarray, "n"]  # expected force error, eV/Å; NaN where the run has not stored it


def candidates(record: RunRecord) -> Candidates:
    """Return the minima of a run, and the saddles that a certification has found.

    Args:
        record: The run.
    """
    points = [
        (m.id, m.energy, m.positions, m.uncertainty.expected_error if m.uncertainty else np.nan) for m in record.minima
    ]
    points += [(saddle.minimum, saddle.energy, saddle.positions, np.nan) for saddle in record.saddles]
    return Candidates(*(np.array(column) for column in zip(*points, strict=True)))


def select_structures(
    energies: Float[np.ndarray, "n"],
    errors: Float[np.ndarray, "n"],
    features: Float[np.ndarray, "n P"],
    usable: Bool[np.ndarray, "n"],
    n: int,
    top: float,
    rng: np.random.Generator,
    known: Float[np.ndarray, "K P"] | None = None,
) -> Int[np.ndarray, "m"]:
    """Select structures to label.

    The pool contains the 3 n structures with the largest expected errors among those up to the energy `top`. If these
    are fewer than n, the next higher ones are added. Farthest-point sampling selects from the pool the
    structures that differ the most from known ones and from each other.

    Args:
        energies: Energies, eV.
        errors: Expected force errors, eV/Å; structures with NaN rank last and equally.
        features: Points whose distances measure how much structures differ.
        usable: Whether each structure may be selected.
        n: Largest number of structures.
        top: Highest energy of interest, eV.
        rng: Random number generator; it draws the first structure where none are known.
        known: Features of structures that were selected before.

    Returns:
        Indices of the selected structures.
    """
    order = np.flatnonzero(usable)[np.argsort(energies[usable], kind="stable")]
    if not len(order):
        return order
    low = order[: max(int((energies[order] <= top).sum()), n)]
    pool = low[np.argsort(-np.nan_to_num(errors[low]), kind="stable")][: POOL_FACTOR * n]
    return pool[farthest_points(features[pool], n, rng, known)]


def split_structures(n: int, rng: np.random.Generator) -> list[str]:
    """Return a random split for each structure: one in twenty for validation, one in twenty for tests.

    Of three or more structures, each of these two splits gets at least one.

    Args:
        n: Number of structures.
        rng: Random number generator.
    """
    n_each = max(1, round(n / _HELD_OUT_ONE_IN)) if n >= 3 else 0
    splits = np.array(["train"] * n, dtype="U10")
    order = rng.permutation(n)
    splits[order[:n_each]], splits[order[n_each : 2 * n_each]] = "validation", "test"
    return splits.tolist()
