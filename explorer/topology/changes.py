"""What is different in a structure from the molecule that was given, difference by difference."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import Topology, double_bond_signs
from explorer.topology.chirality import chiral_signs
from explorer.topology.fragments import Fragments
from explorer.topology.protons import describe_transfers, moved_hydrogens
from explorer.topology.torsions import CIS_SIDE, amide_kind, dihedrals


class StructureChange(NamedTuple):
    """One difference; a remark about a structure that is intact has the class intact."""

    kind: StructureClass
    text: str


def bond_changes(
    topology: Topology, given: Bool[np.ndarray, "N N"], found: Bool[np.ndarray, "N N"], fragments: Fragments
) -> list[StructureChange]:
    """How the bond graph changed: fragments, bonds that broke or formed, hydrogens that moved.

    Args:
        topology: of the given molecule.
        given: its bond matrix.
        found: that of the structure.
        fragments: its pieces; a bond between them is part of the fragmentation.
    """
    names = topology.atom_names
    moved = moved_hydrogens(topology, given, found)
    pairs = np.argwhere(np.triu(given != found))
    pairs = pairs[~np.isin(pairs, moved[:, 0]).any(axis=1)]
    kind = StructureClass.FRAGMENTED if fragments.count > 1 else StructureClass.BOND_BROKEN
    changes = [StructureChange(kind, fragments.text)] if fragments.count > 1 else []
    changes += [
        StructureChange(kind, f"bond {names[i]}-{names[j]} {'formed' if found[i, j] else 'broken'}") for i, j in pairs
    ]
    return changes + [
        StructureChange(StructureClass.PROTON_TRANSFERRED, text) for text in describe_transfers(topology, moved)
    ]


def stereo_changes(
    topology: Topology, positions: Float[np.ndarray, "B N 3"], bonded: Bool[np.ndarray, "B N N"]
) -> list[list[StructureChange]]:
    """Stereocentres, ring substituents and double bonds that changed sides.

    Only where all bonds of the stereocentre are still there: otherwise it is no longer one.
    """
    names = topology.atom_names
    centres, pairs, double = topology.chiral_centres, topology.ring_pairs, topology.double_bonds
    signs, ring_signs = chiral_signs(positions, centres), chiral_signs(positions, pairs).prod(axis=-1)
    whole = _all_bonded(bonded, centres[:, :1], centres[:, 1:])
    whole_pairs = _all_bonded(bonded, pairs[..., :1], pairs[..., 1:]).all(axis=-1)
    whole_double = _all_bonded(bonded, double[:, :-1], double[:, 1:])
    inverted = (signs != topology.chiral_signs) & (topology.chiral_signs != 0) & whole
    swapped = (ring_signs != topology.ring_signs) & (topology.ring_signs != 0) & whole_pairs
    flipped = (double_bond_signs(positions, double) != topology.double_bond_signs) & whole_double
    changes: list[list[StructureChange]] = [[] for _ in positions]
    for b, k in np.argwhere(inverted):
        text = f"{names[centres[k, 0]]} {'inverted' if signs[b, k] else 'flattened'}"
        changes[b].append(StructureChange(StructureClass.STEREO_INVERTED, text))
    for b, k in np.argwhere(swapped):
        text = f"{names[pairs[k, 0, 0]]} and {names[pairs[k, 1, 0]]} exchanged cis and trans"
        changes[b].append(StructureChange(StructureClass.STEREO_INVERTED, text))
    for b, k in np.argwhere(flipped):
        changes[b].append(
            StructureChange(StructureClass.STEREO_INVERTED, f"{names[double[k, 1]]}={names[double[k, 2]]} flipped")
        )
    return changes


def amide_changes(
    topology: Topology, positions: Float[np.ndarray, "B N 3"], bonded: Bool[np.ndarray, "B N N"]
) -> list[list[StructureChange]]:
    """Amides that are not trans.

    A secondary amide on the cis side (omega below 90 degrees) makes the class cis-amide. Twisted amides
    (30 to 150 degrees) are named as such on either side. At a tertiary nitrogen, such as proline's, cis
    and trans differ little in energy and both are ordinary conformers: a remark, not a class.
    """
    omegas = dihedrals(positions, topology.amides)
    whole = _all_bonded(bonded, topology.amides[:, :-1], topology.amides[:, 1:])
    changes: list[list[StructureChange]] = [[] for _ in positions]
    for b, k in np.argwhere(whole):
        omega = float(omegas[b, k])
        kind = amide_kind(omega)
        if kind == "trans":
            continue
        secondary = bool(topology.secondary_amides[k])
        is_cis = secondary and abs(omega) < CIS_SIDE
        bond = "-".join(topology.atom_names[i] for i in topology.amides[k, 1:3])
        note = f"{round(omega)} deg" if secondary else f"{round(omega)} deg, tertiary"
        text = f"{bond} {kind} ({note})"
        changes[b].append(StructureChange(StructureClass.CIS_AMIDE if is_cis else StructureClass.INTACT, text))
    return changes


def _all_bonded(
    bonded: Bool[np.ndarray, "B N N"], first: Int[np.ndarray, "..."], second: Int[np.ndarray, "..."]
) -> Bool[np.ndarray, "B ..."]:
    """Whether the bonds between `first` and `second` all exist, along their last axis."""
    return np.asarray(bonded[:, first, second].all(axis=-1))
