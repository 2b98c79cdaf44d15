"""Pairs of structures that are the same or different by construction, as a test of the identity of minima."""

from collections.abc import Callable
from functools import lru_cache

import networkx as nx
import numpy as np
from jaxtyping import Float, Int
from rdkit import Chem
from scipy.spatial.transform import Rotation

from explorer.io.build import to_rdkit
from explorer.records.molecule import Molecule
from explorer.topology.bonds import topology_of

PlantedPositions = Float[np.ndarray, "N 3"]
# Function that changes a structure (positions in Å). It returns None if the change is not possible for the molecule.
Plant = Callable[[Molecule, PlantedPositions, np.random.Generator], PlantedPositions | None]

_cached_topology = lru_cache(topology_of)
_METHYLENE = Chem.MolFromSmarts("[#1][CX4]([!#1])([!#1])[#1]")
_METHYL = Chem.MolFromSmarts("[#1][CX4]([!#1])([#1])[#1]")
_RING = Chem.MolFromSmarts("[#6]c1c([#1])c([#1])c([#6,#8,#1])c([#1])c1[#1]")
_CARBOXYLATE = Chem.MolFromSmarts("[#6]C([OX1])=[OX1]")
_GUANIDINIUM = Chem.MolFromSmarts("N([#6])C(N([#1])[#1])=[N+]([#1])[#1]")


def downstream(molecule: Molecule, fixed: int, moved: int) -> Int[np.ndarray, "n"]:
    """Return the atoms on one side of an acyclic bond.

    Args:
        molecule: Molecule; its positions are not used.
        fixed: Atom of the bond that does not move.
        moved: Atom of the bond on the side that is returned.
    """
    graph = nx.Graph(molecule.bonds.tolist())
    graph.remove_edge(fixed, moved)
    return np.array(sorted(nx.node_connected_component(graph, moved)))


def rotated(
    positions: Float[np.ndarray, "*B N 3"], bond: tuple[int, int], atoms: Int[np.ndarray, "n"], degrees: np.ndarray
) -> Float[np.ndarray, "*B N 3"]:
    """Rotate some atoms of structures about a bond, each structure by its own angle.

    Args:
        positions: Structures, Å.
        bond: Atoms of the bond.
        atoms: Atoms that are rotated.
        degrees: Angle of each structure.
    """
    positions = positions.copy()
    origin = positions[..., bond[0], :]
    axis = positions[..., bond[1], :] - origin
    axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    rotation = Rotation.from_rotvec(np.radians(degrees)[..., None] * axis).as_matrix()
    arms = positions[..., atoms, :] - origin[..., None, :]
    positions[..., atoms, :] = arms @ np.swapaxes(rotation, -1, -2) + origin[..., None, :]
    return positions


def diastereomer(molecule: Molecule, positions: PlantedPositions, rng: np.random.Generator) -> PlantedPositions | None:
    """Reflect the side chain and the H of one residue in the plane of its backbone, whose torsions are kept."""
    quadruples = [q for q in _cached_topology(molecule).backbone if _beta(molecule, q[0]) is not None]
    if not quadruples or len(_cached_topology(molecule).chiral_centres) < 2:
        return None
    _, nitrogen, alpha, carbon = quadruples[rng.integers(len(quadruples))][0]
    others = [k for k in nx.Graph(molecule.bonds.tolist())[int(alpha)] if k not in (nitrogen, carbon)]
    atoms = np.concatenate([downstream(molecule, int(alpha), k) for k in others])
    normal = np.cross(positions[nitrogen] - positions[alpha], positions[carbon] - positions[alpha])
    normal /= np.linalg.norm(normal)
    reflected = positions.copy()
    reflected[atoms] -= 2 * np.outer((positions[atoms] - positions[alpha]) @ normal, normal)
    return reflected


def mirror_image(molecule: Molecule, positions: PlantedPositions, rng: np.random.Generator) -> PlantedPositions | None:
    """Invert all atoms at a point, for molecules with a stereocentre."""
    return -positions if len(_cached_topology(molecule).chiral_centres) else None


def other_amide(molecule: Molecule, positions: PlantedPositions, rng: np.random.Generator) -> PlantedPositions | None:
    """Rotate one amide torsion by 180 degrees, which makes a trans amide cis."""
    amides = _cached_topology(molecule).amides
    _, carbon, nitrogen, _ = (int(k) for k in amides[rng.integers(len(amides))])
    return rotated(positions, (carbon, nitrogen), downstream(molecule, carbon, nitrogen), np.array(180.0))


