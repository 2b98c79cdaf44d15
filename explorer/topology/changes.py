"""Differences between a structure and the input molecule, with their structure class and a text."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import Topology, double_bond_signs
from explorer.topology.chirality import chiral_signs
from explorer.topology.fragments import Fragments
from explorer.topology.protons import describe_transfers, moved_hydrogens
from explorer.topology.torsions import CIS_SIDE, amide_conformation, dihedrals


class StructureChange(NamedTuple):
    """One difference from the input molecule.

    Attributes:
        structure_class: Class of a structure with this difference; intact if the difference is only a remark.
        text: Description with atom names.
    """

    structure_class: StructureClass
    text: str


def bond_changes(
    topology: Topology, reference: Bool[np.ndarray, "N N"], bonded: Bool[np.ndarray, "N N"], fragments: Fragments
) -> list[StructureChange]:
    """List the changes of the bond graph: fragments, broken and formed bonds, transferred hydrogens.

    Args:
        topology: Topology of the input molecule.
        reference: Bond matrix of the input molecule.
        bonded: Bond matrix of the structure.
        fragments: Fragments of the structure. If there are several, all changed bonds count as fragmentation.
    """
    names = topology.atom_names
    moved = moved_hydrogens(topology, reference, bonded)
    pairs = np.argwhere(np.triu(reference != bonded))
    pairs = pairs[~np.isin(pairs, moved[:, 0]).any(axis=1)]
    structure_class = StructureClass.FRAGMENTED if fragments.count > 1 else StructureClass.BOND_BROKEN
    changes = [StructureChange(structure_class, fragments.text)] if fragments.count > 1 else []
    changes += [
        StructureChange(structure_class, f"bond {names[i]}-{names[j]} {'formed' if bonded[i, j] else 'broken'}")
        for i, j in pairs
    ]
    return changes + [
        StructureChange(StructureClass.PROTON_TRANSFERRED, text) for text in describe_transfers(topology, moved)
    ]


def stereo_changes(
    topology: Topology, positions: Float[np.ndarray, "B N 3"], bonded: Bool[np.ndarray, "B N N"]
) -> list[list[StructureChange]]:
    """List inverted stereocentres, cis/trans changes at rings and flipped double bonds, for each structure.

    A stereo element is compared only if all its bonds are intact.

    Args:
        topology: Topology of the input molecule.
        positions: Positions, Å.
        bonded: Bond matrices of the structures.
    """
    names = topology.atom_names
    centres, pairs, double = topology.chiral_centres, topology.ring_pairs, topology.double_bonds
    signs, ring_signs = chiral_signs(positions, centres), chiral_signs(positions, pairs).prod(axis=-1)
    intact = _all_bonded(bonded, centres[:, :1], centres[:, 1:])
    pairs_intact = _all_bonded(bonded, pairs[..., :1], pairs[..., 1:]).all(axis=-1)
    double_intact = _all_bonded(bonded, double[:, :-1], double[:, 1:])
    inverted = (signs != topology.chiral_signs) & (topology.chiral_signs != 0) & intact
    swapped = (ring_signs != topology.ring_signs) & (topology.ring_signs != 0) & pairs_intact
    flipped = (double_bond_signs(positions, double) != topology.double_bond_signs) & double_intact
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
    """List amides that are twisted or on the other side than in the input, for each structure.

    An amide with |omega| below 90 degrees is on the cis side. A secondary amide on the cis side that is trans in the
    input has the class cis-amide; one on the trans side that is cis in the input has the class trans-amide. At a
    tertiary nitrogen, such as in proline, cis and trans differ little in energy and both are ordinary conformers.
    There, a cis amide is a remark of class intact. So is a twisted amide, with |omega| between 30 and 150 degrees, and
    a cis amide of the input.

    Args:
        topology: Topology of the input molecule.
        positions: Positions, Å.
        bonded: Bond matrices of the structures.
    """
    omegas = dihedrals(positions, topology.amides)
    intact = _all_bonded(bonded, topology.amides[:, :-1], topology.amides[:, 1:])
    changes: list[list[StructureChange]] = [[] for _ in positions]
    for b, k in np.argwhere(intact):
        omega = float(omegas[b, k])
        conformation = amide_conformation(omega)
        secondary, was_cis = bool(topology.secondary_amides[k]), bool(topology.cis_amides[k])
        is_cis = abs(omega) < CIS_SIDE
        is_flipped = secondary and is_cis != was_cis
        if conformation == "trans" and not is_flipped:
            continue
        bond = "-".join(topology.atom_names[i] for i in topology.amides[k, 1:3])
        notes = [f"{round(omega)} deg"] + ["tertiary"] * (not secondary)
        notes += ["cis in the input"] * (is_flipped and was_cis)
        text = f"{bond} {conformation} ({', '.join(notes)})"
        flipped = StructureClass.CIS_AMIDE if is_cis else StructureClass.TRANS_AMIDE
        changes[b].append(StructureChange(flipped if is_flipped else StructureClass.INTACT, text))
    return changes


def _all_bonded(
    bonded: Bool[np.ndarray, "B N N"], first: Int[np.ndarray, "..."], second: Int[np.ndarray, "..."]
) -> Bool[np.ndarray, "B ..."]:
    """Return whether all bonds between `first` and `second` exist, along the last axis."""
    return np.asarray(bonded[:, first, second].all(axis=-1))
