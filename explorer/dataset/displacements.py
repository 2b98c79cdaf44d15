"""Geometries far from minima: turns of bonds into clashes, hydrogens between two atoms, contacts, normal modes."""

from typing import Any, NamedTuple

import networkx as nx
import numpy as np
from ase.data import covalent_radii
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation

from explorer.dataset.force_field import MIN_STIFFNESS
from explorer.records.molecule import Molecule
from explorer.relaxation.coordinates import internal_coordinates
from explorer.relaxation.internal import model_hessian
from explorer.topology.rotors import sides
from explorer.units import BOLTZMANN

CLOSEST, CLOSEST_RATIO = 0.6, 0.65  # Å, and share of the sum of covalent radii: no pair comes nearer; not tuned
_TURN_STEP = 15.0  # degrees between the turns among which the tightest contact is chosen; not tuned
_REACH = 3.6  # Å, a hydrogen is turned to atoms that are nearer to its own one; not tuned
_SOFTEST = 0.05  # eV/Å², added to the model Hessian, so that rigid motion and torsions stay bounded; not tuned
_STRETCHES = {6: (0.8, 1.35)}  # range of X-H lengths relative to the present one, by the atomic number of X
_POLAR_STRETCHES = (0.75, 1.7)
_SHIFTS = (-0.8, 3.0)  # Å, change of the distance between two molecules
_SCALES = (0.93, 1.08)  # of all coordinates of a single molecule


class MovableParts(NamedTuple):
    """What the displacements of a molecule need of its bond graph.

    Attributes:
        numbers: Atomic numbers.
        turns: For each bond that can be turned, its ends and the atoms that move.
        hydrogens: Hydrogen, its heavy atom.
        fragments: Atoms of each molecule.
        apart: Whether two atoms are at least three bonds apart.
        smallest: Smallest distance allowed of each pair, Å.
    """

    numbers: Int[np.ndarray, "N"]
    turns: list[tuple[int, int, list[int]]]
    hydrogens: list[tuple[int, int]]
    fragments: list[list[int]]
    apart: Bool[np.ndarray, "N N"]
    smallest: Float[np.ndarray, "N N"]


def movable_parts(molecule: Molecule) -> MovableParts:
    """Find the bonds that can be turned, the hydrogens and the fragments of a molecule.

    Args:
        molecule: Molecule; its positions are not used.
    """
    numbers, n = molecule.atomic_numbers, molecule.n_atoms
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_edges_from(molecule.bonds.tolist())
    bridges = [sorted(edge) for edge in nx.bridges(graph) if all(graph.degree(end) > 1 for end in edge)]
    turns = [(j, k, sorted(min(sides(graph, j, k), key=len))) for j, k in bridges]
    hydrogens = [(h, next(iter(graph[h]))) for h in graph if numbers[h] == 1 and graph.degree(h) == 1]
    hydrogens = [(h, x) for h, x in hydrogens if numbers[x] > 1]
    apart = np.ones((n, n), bool)
    for atom, near in nx.all_pairs_shortest_path_length(graph, cutoff=2):
        apart[atom, list(near)] = False
    radii = covalent_radii[numbers]
    smallest = np.maximum(CLOSEST, CLOSEST_RATIO * (radii[:, None] + radii))
    fragments = [sorted(part) for part in nx.connected_components(graph)]
    return MovableParts(numbers, turns, hydrogens, fragments, apart, smallest)


def is_possible(parts: MovableParts, positions: Float[np.ndarray, "F N 3"]) -> Bool[np.ndarray, "F"]:
    """Return whether all pairs of each structure are farther apart than the smallest distance allowed.

    Args:
        parts: Parts of the molecule.
        positions: Positions, Å.
    """
    distances = np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)
    allowed = distances > np.minimum(
        parts.smallest, np.where(parts.apart, np.inf, 0.55 * parts.smallest / CLOSEST_RATIO)
    )
    return (allowed | np.eye(len(parts.numbers), dtype=bool)).all(axis=(1, 2))


def turned(
    parts: MovableParts, positions: Float[np.ndarray, "N 3"], tight: bool, rng: np.random.Generator
) -> Float[np.ndarray, "N 3"] | None:
    """Turn one bond, amides and bonds to O-H and N-H included, to a random angle or into the tightest contact.

    Args:
        parts: Parts of the molecule.
        positions: Positions, Å.
        tight: Whether to turn into the tightest contact that is allowed.
        rng: Random number generator.

    Returns:
        Positions, Å; None if there is no bond to turn or no angle is allowed.
    """
    if not parts.turns:
        return None
    j, k, moved = parts.turns[rng.integers(len(parts.turns))]
    angles = np.radians(rng.uniform(0, _TURN_STEP) + np.arange(_TURN_STEP, 360, _TURN_STEP))
    axis = (positions[k] - positions[j]) / np.linalg.norm(positions[k] - positions[j])
    frames = np.repeat(positions[None], len(angles), axis=0)
    for frame, angle in zip(frames, angles, strict=True):
        frame[moved] = Rotation.from_rotvec(angle * axis).apply(positions[moved] - positions[j]) + positions[j]
    frames = frames[is_possible(parts, frames)]
    if not len(frames):
        return None
    if not tight:
        return frames[rng.integers(len(frames))]
    ratios = np.linalg.norm(frames[:, :, None] - frames[:, None], axis=-1) / parts.smallest
    return frames[np.where(parts.apart, ratios, np.inf).min(axis=(1, 2)).argmin()]