def rotamer(molecule: Molecule, positions: PlantedPositions, rng: np.random.Generator) -> PlantedPositions | None:
    """Rotate one side chain by 120 degrees about C alpha - C beta."""
    backbone = _cached_topology(molecule).backbone
    bonds = [(int(q[0][2]), _beta(molecule, q[0])) for q in backbone]
    bonds = [(alpha, beta) for alpha, beta in bonds if beta is not None and _has_heavy_branch(molecule, alpha, beta)]
    if not bonds:
        return None
    alpha, beta = bonds[rng.integers(len(bonds))]
    return rotated(positions, (alpha, beta), downstream(molecule, alpha, beta), np.array(rng.choice([-120.0, 120.0])))


def exchanged_methylene(
    molecule: Molecule, positions: PlantedPositions, rng: np.random.Generator
) -> PlantedPositions | None:
    """Exchange the two H of one CH2, which no motion can do."""
    matches = _matches(molecule, _METHYLENE)
    if not matches:
        return None
    first, *_, second = matches[rng.integers(len(matches))]
    return _permuted(positions, [(first, second)])


def distorted(rmsd: float) -> Plant:
    """Return a function that distorts structures at random to a given RMSD after superposition.

    Args:
        rmsd: RMSD, Å.
    """

    def plant(molecule: Molecule, positions: PlantedPositions, rng: np.random.Generator) -> PlantedPositions | None:
        x = positions - positions.mean(axis=0)
        step = rng.normal(size=x.shape)
        low, high = 0.0, 1.0
        for _ in range(40):
            scale = (low + high) / 2
            y = x + scale * (step - step.mean(axis=0))
            total = Rotation.align_vectors(x, y)[1]
            low, high = (scale, high) if total / np.sqrt(len(x)) < rmsd else (low, scale)
        return x + high * (step - step.mean(axis=0))

    return plant


def copied(
    molecule: Molecule, positions: PlantedPositions, rng: np.random.Generator, noise: float = 0.01
) -> PlantedPositions:
    """Rotate, translate and slightly distort a structure, and permute equal atoms by motions of chemical groups.

    Methyls rotate by a third of a turn. Phenyl rings, carboxylates, guanidiniums and their two NH2 rotate by half a
    turn.

    Args:
        molecule: Molecule; its positions are not used.
        positions: Structure, Å.
        rng: Random number generator.
        noise: Standard deviation of the distortion, Å.
    """
    moved = positions.copy()
    for match in _matches(molecule, _METHYL):
        hydrogens = [match[0], match[3], match[4]]
        moved[hydrogens] = moved[np.roll(hydrogens, rng.integers(3))]
    for ring in _matches(molecule, _RING):
        pairs = [(2, 10), (3, 11), (4, 8), (5, 9)]
        moved = _maybe_permuted(moved, [(ring[i], ring[j]) for i, j in pairs], rng)
    for group in _matches(molecule, _CARBOXYLATE):
        moved = _maybe_permuted(moved, [(group[2], group[3])], rng)
    for group in _matches(molecule, _GUANIDINIUM):
        moved = _maybe_permuted(moved, [(group[3], group[6]), (group[4], group[7]), (group[5], group[8])], rng)
        moved = _maybe_permuted(_maybe_permuted(moved, [(group[4], group[5])], rng), [(group[7], group[8])], rng)
    moved = Rotation.random(rng=rng).apply(moved) + rng.normal(scale=5.0, size=3)
    return moved + noise * rng.normal(size=moved.shape)


@lru_cache
def _matches(molecule: Molecule, pattern: Chem.Mol) -> tuple[tuple[int, ...], ...]:
    """Return the atoms of each occurrence of a chemical group."""
    return to_rdkit(molecule).GetSubstructMatches(pattern)


def _maybe_permuted(
    positions: PlantedPositions, pairs: list[tuple[int, int]], rng: np.random.Generator
) -> PlantedPositions:
    return positions if rng.random() < 0.5 else _permuted(positions, pairs)


def _permuted(positions: PlantedPositions, pairs: list[tuple[int, int]]) -> PlantedPositions:
    first, second = np.array(pairs).T
    positions = positions.copy()
    positions[[*first, *second]] = positions[[*second, *first]]
    return positions


def _beta(molecule: Molecule, phi: Int[np.ndarray, "4"]) -> int | None:
    """Return the first atom of the side chain of a residue, None for glycine."""
    _, nitrogen, alpha, carbon = (int(k) for k in phi)
    others = set(nx.Graph(molecule.bonds.tolist())[alpha]) - {nitrogen, carbon}
    return next((k for k in sorted(others) if molecule.atomic_numbers[k] == 6), None)


def _has_heavy_branch(molecule: Molecule, alpha: int, beta: int) -> bool:
    neighbours = set(nx.Graph(molecule.bonds.tolist())[beta]) - {alpha}
    return bool((molecule.atomic_numbers[list(neighbours)] > 1).any())
