"""Topology of a molecule: bonds, stereocentres, amides and backbone, computed once and used for every structure."""

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii
from jaxtyping import Bool, Float, Int

from explorer.records.molecule import Molecule
from explorer.topology.chirality import chiral_signs
from explorer.topology.groups import (
    find_amides,
    find_backbone,
    find_double_bonds,
    find_rotatable_bonds,
    molecular_graph,
)
from explorer.topology.stereocentres import find_ring_pairs, find_stereocentres
from explorer.topology.symmetry_classes import symmetry_classes
from explorer.topology.torsions import CIS_SIDE, dihedrals

# Distance over the sum of covalent radii at which a bond forms, and at which an existing bond breaks. Not tuned.
FORMATION_RATIO, BREAKING_RATIO = 1.2, 1.45
# The same for bonds of hydrogen, which are 1.0 in minima and at most 1.15 in strong hydrogen bonds. With 1.45, minima
# of a network with O-H of 1.22 to 1.26 Å (ratios 1.26 to 1.30) counted as intact.
HYDROGEN_BREAKING_RATIO = 1.25


@dataclass(frozen=True, eq=False, kw_only=True)
class Topology:
    """The bond graph of a molecule and the groups of atoms derived from it. Atom indices start at 0.

    Attributes:
        atomic_numbers: Atomic number of each atom, shape (N,).
        atom_names: Labels used in messages.
        bonds: Index pairs i < j, shape (n_bonds, 2).
        formal_charges: Formal charge of each atom, e, shape (N,).
        rotatable_bonds: Acyclic single bonds between heavy atoms that both carry another heavy atom, without
            amide bonds, shape (n_rotatable, 2).
        chiral_centres: Each stereocentre, followed by its three neighbours of highest rank, shape (n_centres, 4).
        chiral_signs: Parity of each stereocentre in the input positions: +1, -1, or 0 if undefined,
            shape (n_centres,).
        ring_pairs: Pairs of ring atoms whose substituents are cis or trans. Each atom is given as a row of
            `chiral_centres`, shape (n_pairs, 2, 4).
        ring_signs: Product of the two parities in the input positions, shape (n_pairs,).
        amides: C_prev, C, N, C_next of each amide that has an omega torsion. Proline is included, amides in
            small rings are not, shape (n_amides, 4).
        secondary_amides: Whether the amide nitrogen carries a hydrogen, shape (n_amides,).
        cis_amides: Whether each amide is cis in the input positions, shape (n_amides,).
        double_bonds: Substituent, atom, atom, substituent of each double bond with E/Z isomers, shape (n_double, 4).
        double_bond_signs: +1 for substituents on the same side (Z) in the input positions, -1 for opposite sides,
            shape (n_double,).
        backbone: C N CA C (phi) and N CA C N (psi) of each residue that has both, from the N to the C terminus,
            shape (n_residues, 2, 4).
    """

    atomic_numbers: Int[np.ndarray, "N"]
    atom_names: tuple[str, ...]
    bonds: Int[np.ndarray, "n_bonds 2"]
    formal_charges: Int[np.ndarray, "N"]
    rotatable_bonds: Int[np.ndarray, "n_rotatable 2"]
    chiral_centres: Int[np.ndarray, "n_centres 4"]
    chiral_signs: Int[np.ndarray, "n_centres"]
    ring_pairs: Int[np.ndarray, "n_pairs 2 4"]
    ring_signs: Int[np.ndarray, "n_pairs"]
    amides: Int[np.ndarray, "n_amides 4"]
    secondary_amides: Bool[np.ndarray, "n_amides"]
    cis_amides: Bool[np.ndarray, "n_amides"]
    double_bonds: Int[np.ndarray, "n_double 4"]
    double_bond_signs: Int[np.ndarray, "n_double"]
    backbone: Int[np.ndarray, "n_residues 2 4"]


def topology_of(molecule: Molecule) -> Topology:
    """Compute the topology of a molecule. The stereochemistry is taken from its positions.

    Args:
        molecule: Molecule with bonds, or an atomic cluster.
    """
    graph = molecular_graph(molecule)
    amides = find_amides(graph, symmetry_classes(molecule.atomic_numbers, molecule.bonds))
    centres, ranks = find_stereocentres(graph, molecule.positions)
    ring_pairs = find_ring_pairs(graph, ranks)
    double_bonds = find_double_bonds(graph, ranks)
    return Topology(
        atomic_numbers=molecule.atomic_numbers,
        atom_names=molecule.atom_names,
        bonds=molecule.bonds,
        formal_charges=molecule.formal_charges,
        rotatable_bonds=find_rotatable_bonds(graph),
        chiral_centres=centres,
        chiral_signs=chiral_signs(molecule.positions, centres),
        ring_pairs=ring_pairs,
        ring_signs=chiral_signs(molecule.positions, ring_pairs).prod(axis=-1),
        amides=amides,
        secondary_amides=np.array([any(graph.nodes[k]["number"] == 1 for k in graph[n]) for n in amides[:, 2]], bool),
        cis_amides=np.abs(dihedrals(molecule.positions, amides)) < CIS_SIDE,
        double_bonds=double_bonds,
        double_bond_signs=double_bond_signs(molecule.positions, double_bonds),
        backbone=find_backbone(graph),
    )


