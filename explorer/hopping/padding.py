"""Padding of the engine of hops to sizes that several molecules share."""

import numpy as np
from jaxtyping import Float

from explorer.dynamics.velocities import PADDING_MASS
from explorer.hopping.recognition import RandomProjection
from explorer.hopping.walker import Engine
from explorer.potential.padding import receives_padding
from explorer.potential.potential import Potential
from explorer.relaxation.padding import padded_relaxer
from explorer.similarity.fingerprint import FeatureBlock, FingerprintAtoms

# Smallest number of rows by the number of pairs of atoms in a row. Fingerprints have about 500 numbers at most; rows of
# several pairs come from side chains like those of valine and phenylalanine. Not tuned.
_MIN_ROWS = {1: 512, 2: 128, 4: 16, 8: 4}
_N_VOLUMES = 64  # all that a fingerprint may have


def padded_engine(potential: Potential, engine: Engine, n_atoms: int) -> Engine:
    """Return an engine for positions with padding, whose hops are those of the engine without it.

    Args:
        potential: Potential that gives the forces; analytic ones receive no padding.
        engine: Engine of a molecule.
        n_atoms: Number of atoms with padding.
    """
    if not receives_padding(potential):
        return engine
    return engine.replace(
        relaxer=padded_relaxer(potential, engine.relaxer, n_atoms),
        masses=np.pad(engine.masses, (0, n_atoms - len(engine.masses)), constant_values=PADDING_MASS),
        projection=engine.projection and padded_projection(engine.projection),
    )


def padded_projection(projection: RandomProjection) -> RandomProjection:
    """Return a projection with the same values whose arrays have shared sizes.

    A row of pairs grows to a power of two by pairs of an atom with itself. Their distances of zero are sorted to the
    beginning of the row, where their directions are zero. Rows and volumes are repeated with directions of zero.

    Args:
        projection: Projection of a molecule.
    """
    rows: dict[int, list[tuple]] = {size: [] for size in _MIN_ROWS}
    done = 0
    for first, second in projection.atoms.blocks:
        n = first.shape[1]
        size = 2 ** (n - 1).bit_length()
        for of_first, of_second in zip(first, second, strict=True):
            directions = projection.directions[done : done + n]
            done += n
            padding = (size - n, 0)
            rows.setdefault(size, []).append(
                (
                    np.pad(of_first, padding, mode="edge"),
                    np.pad(of_second, padding, constant_values=of_first[0]),
                    np.pad(directions, (padding, (0, 0))),
                )
            )
    blocks, directions = [], []
    for size, members in rows.items():
        itself = np.zeros(size, int), np.zeros(size, int), np.zeros((size, projection.directions.shape[1]))
        members += [itself] * (max(_MIN_ROWS.get(size, 1), 2 ** (len(members) - 1).bit_length()) - len(members))
        blocks.append(FeatureBlock(np.stack([row[0] for row in members]), np.stack([row[1] for row in members])))
        directions.append(np.concatenate([row[2] for row in members]))
    corners, of_volumes = _padded_volumes(projection.atoms.corners, np.asarray(projection.directions)[done:])
    return projection.replace(
        atoms=FingerprintAtoms(tuple(blocks), corners), directions=np.concatenate([*directions, of_volumes])
    )


def _padded_volumes(corners: np.ndarray, directions: Float[np.ndarray, "n k"]) -> tuple[np.ndarray, np.ndarray]:
    """Volumes up to a fixed number, the last one repeated with directions of zero; none stay none."""
    padding = np.array([(0, _N_VOLUMES - len(corners) if len(corners) else 0), (0, 0)])
    return np.pad(corners, padding, mode="edge") if len(corners) else corners, np.pad(directions, padding)
