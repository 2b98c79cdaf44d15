"""Classification of structures by their differences from the input molecule.

A structure can have several differences. Its class is the first that applies in this order: clashed, fragmented,
bond-broken, proton-transferred, stereo-inverted, cis-amide, trans-amide, intact. Ring puckers and chair flips change
neither bonds nor chirality, so they are conformers. Proline is intact with a cis as with a trans amide bond.
"""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import Topology, perceive_bonds, relative_distances
from explorer.topology.changes import StructureChange, amide_changes, bond_changes, stereo_changes
from explorer.topology.fragments import fragments_of, fragments_of_cluster

_CLASH_RATIO = 0.65  # of the sum of covalent radii; the shortest bonds have 0.75
_MAX_DISTANCES = 2_000_000  # elements of a distance array (16 MB); larger batches are split to limit memory
_PRIORITY = (
    StructureClass.CLASHED,
    StructureClass.FRAGMENTED,
    StructureClass.BOND_BROKEN,
    StructureClass.PROTON_TRANSFERRED,
    StructureClass.STEREO_INVERTED,
    StructureClass.CIS_AMIDE,
    StructureClass.TRANS_AMIDE,
)


class Classification(NamedTuple):
    """Structure class of one structure, with its reason.

    Attributes:
        structure_class: First class that applies, in order of priority.
        reason: Differences from the input with atom names. Intact structures can have remarks
            (a twisted amide, a cis proline).
        changes: All classes that apply, including `structure_class`; empty for intact.
        are_apart: Whether the structure has fragments that are not in contact.
    """

    structure_class: StructureClass
    reason: str = ""
    changes: frozenset[StructureClass] = frozenset()
    are_apart: bool = False

    def is_within(self, allowed: Collection[StructureClass]) -> bool:
        """Return whether walkers may explore the structure.

        All its changes must be allowed, and its fragments must be in contact. Separated fragments have a minimum
        for every relative position: they were 91 of 114 minima in a search of Ac-Ala-NHMe at 3000 K in which all
        classes were allowed.

        Args:
            allowed: Classes that walkers may explore.
        """
        return not self.are_apart and all(change in allowed for change in self.changes)


def classify_batch(topology: Topology, positions: Float[np.ndarray, "B N 3"]) -> list[Classification]:
    """Classify structures by comparison with the input molecule.

    Bonds are perceived by `perceive_bonds`. A system without bonds, such as a Lennard-Jones cluster, is intact as
    long as its atoms are together.

    Args:
        topology: Topology of the input molecule.
        positions: Positions, Å.
    """
    positions = np.asarray(positions, dtype=float)
    if len(topology.bonds) == 0:
        return [_of_cluster(topology, structure) for structure in positions]
    size = max(1, _MAX_DISTANCES // len(topology.atomic_numbers) ** 2)
    return [
        classification
        for start in range(0, len(positions), size)
        for classification in _classify(topology, positions[start : start + size])
    ]


def _of_cluster(topology: Topology, positions: np.ndarray) -> Classification:
    if not np.isfinite(positions).all():
        return Classification(StructureClass.INTACT)
    fragments = fragments_of_cluster(topology, positions)
    changes = [] if fragments.count == 1 else [StructureChange(StructureClass.FRAGMENTED, fragments.text)]
    return _summary(changes)._replace(are_apart=fragments.are_apart)


def _classify(topology: Topology, positions: np.ndarray) -> list[Classification]:
    finite = np.asarray(np.isfinite(positions).all(axis=(1, 2)))
    positions = np.where(finite[:, None, None], positions, 0.0)
    overlaps = _overlaps(topology, positions)
    bonded = perceive_bonds(topology.atomic_numbers, positions, topology.bonds)
    reference = np.zeros(bonded.shape[1:], dtype=bool)
    reference[tuple(topology.bonds.T)] = reference[tuple(topology.bonds.T[::-1])] = True
    rebonded = np.asarray((bonded != reference).any(axis=(1, 2)))
    stereo, amides = stereo_changes(topology, positions, bonded), amide_changes(topology, positions, bonded)
    classifications = []
    for b in range(len(positions)):
        clash = overlaps[b] if finite[b] else "positions are not finite"
        if clash:
            # other differences have no meaning in a clashed structure
            classifications.append(_summary([StructureChange(StructureClass.CLASHED, clash)]))
        elif rebonded[b]:
            fragments = fragments_of(topology, positions[b], bonded[b])
            bonds = bond_changes(topology, reference, bonded[b], fragments)
            summary = _summary([*bonds, *stereo[b], *amides[b]])
            classifications.append(summary._replace(are_apart=fragments.are_apart))
        else:
            classifications.append(_summary([*stereo[b], *amides[b]]))
    return classifications


def _summary(changes: list[StructureChange]) -> Classification:
    classes = frozenset(change.structure_class for change in changes) - {StructureClass.INTACT}
    structure_class = next((one for one in _PRIORITY if one in classes), StructureClass.INTACT)
    texts = [change.text for change in changes]
    reason = "; ".join(texts[:3]) + (f"; {len(texts) - 3} more" if len(texts) > 3 else "")
    return Classification(structure_class, reason, classes)


def _overlaps(topology: Topology, positions: np.ndarray) -> list[str]:
    ratio = relative_distances(topology.atomic_numbers, positions)
    diagonal = np.arange(ratio.shape[-1])
    ratio[:, diagonal, diagonal] = np.inf
    flat = ratio.reshape(len(ratio), -1)
    names = topology.atom_names
    pairs = [sorted(np.unravel_index(int(k), ratio.shape[1:])) for k in flat.argmin(axis=1)]
    return [
        f"{names[i]} and {names[j]} are on top of each other" if smallest < _CLASH_RATIO else ""
        for smallest, (i, j) in zip(flat.min(axis=1), pairs, strict=True)
    ]
