"""Torques about bonds that turn: they decide where minima lie, and are next to nothing of forces."""

from typing import NamedTuple

import jax.numpy as jnp
import networkx as nx
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.topology.rotors import sides


class Axes(NamedTuple):
    """Bonds about which parts of molecules turn; padded ones turn nothing."""

    ends: Int[np.ndarray | Array, "*B R 2"]
    moved: Bool[np.ndarray | Array, "*B R N"]  # the smaller part, with the end that it hangs on

    @property
    def turn(self) -> Bool[Array, "*B R"]:
        """Which of them are not padded."""
        return jnp.any(self.moved, axis=-1)


def find_axes(bonds: Int[np.ndarray, "n_bonds 2"], n_atoms: int) -> Axes:
    """All bonds outside of rings whose both ends have further neighbours, double bonds and amides among them.

    Args:
        bonds: pairs of atoms.
        n_atoms: of the molecule.
    """
    graph = nx.Graph(np.asarray(bonds).tolist())
    ends = [sorted(bond) for bond in nx.bridges(graph) if all(len(graph[end]) > 1 for end in bond)]
    moved = np.zeros((len(ends), n_atoms), bool)
    for row, (i, j) in zip(moved, ends, strict=True):
        row[list(min(sides(graph, i, j), key=len))] = True
    return Axes(np.array(ends, np.int32).reshape(-1, 2), moved)


def torques(
    positions: Float[np.ndarray | Array, "N 3"], forces: Float[np.ndarray | Array, "N 3"], axes: Axes
) -> Float[Array, "R"]:
    """Torque about each axis, Q = a · Σ_moved (r - p) × f, eV/rad: -dE/dθ when the moved part turns about it by θ.

    Forces between two atoms of the moved part, and forces on the axis, have none.

    Args:
        positions: r, Å.
        forces: f, eV/Å.
        axes: of the molecule; a is the unit vector between the ends, p the place of the first one.
    """
    place, end = positions[axes.ends[:, 0]], positions[axes.ends[:, 1]]
    along = end - place
    along /= jnp.maximum(jnp.linalg.norm(along, axis=-1, keepdims=True), 1e-6)  # padded axes have no length
    moved = axes.moved.astype(forces.dtype)
    turning = moved @ jnp.cross(positions, forces) - jnp.cross(place, moved @ forces)
    return jnp.sum(along * turning, axis=-1)
