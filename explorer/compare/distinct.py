"""Which structures of an ensemble are distinct, whatever their bonds and the order of their atoms."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from explorer.compare.matching import match_bonds
from explorer.config import IdentitySettings
from explorer.records.molecule import Molecule
from explorer.similarity.dedup import deduplicate
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.stereo import parities
from explorer.similarity.symmetry import Symmetry, renumber, symmetry_of


@dataclass(frozen=True, eq=False)
class Distinct:
    """The outcome of `distinct_structures`.

    Attributes:
        representatives: of each distinct structure the lowest in energy, ascending, as indices, shape (n_distinct,).
        counts: how many structures each one stands for, shape (n_distinct,).
        labels: for each structure the index of its representative, shape (n,).
        by_energy: whether energies were compared too.
        n_graphs: different bond graphs.
        n_merging: structures whose mirror image counted as the same.
        remarks: what a person should know about the structures.
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
) -> Distinct:
    """Deduplicate structures that may have different bonds, stereocentres and orders of atoms.

    Structures with different bond graphs or other stereocentres are distinct; see `deduplicate` for the rest.

    Args:
        molecules: the structures.
        energies: eV; unless all are finite, geometry alone decides.
        settings: thresholds, and whether mirror images are merged.
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
        mended = renumber(symmetry, positions)
        changed = (mended != positions).any(axis=(1, 2))
        if group.is_reordered or _is_numbered_freely(symmetry, positions):
            positions = mended
            n_renumbered += int(changed.sum())
        else:
            n_exchanged += int(changed.sum())
        n_merging += merges * len(members)
        kinds = _stereoisomers(symmetry, mended, merges)
        labels[members] = members[deduplicate(symmetry, values[members], positions, kinds, settings)]
    representatives, counts = np.unique(labels, return_counts=True)
    order = np.argsort(values[representatives], kind="stable")
    n_without = 0 if by_energy else int(np.isfinite(energies).sum() and (~np.isfinite(energies)).sum())
    return Distinct(
        representatives[order],
        counts[order],
        labels,
        by_energy,
        len(groups),
        n_merging,
        _remarks(n_renumbered, n_exchanged, n_without),
    )


def _is_numbered_freely(symmetry: Symmetry, positions: Float[np.ndarray, "n N 3"]) -> bool:
    """Whether the H of a methyl are numbered in both senses, as when each structure was embedded by itself.

    Then the order of equal atoms means nothing in this ensemble. Where every methyl keeps its sense the structures
    are motions of one molecule, and two H of a CH2 that have changed places are a difference.
    """
    found = parities(symmetry.units, positions)[:, symmetry.homotopic]
    return bool((found != found[:1]).any())


def _remarks(n_renumbered: int, n_exchanged: int, n_without: int) -> tuple[str, ...]:
    texts = (
        (n_without, "structures state no energy, so that geometry alone decides for all."),
        (n_renumbered, "structures number equal atoms in another order than the first, as embedding does: renumbered."),
        (
            n_exchanged,
            "structures have equal atoms (the two H of a CH2, two methyls of an isopropyl) exchanged as no "
            "motion does: these count as different.",
        ),
    )
    return tuple(f"{n} {text}" for n, text in texts if n)


@dataclass
class _Group:
    """Structures with one bond graph, their atoms in the order of the first."""

    reference: Molecule
    members: list[int] = field(default_factory=list)
    positions: list[np.ndarray] = field(default_factory=list)
    is_reordered: bool = False


def _by_bonds(molecules: Sequence[Molecule]) -> list[_Group]:
    place: dict[tuple[bytes, bytes], tuple[_Group, np.ndarray | None]] = {}
    groups: list[_Group] = []
    for index, molecule in enumerate(molecules):
        key = (molecule.atomic_numbers.tobytes(), molecule.bonds.tobytes())
        if key not in place:
            place[key] = _find_group(groups, molecule)
        group, order = place[key]
        group.members.append(index)
        group.positions.append(molecule.positions if order is None else molecule.positions[order])
        group.is_reordered |= order is not None
    return groups


def _find_group(groups: list[_Group], molecule: Molecule) -> tuple[_Group, np.ndarray | None]:
    """The group with the same bond graph and the order of atoms in it; a new group where there is none."""
    for group in groups:
        if np.array_equal(np.sort(group.reference.atomic_numbers), np.sort(molecule.atomic_numbers)):
            order = match_bonds(group.reference, molecule.atomic_numbers, molecule.bonds)
            if order is not None:
                return group, order
    groups.append(_Group(molecule))
    return groups[-1], None


def _stereoisomers(symmetry: Symmetry, mended: Float[np.ndarray, "n N 3"], merges: bool) -> list[str]:
    """A name for the stereoisomer that each structure is, the same for mirror images where these are merged."""
    names = [row.tobytes().hex() for row in parities(symmetry.units, mended)]
    if not merges:
        return names
    mirrored = parities(symmetry.units, renumber(symmetry, -mended))
    return [min(name, row.tobytes().hex()) for name, row in zip(names, mirrored, strict=True)]
