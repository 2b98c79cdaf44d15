"""Whether a structure is still the molecule that was given, and if not, what happened.

Several things can have changed at once; the first of this order is the class: clashed, fragmented,
bond-broken, proton-transferred, stereo-inverted, cis-amide, intact. Ring puckers and chair flips change
no bond and no handedness, so they are conformers; so is proline with a cis amide bond.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import Topology, perceive_bonds, relative_distances
from explorer.topology.changes import StructureChange, amide_changes, bond_changes, stereo_changes
from explorer.topology.fragments import fragments_of

CLASH = 0.65  # times the sum of covalent radii; the shortest bonds have 0.75
MAX_ELEMENTS = 2_000_000  # of a distance array: batches are cut so that memory stays small
PRIORITY = (
    StructureClass.CLASHED,
    StructureClass.FRAGMENTED,
    StructureClass.BOND_BROKEN,
    StructureClass.PROTON_TRANSFERRED,
    StructureClass.STEREO_INVERTED,
    StructureClass.CIS_AMIDE,
)


class Classification(NamedTuple):
    """What a structure is.

    Attributes:
        kind: its class, the first in order of priority.
        reason: what is different, with the names of the atoms; remarks (a twisted amide, a cis proline) are
            made about intact structures too.
        changes: all classes that apply, `kind` among them; empty for intact.
        are_apart: there are fragments that do not touch.
    """

    structure_class: StructureClass
    reason: str = ""
    changes: frozenset[StructureClass] = frozenset()
    are_apart: bool = False

    def is_within(self, allowed: Collection[StructureClass]) -> bool:
        """Whether walkers may explore it: all that changed is allowed, and the fragments touch.

        Where fragments are apart, each place of one beside the other is a minimum of its own: in a search of
        Ac-Ala-NHMe at 3000 K where all was allowed, these were 91 of 114 minima.
        """
        return not self.are_apart and all(kind in allowed for kind in self.changes)


def classify_batch(topology: Topology, positions: Float[np.ndarray, "B N 3"]) -> list[Classification]:
    """What each structure is, compared with the given molecule.

    Bonds form at 1.2 and break at 1.45 times the sum of covalent radii; a hydrogen belongs to
    its (relatively) nearest heavy atom. Molecules without bonds, such as Lennard-Jones
    clusters, are always intact.

    Args:
        topology: of the given molecule.
        positions: Å.
    """
    positions = np.asarray(positions, dtype=float)
    if len(topology.bonds) == 0:
        return [Classification(StructureClass.INTACT)] * len(positions)
    size = max(1, MAX_ELEMENTS // len(topology.atomic_numbers) ** 2)
    return [
        row for start in range(0, len(positions), size) for row in _classify(topology, positions[start : start + size])
    ]


def _classify(topology: Topology, positions: np.ndarray) -> list[Classification]:
    finite = np.asarray(np.isfinite(positions).all(axis=(1, 2)))
    positions = np.where(finite[:, None, None], positions, 0.0)
    overlaps = _overlaps(topology, positions)
    bonded = perceive_bonds(topology.atomic_numbers, positions, topology.bonds)
    given = np.zeros(bonded.shape[1:], dtype=bool)
    given[tuple(topology.bonds.T)] = given[tuple(topology.bonds.T[::-1])] = True
    rebonded = np.asarray((bonded != given).any(axis=(1, 2)))
    stereo, amides = stereo_changes(topology, positions, bonded), amide_changes(topology, positions, bonded)
    rows = []
    for b in range(len(positions)):
        clash = overlaps[b] if finite[b] else "positions are not finite"
        if clash:
            rows.append(_summed([StructureChange(StructureClass.CLASHED, clash)]))  # nothing else means anything then
        elif rebonded[b]:
            fragments = fragments_of(topology, positions[b], bonded[b])
            bonds = bond_changes(topology, given, bonded[b], fragments)
            rows.append(_summed([*bonds, *stereo[b], *amides[b]])._replace(are_apart=fragments.are_apart))
        else:
            rows.append(_summed([*stereo[b], *amides[b]]))
    return rows


def _summed(changes: list[StructureChange]) -> Classification:
    kinds = frozenset(change.kind for change in changes) - {StructureClass.INTACT}
    kind = next((kind for kind in PRIORITY if kind in kinds), StructureClass.INTACT)
    texts = [change.text for change in changes]
    reason = "; ".join(texts[:3]) + (f"; {len(texts) - 3} more" if len(texts) > 3 else "")
    return Classification(kind, reason, kinds)


def _overlaps(topology: Topology, positions: np.ndarray) -> list[str]:
    ratio = relative_distances(topology.atomic_numbers, positions)
    diagonal = np.arange(ratio.shape[-1])
    ratio[:, diagonal, diagonal] = np.inf
    flat = ratio.reshape(len(ratio), -1)
    names = topology.atom_names
    pairs = [sorted(np.unravel_index(int(k), ratio.shape[1:])) for k in flat.argmin(axis=1)]
    return [
        f"{names[i]} and {names[j]} are on top of each other" if smallest < CLASH else ""
        for smallest, (i, j) in zip(flat.min(axis=1), pairs, strict=True)
    ]
