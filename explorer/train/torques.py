"""Torques about rotatable bonds, which determine the positions of minima but are a small part of the forces."""

from typing import NamedTuple

import jax.numpy as jnp
import networkx as nx
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.topology.rotors import sides


class TorsionAxes(NamedTuple):
    """Bonds that divide a molecule into two parts; on padding, `moved` is false for all atoms."""

    ends: Int[np.ndarray | Array, "*B R 2"]
    moved: Bool[np.ndarray | Array, "*B R N"]  # the smaller part, including the end of the bond in it

    @property
    def is_real(self) -> Bool[Array, "*B R"]:
        """Whether each axis is not padding."""
        return jnp.any(self.moved, axis=-1)


def find_torsion_axes(bonds: Int[np.ndarray, "n_bonds 2"], n_atoms: int) -> TorsionAxes:
    """Return all bonds outside rings whose ends both have another neighbour, including double bonds and amides.

    Args:
        bonds: Index pairs.
        n_atoms: Number of atoms of the molecule.
    """
    graph = nx.Graph(np.asarray(bonds).tolist())
    ends = [sorted(bond) for bond in nx.bridges(graph) if all(len(graph[end]) > 1 for end in bond)]
    moved = np.zeros((len(ends), n_atoms), bool)
    for is_moved, (i, j) in zip(moved, ends, strict=True):
        is_moved[list(min(sides(graph, i, j), key=len))] = True
    return TorsionAxes(np.array(ends, np.int32).reshape(-1, 2), moved)


def torques(
    positions: Float[np.ndarray | Array, "N 3"], forces: Float[np.ndarray | Array, "N 3"], axes: TorsionAxes
) -> Float[Array, "R"]:
    """Return the torque about each axis, Q = a · Σ_moved (r - p) × f = -dE/dθ for a rotation of the moved part by θ.

    Forces between two atoms of the moved part and forces along the axis do not contribute.

    Args:
        positions: r, Å.
        forces: f, eV/Å.
        axes: Axes of the molecule; a is the unit vector between the ends, p the position of the first end.

    Returns:
        Torques in eV/rad, zero for padded axes.
    """
    origin, end = positions[axes.ends[:, 0]], positions[axes.ends[:, 1]]
    along = end - origin
    along /= jnp.maximum(jnp.linalg.norm(along, axis=-1, keepdims=True), 1e-6)  # padded axes have no length
    moved = axes.moved.astype(forces.dtype)
    torque_vectors = moved @ jnp.cross(positions, forces) - jnp.cross(origin, moved @ forces)
    return jnp.sum(along * torque_vectors, axis=-1)
