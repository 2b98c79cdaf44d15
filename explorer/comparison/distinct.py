"""Distinct structures of an ensemble with arbitrary bonds and atom orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from explorer.comparison.matching import match_bonds
from explorer.config import IdentitySettings
from explorer.records.molecule import Molecule
from explorer.similarity.dedup import deduplicate
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.stereo import parities
from explorer.similarity.symmetry import Symmetry, renumber, symmetry_of


@dataclass(frozen=True, eq=False, kw_only=True)
class DistinctStructures:
    """Result of `distinct_structures`.

    Attributes:
        representatives: Index of the lowest-energy copy of each distinct structure, in order of ascending energy,
            shape (n_distinct,).
        counts: Number of structures that each representative stands for, shape (n_distinct,).
        labels: Index of the representative of each structure, shape (n,).
        by_energy: Whether energies were compared in addition to geometries.
        n_graphs: Number of different bond graphs.
        n_merging: Number of structures whose mirror image counts as the same structure.
        remarks: Notes for the user about energies and atom numbering.
    """

    representatives: Int[np.ndarray, "n_distinct"]
    counts: Int[np.ndarray, "n_distinct"]
    labels: Int[np.ndarray, "n"]
    by_energy: bool
    n_graphs: int
    n_merging: int
    remarks: tuple[str, ...]


def distinct_structures(
    molecules: Sequence[Molecule], energies: Float[np.ndarray, "n"], settings: IdentitySettings
) -> DistinctStructures:
    """Deduplicate structures that may have different bonds, stereocentres and atom orders.

    Structures with different bond graphs or stereocentres are distinct. All others are compared by `deduplicate`.

    Args:
        molecules: Structures to compare.
        energies: eV, NaN if unknown. Only geometries are compared unless all energies are finite.
        settings: Identity thresholds, and whether mirror images are merged.
    """
    by_energy = bool(np.isfinite(energies).all())
    values = np.asarray(energies, dtype=float) if by_energy else np.zeros(len(molecules))
    labels = np.arange(len(molecules))
    n_renumbered = n_exchanged = n_merging = 0
    groups = _by_bonds(molecules)
    for group in groups:
        members, symmetry = np.array(group.members), symmetry_of(group.reference)
        merges = merges_mirror_images(symmetry, settings)
        positions = np.array(group.positions, dtype=float)
        corrected = renumber(symmetry, positions)
        changed = (corrected != positions).any(axis=(1, 2))
        if group.is_reordered or _has_arbitrary_numbering(symmetry, positions):
            positions = corrected
            n_renumbered += int(changed.sum())
        else:
            n_exchanged += int(changed.sum())
        n_merging += merges * len(members)
        isomers = _stereoisomers(symmetry, corrected, merges)
        labels[members] = members[deduplicate(symmetry, values[members], positions, isomers, settings)]
    representatives, counts = np.unique(labels, return_counts=True)
    order = np.argsort(values[representatives], kind="stable")
    n_without = 0 if by_energy else int(np.isfinite(energies).sum() and (~np.isfinite(energies)).sum())
    return DistinctStructures(
        representatives=representatives[order],
        counts=counts[order],
        labels=labels,
        by_energy=by_energy,
        n_graphs=len(groups),
        n_merging=n_merging,
        remarks=_remarks(n_renumbered, n_exchanged, n_without),
    )


def _has_arbitrary_numbering(symmetry: Symmetry, positions: Float[np.ndarray, "n N 3"]) -> bool:
    """Return whether the H of a methyl are numbered in both senses, as in independently embedded structures.

    The order of equal atoms then has no meaning in this ensemble. If every methyl keeps its parity, the structures are
    related by motions of one molecule, and exchanged H of a CH2 are a difference.
    """
    of_methyls = parities(symmetry.stereo_elements, positions)[:, symmetry.homotopic]
    return bool((of_methyls != of_methyls[:1]).any())


def _remarks(n_renumbered: int, n_exchanged: int, n_without: int) -> tuple[str, ...]:
    texts = (
        (n_without, "structures have no energy, so only geometries are compared."),
        (n_renumbered, "structures number equal atoms in another order than the first; they were renumbered."),
        (
            n_exchanged,
            "structures have equal atoms exchanged that no motion exchanges (two H of a CH2, two methyls of an "
            "isopropyl); they count as different.",
        ),
    )
    return tuple(f"{n} {text}" for n, text in texts if n)


@dataclass
class _Group:
    """Structures with one bond graph, in the atom order of the first."""

    reference: Molecule
    members: list[int] = field(default_factory=list)
    positions: list[np.ndarray] = field(default_factory=list)
    is_reordered: bool = False


def _by_bonds(molecules: Sequence[Molecule]) -> list[_Group]:
    group_of: dict[tuple[bytes, bytes], tuple[_Group, np.ndarray | None]] = {}
    groups: list[_Group] = []
    for index, molecule in enumerate(molecules):
        key = (molecule.atomic_numbers.tobytes(), molecule.bonds.tobytes())
        if key not in group_of:
            group_of[key] = _find_group(groups, molecule)
        group, order = group_of[key]
        group.members.append(index)
        group.positions.append(molecule.positions if order is None else molecule.positions[order])
        group.is_reordered |= order is not None
    return groups


def _find_group(groups: list[_Group], molecule: Molecule) -> tuple[_Group, np.ndarray | None]:
    """Return the group with the same bond graph, a new one if there is none, and the atom order in the group."""
    for group in groups:
        if np.array_equal(np.sort(group.reference.atomic_numbers), np.sort(molecule.atomic_numbers)):
            order = match_bonds(group.reference, molecule.atomic_numbers, molecule.bonds)
            if order is not None:
                return group, order
    groups.append(_Group(molecule))
    return groups[-1], None


def _stereoisomers(symmetry: Symmetry, corrected: Float[np.ndarray, "n N 3"], merges: bool) -> list[str]:
    """Return a name for the stereoisomer of each structure, equal for mirror images if these are merged."""
    names = [row.tobytes().hex() for row in parities(symmetry.stereo_elements, corrected)]
    if not merges:
        return names
    mirrored = parities(symmetry.stereo_elements, renumber(symmetry, -corrected))
    return [min(name, row.tobytes().hex()) for name, row in zip(names, mirrored, strict=True)]