def double_bond_signs(
    positions: Float[np.ndarray, "*batch N 3"], double_bonds: Int[np.ndarray, "n_double 4"]
) -> Int[np.ndarray, "*batch n_double"]:
    """Return +1 where the substituents are on the same side of the double bond, else -1.

    Args:
        positions: Å, any leading axes.
        double_bonds: Atom indices as in `Topology.double_bonds`.
    """
    return np.where(np.abs(dihedrals(positions, double_bonds)) < 90, 1, -1)


def perceive_bonds(
    atomic_numbers: Int[np.ndarray, "N"],
    positions: Float[np.ndarray, "*batch N 3"],
    bonds: Int[np.ndarray, "n_bonds 2"] | None = None,
) -> Bool[np.ndarray, "*batch N N"]:
    """Compute bond matrices from distances, with hysteresis.

    A new bond forms below 1.2 times the sum of covalent radii. An existing bond breaks above 1.45 times that sum. A
    hydrogen is bonded only to the heavy atom at the smallest relative distance, up to 1.25 times the sum. A short
    hydrogen bond is therefore not a bond, and a hydrogen in the middle between two atoms is bonded to none.

    Args:
        atomic_numbers: Atomic number of each atom.
        positions: Å, any leading axes.
        bonds: Index pairs of existing bonds; none by default.

    Returns:
        Symmetric matrices, true for bonded pairs.

    Source: Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j (covalent radii).
    """
    ratio = relative_distances(atomic_numbers, positions)
    limit = np.full(ratio.shape[-2:], FORMATION_RATIO)
    if bonds is not None:
        first, second = np.asarray(bonds, dtype=int).reshape(-1, 2).T
        limit[first, second] = limit[second, first] = BREAKING_RATIO
    np.fill_diagonal(limit, -1)
    matrices = ratio < limit
    hydrogens, heavy = np.flatnonzero(atomic_numbers == 1), np.flatnonzero(atomic_numbers != 1)
    if len(hydrogens) and len(heavy):
        reach = ratio[..., hydrogens[:, None], heavy]
        owned = (np.arange(len(heavy)) == reach.argmin(axis=-1)[..., None]) & (reach < HYDROGEN_BREAKING_RATIO)
        matrices[..., hydrogens[:, None], heavy] = owned
        matrices[..., heavy[:, None], hydrogens] = np.swapaxes(owned, -1, -2)
    return matrices


def keeps_bonds(
    atomic_numbers: Int[np.ndarray, "N"],
    positions: Float[np.ndarray, "B N 3"],
    bonds: Int[np.ndarray, "n_bonds 2"],
) -> Bool[np.ndarray, "B"]:
    """Return whether structures have the bonds of a molecule and no others.

    Args:
        atomic_numbers: Atomic number of each atom.
        positions: Å.
        bonds: Index pairs of the molecule.
    """
    wanted = np.zeros((len(atomic_numbers), len(atomic_numbers)), bool)
    wanted[tuple(bonds.T)] = wanted[tuple(bonds.T[::-1])] = True
    # one structure at a time: a batch would need the memory of all distances
    kept = [np.array_equal(perceive_bonds(atomic_numbers, one, bonds), wanted) for one in positions]
    return np.array(kept, bool)


def relative_distances(
    atomic_numbers: Int[np.ndarray, "N"], positions: Float[np.ndarray, "*batch N 3"]
) -> Float[np.ndarray, "*batch N N"]:
    """Compute interatomic distances divided by the sum of covalent radii; 0 on the diagonal.

    Args:
        atomic_numbers: Atomic number of each atom.
        positions: Å, any leading axes.
    """
    radii = covalent_radii[atomic_numbers]
    positions = np.asarray(positions)
    squared = np.zeros((*positions.shape[:-1], positions.shape[-2]))
    for axis in np.moveaxis(positions, -1, 0):  # one axis at a time needs a third of the memory
        squared += (axis[..., :, None] - axis[..., None, :]) ** 2
    return np.sqrt(squared) / (radii[:, None] + radii)
