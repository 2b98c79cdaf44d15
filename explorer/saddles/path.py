"""Paths between two minima: images that are straight in internal coordinates, or in Cartesian ones for clusters."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from explorer.devices import batch_sharding, over_rows, replicated_sharding, rows_at_once
from explorer.relaxation.coordinates import Coordinates
from explorer.relaxation.internal import internal_chart
from explorer.similarity.superpose import centred, superpose
from explorer.stored_programs import StoredProgram

N_IMAGES = 7  # without the ends
_MAX_ITERATIONS = 15  # of Gauss and Newton for one image
_LARGEST_MOVE = 0.5  # Å, of an atom in one iteration
_CLOSE = 1e-3  # Å or rad, largest change of a coordinate in an iteration that ends it; not tuned


class PathImages(NamedTuple):
    """Images of a path and its direction at each of them.

    Attributes:
        images: Positions, Å.
        tangents: Cartesian displacements along the path, of any length.
    """

    images: Float[np.ndarray | Array, "*n K N 3"]
    tangents: Float[np.ndarray | Array, "*n K N 3"]


def internal_paths(
    coordinates: Coordinates, starts: Float[np.ndarray, "n N 3"], changes: Float[np.ndarray, "n M"]
) -> PathImages:
    """Compute images at q(t) = q0 + t Δq for t = 1/8, ..., 7/8.

    Each image is found by Gauss-Newton iterations from the one before. Internal coordinates are redundant, so an image
    has the coordinates nearest to q(t), not exactly these.

    Args:
        coordinates: Internal coordinates of the molecule.
        starts: First structure of each path, Å.
        changes: Δq of each path.
    """
    n, batch = len(starts), rows_at_once()
    shared = jax.device_put(coordinates, replicated_sharding(batch))
    parts = []
    for first in range(0, n, batch):
        chosen = np.minimum(np.arange(first, first + batch), n - 1)
        rows = starts[chosen], changes[chosen], np.arange(first, first + batch) < n
        computed = jax.device_get(_rows(shared, *jax.device_put(rows, batch_sharding(batch))))
        parts.append(jax.tree.map(lambda leaf, size=min(batch, n - first): leaf[:size], computed))
    return PathImages(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def cartesian_path(start: Float[np.ndarray, "N 3"], end: Float[np.ndarray, "N 3"]) -> PathImages:
    """Compute images on the straight line from one structure to another one, which is superposed with it first.

    Args:
        start: First structure, Å.
        end: Second structure, Å, with matching numbers of equal atoms.
    """
    if len(start) > 1:
        rotation, _ = superpose(centred(start), centred(end))
        end = centred(end) @ rotation.T + start.mean(axis=0)
    shares = np.arange(1, N_IMAGES + 1)[:, None, None] / (N_IMAGES + 1)
    tangents = np.broadcast_to(end - start, (N_IMAGES, *start.shape))
    return PathImages(start + shares * (end - start), tangents)


@partial(StoredProgram, few_calls=True)
def _rows(
    coordinates: Coordinates, starts: Float[Array, "B N 3"], changes: Float[Array, "B M"], wanted: Bool[Array, "B"]
) -> PathImages:
    def of_row(coordinates, start, change, wanted):
        nothing = jnp.zeros((N_IMAGES, *start.shape), start.dtype)
        return jax.lax.cond(wanted, partial(_path, coordinates), lambda *_: PathImages(nothing, nothing), start, change)

    return over_rows(of_row, (coordinates,), starts, changes, wanted)


def _path(coordinates: Coordinates, start: Float[Array, "N 3"], change: Float[Array, "M"]) -> PathImages:
    chart = internal_chart(coordinates)
    values = chart.values((), start)

    def image(before: Float[Array, "N 3"], share: Float[Array, ""]) -> tuple[Array, tuple[Array, Array]]:
        target = values + share * change

        def iterate(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            iteration, positions, _ = carry
            frame = chart.frame(positions)
            left = chart.difference(frame, target, chart.values(frame, positions))
            move = chart.pull_back(frame, left).reshape(positions.shape)
            size = jnp.sqrt(jnp.max(jnp.sum(move**2, axis=1)))
            move = move * jnp.minimum(1, _LARGEST_MOVE / jnp.maximum(size, 1e-12))
            return iteration + 1, positions + move, jnp.max(jnp.abs(chart.push_forward(frame, move.reshape(-1))))

        def unfinished(carry: tuple[Array, Array, Array]) -> Bool[Array, ""]:
            iteration, _, size = carry
            return (iteration < _MAX_ITERATIONS) & (size > _CLOSE)

        begin = jnp.asarray(0), before, jnp.asarray(jnp.inf, before.dtype)
        _, positions, _ = jax.lax.while_loop(unfinished, iterate, begin)
        tangent = chart.pull_back(chart.frame(positions), change).reshape(positions.shape)
        return positions, (positions, tangent)

    shares = jnp.arange(1, N_IMAGES + 1, dtype=start.dtype) / (N_IMAGES + 1)
    _, (images, tangents) = jax.lax.scan(image, start, shares)
    return PathImages(images, tangents)
