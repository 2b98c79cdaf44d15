"""Whether a structure is still the molecule that was given, and if not, what happened.

Checked in this order, the first that holds is the class: clashed, fragmented,
proton-transferred, bond-broken, stereo-inverted, cis-amide, intact.
"""

import networkx as nx
import numpy as np
from jaxtyping import Float

from explorer.records import StructureClass
from explorer.topology.bonds import Topology, double_bond_signs, perceive_bonds, relative_distances
from explorer.topology.chirality import chiral_signs
from explorer.topology.torsions import amide_kind, dihedrals

CLASH = 0.65  # times the sum of covalent radii; the shortest bonds have 0.75
CIS = 90.0  # degrees; an amide with a smaller omega lies on the cis side
MAX_ELEMENTS = 2_000_000  # of a distance array: batches are cut so that memory stays small


def classify_batch(topology: Topology, positions: Float[np.ndarray, "B N 3"]) -> list[tuple[StructureClass, str]]:
    """The class of each structure and the reason, which names atoms; empty for intact.

    Bonds form at 1.2 and break at 1.45 times the sum of covalent radii; a hydrogen belongs to
    its (relatively) nearest heavy atom. Molecules without bonds, such as Lennard-Jones
    clusters, are always intact.

    Args:
        positions: Å.
    """
    positions = np.asarray(positions, dtype=float)
    if len(topology.bonds) == 0:
        return [(StructureClass.INTACT, "")] * len(positions)
    size = max(1, MAX_ELEMENTS // len(topology.atomic_numbers) ** 2)
    return [
        row for start in range(0, len(positions), size) for row in _classify(topology, positions[start : start + size])
    ]


def _classify(topology: Topology, positions: np.ndarray) -> list[tuple[StructureClass, str]]:
    finite = np.asarray(np.isfinite(positions).all(axis=(1, 2)))
    positions = np.where(finite[:, None, None], positions, 0.0)
    overlaps = _overlaps(topology, positions)
    matrices = perceive_bonds(topology.atomic_numbers, positions, topology.bonds)
    given = np.zeros(matrices.shape[1:], dtype=bool)
    given[tuple(topology.bonds.T)] = given[tuple(topology.bonds.T[::-1])] = True
    rebonded = np.asarray((matrices != given).any(axis=(1, 2)))
    inverted = (chiral_signs(positions, topology.chiral_centres) != topology.chiral_signs) & (
        topology.chiral_signs != 0
    )
    flipped = double_bond_signs(positions, topology.double_bonds) != topology.double_bond_signs
    omegas = dihedrals(positions, topology.amides)
    cis = (np.abs(omegas) < CIS) & topology.secondary_amides
    rows = []
    for b in range(len(positions)):
        if not finite[b]:
            rows.append((StructureClass.CLASHED, "positions are not finite"))
        elif overlaps[b] is not None:
            rows.append((StructureClass.CLASHED, overlaps[b]))
        elif rebonded[b]:
            rows.append(_rebonded(topology, given, matrices[b]))
        elif inverted[b].any() or flipped[b].any():
            rows.append((StructureClass.STEREO_INVERTED, _stereo_reason(topology, inverted[b], flipped[b])))
        elif cis[b].any():
            rows.append((StructureClass.CIS_AMIDE, _amide_reason(topology, omegas[b], cis[b])))
        else:
            rows.append((StructureClass.INTACT, ""))
    return rows


def _overlaps(topology: Topology, positions: np.ndarray) -> list[str | None]:
    ratio = relative_distances(topology.atomic_numbers, positions)
    diagonal = np.arange(ratio.shape[-1])
    ratio[:, diagonal, diagonal] = np.inf
    flat = ratio.reshape(len(ratio), -1)
    names = topology.atom_names
    pairs = [sorted(np.unravel_index(int(k), ratio.shape[1:])) for k in flat.argmin(axis=1)]
    return [
        f"{names[i]} and {names[j]} are on top of each other" if smallest < CLASH else None
        for smallest, (i, j) in zip(flat.min(axis=1), pairs, strict=True)
    ]


def _rebonded(topology: Topology, given: np.ndarray, matrix: np.ndarray) -> tuple[StructureClass, str]:
    """Which of the three changes of the bond graph this is."""
    names = topology.atom_names
    parts = sorted(nx.connected_components(nx.from_numpy_array(matrix)), key=len)
    if len(parts) > 1:
        lost = " ".join(names[i] for i in sorted(parts[0])[:5]) + (" ..." if len(parts[0]) > 5 else "")
        return StructureClass.FRAGMENTED, f"{len(parts)} fragments; {lost} split off"
    hydrogen = topology.atomic_numbers == 1
    moved = []
    for h in np.flatnonzero(hydrogen):
        before, after = given[h] & ~hydrogen, matrix[h] & ~hydrogen
        if before.any() and after.any() and before.argmax() != after.argmax():
            moved.append(f"{names[h]} moved from {names[before.argmax()]} to {names[after.argmax()]}")
    if moved:
        return StructureClass.PROTON_TRANSFERRED, _join(moved)
    changes = [
        f"bond {names[i]}-{names[j]} {'formed' if matrix[i, j] else 'broken'}"
        for i, j in np.argwhere(np.triu(given != matrix))
    ]
    return StructureClass.BOND_BROKEN, _join(changes)


def _stereo_reason(topology: Topology, inverted: np.ndarray, flipped: np.ndarray) -> str:
    names = topology.atom_names
    centres = [f"{names[k]} inverted" for k in topology.chiral_centres[inverted, 0]]
    return _join(centres + [f"{names[i]}={names[j]} flipped" for i, j in topology.double_bonds[flipped, 1:3]])


def _amide_reason(topology: Topology, omegas: np.ndarray, cis: np.ndarray) -> str:
    rows = zip(topology.amides[cis, 1:3], omegas[cis], strict=True)
    return _join(
        [
            f"{topology.atom_names[c]}-{topology.atom_names[n]} {amide_kind(omega)} ({omega:.0f} deg)"
            for (c, n), omega in rows
        ]
    )


def _join(parts: list[str]) -> str:
    return "; ".join(parts[:3]) + (f"; {len(parts) - 3} more" if len(parts) > 3 else "")
