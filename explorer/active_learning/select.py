"""Which structures of a run to ask the reference about: low ones that the network is unsure of, unlike each other."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.dataset.farthest_points import farthest_points
from explorer.records.run import RunRecord

POOL = 3  # times as many as are wanted, the most uncertain ones, are spread by farthest-point sampling


class Candidates(NamedTuple):
    """Stationary points of a run.

    What is no conformer is among them: where a model has a minimum too many, the reference shall say so.
    """

    names: Int[np.ndarray, "n"]  # id of the minimum that it is, or was stored as
    energies: Float[np.ndarray, "n"]  # eV
    positions: Float[np.ndarray, "n N 3"]  # Å
    errors: Float[np.ndarray, "n"]  # expected by the network of the run, eV/Å; NaN where the run has not asked it


def candidates(record: RunRecord) -> Candidates:
    """The minima of a run, and the saddles that a certification has found."""
    found = [
        (m.id, m.energy, m.positions, m.uncertainty.expected_error if m.uncertainty else np.nan) for m in record.minima
    ]
    found += [(saddle.minimum, saddle.energy, saddle.positions, np.nan) for saddle in record.saddles]
    return Candidates(*(np.array(column) for column in zip(*found, strict=True)))


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
    """Indices of at most n structures.

    Of those up to `top` (more, by energy, where these are fewer than n) the 3 n with the largest expected errors are a
    pool; farthest-point sampling takes from it what differs most from what is known and from
    each other, so that no two say the same.

    Args:
        energies: eV.
        errors: expected, eV/Å; NaN where nobody knows, which ranks all alike.
        features: where distances are measured.
        usable: which may be chosen.
        n: how many.
        top: highest energy that matters, eV.
        rng: draws the first one where nothing is known.
        known: features of structures that were chosen before.
    """
    order = np.flatnonzero(usable)[np.argsort(energies[usable], kind="stable")]
    if not len(order):
        return order
    low = order[: max(int((energies[order] <= top).sum()), n)]
    pool = low[np.argsort(-np.nan_to_num(errors[low]), kind="stable")][: POOL * n]
    return pool[farthest_points(features[pool], n, rng, known)]


def split_structures(n: int, rng: np.random.Generator) -> list[str]:
    """A split for each structure: one in twenty validates and one in twenty tests, each at least one of three."""
    n_each = max(1, round(n / 20)) if n >= 3 else 0
    splits = np.array(["train"] * n, dtype="U10")
    order = rng.permutation(n)
    splits[order[:n_each]], splits[order[n_each : 2 * n_each]] = "validation", "test"
    return splits.tolist()