def moved_hydrogen(
    parts: MovableParts, positions: Float[np.ndarray, "N 3"], rng: np.random.Generator
) -> Float[np.ndarray, "N 3"] | None:
    """Stretch a bond to hydrogen, turn it towards another atom, or put the hydrogen between the two.

    Three in four of the hydrogens are on N, O or S, if there are any.

    Args:
        parts: Parts of the molecule.
        positions: Positions, Å.
        rng: Random number generator.

    Returns:
        Positions, Å; None if there is no hydrogen or the structure is not allowed.
    """
    polar = [one for one in parts.hydrogens if parts.numbers[one[1]] != 6]
    among = polar if polar and rng.random() < 0.75 else parts.hydrogens
    if not among:
        return None
    hydrogen, heavy = among[rng.integers(len(among))]
    bond = positions[hydrogen] - positions[heavy]
    length = np.linalg.norm(bond)
    near = np.linalg.norm(positions - positions[heavy], axis=-1) < _REACH
    near &= (parts.numbers > 1) & (np.arange(len(near)) != heavy)
    targets, way, frame = np.flatnonzero(near), rng.integers(3), positions.copy()
    stretch = rng.uniform(*_STRETCHES.get(int(parts.numbers[heavy]), _POLAR_STRETCHES))
    if way == 0 or not len(targets):
        frame[hydrogen] = positions[heavy] + stretch * bond
    else:
        to = positions[rng.choice(targets)] - positions[heavy]
        if way == 1:  # a part of the turn, at about the length of the bond
            direction = bond / length + rng.uniform(0.3, 3.0) * to / np.linalg.norm(to)
            frame[hydrogen] = positions[heavy] + rng.uniform(0.9, 1.15) * length * direction / np.linalg.norm(direction)
        else:  # on the way from one atom to the other
            frame[hydrogen] = positions[heavy] + rng.uniform(0.35, 0.65) * to
    return frame if is_possible(parts, frame[None])[0] else None


def contact(
    parts: MovableParts, positions: Float[np.ndarray, "N 3"], rng: np.random.Generator
) -> Float[np.ndarray, "N 3"] | None:
    """Move two molecules towards or away from each other; scale all coordinates of a single molecule.

    Args:
        parts: Parts of the molecule.
        positions: Positions, Å.
        rng: Random number generator.

    Returns:
        Positions, Å; None if the structure is not allowed.
    """
    if len(parts.fragments) == 1:
        centre = positions.mean(axis=0)
        frame = centre + rng.uniform(*_SCALES) * (positions - centre)
    else:
        fragment = parts.fragments[rng.integers(1, len(parts.fragments))]
        others = np.setdiff1d(np.arange(len(positions)), fragment)
        gaps = positions[fragment][:, None] - positions[others]
        between = gaps.reshape(-1, 3)[np.linalg.norm(gaps, axis=-1).argmin()]
        frame = positions.copy()
        frame[fragment] += rng.uniform(*_SHIFTS) * between / np.linalg.norm(between)
    return frame if is_possible(parts, frame[None])[0] else None


def stiffness_matrix(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3N 3N"]:
    """Return the positive definite model Hessian of a structure, eV/Å²; see `relaxation.internal.model_hessian`.

    Args:
        molecule: Molecule at the same positions.
        positions: Positions, Å.
    """
    x: Any = np.asarray(positions, float)  # typed as Any: the function takes arrays of both libraries
    _, hessian = model_hessian(internal_coordinates(molecule), x)
    return np.asarray(hessian) + _SOFTEST * np.eye(x.size)


def thermally_displaced(
    hessian: Float[np.ndarray, "3N 3N"],
    positions: Float[np.ndarray, "N 3"],
    temperature: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "N 3"]:
    """Displace a structure along all normal modes of a model Hessian, x + Σ_k √(k T / λ_k) ξ_k v_k.

    `MIN_STIFFNESS` is added to all λ_k: a long straight step along a torsion would stretch bonds.

    Args:
        hessian: Positive definite Hessian with eigenvalues λ_k and eigenvectors v_k, eV/Å².
        positions: Positions x, Å.
        temperature: Temperature T, K.
        rng: Random number generator of the normal numbers ξ_k.
    """
    # with the Cholesky factor H = L Lᵀ, the solution of Lᵀ d = ξ has the covariance H⁻¹
    stiffer = hessian + MIN_STIFFNESS * np.eye(positions.size)
    noise = np.linalg.solve(np.linalg.cholesky(stiffer).T, rng.normal(size=positions.size))
    return positions + np.sqrt(BOLTZMANN * temperature) * noise.reshape(-1, 3)
