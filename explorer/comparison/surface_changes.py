"""Fate of the conformers of one surface on another: stayed, moved or vanished, and conformers that appeared."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.comparison.overlap import ConformerEnsemble, compare_conformers
from explorer.config import IdentitySettings
from explorer.records.comparisons import SAME_CONFORMER
from explorer.records.structure_class import StructureClass
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.dedup import deduplicate
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry


class Fate(StrEnum):
    """Fate of a minimum when it is relaxed on another surface."""

    STAYED = "stayed"
    MOVED = "moved"  # a separate minimum with another geometry
    VANISHED = "vanished"  # relaxed to the same minimum as another conformer, which moved less
    LOST = "lost"  # did not relax to a conformer, or did not converge


class ConformerChange(NamedTuple):
    """Fate of one minimum of the first surface.

    Attributes:
        id: Id of the minimum in the first run.
        fate: What happened when it was relaxed on the second surface.
        rmsd: Heavy-atom RMSD between the minimum and its relaxed structure, Å.
        before: Energy above the lowest minimum of the first surface, eV.
        after: Energy above the lowest conformer of the second run, eV; negative if that run missed a lower one, NaN if
            the minimum is lost.
        into: Id in the first run of the conformer to whose minimum it relaxed, if it vanished.
        found: Id of the same minimum in the second run; None if that run has not found it.
    """

    id: int
    fate: Fate
    rmsd: float
    before: float
    after: float
    into: int | None
    found: int | None


class SurfaceChanges(NamedTuple):
    """Changes between the landscapes of two surfaces.

    Attributes:
        changes: Fate of each minimum of the first run.
        appeared: Ids of minima of the second run that no minimum of the first relaxes to.
        appeared_energies: Energies of these, eV, as `ConformerChange.after`.
        lowest_change: Lowest energy of the second run minus the lowest energy to which the minima of the first relax,
            eV.
    """

    changes: tuple[ConformerChange, ...]
    appeared: tuple[int, ...]
    appeared_energies: tuple[float, ...]
    lowest_change: float

    def count(self, fate: Fate) -> int:
        """Return the number of minima with a fate."""
        return sum(change.fate == fate for change in self.changes)


@dataclass(frozen=True, eq=False)
class RelaxedStructures:
    """Structures relaxed on the second surface.

    Attributes:
        ids: Ids of the minima in their run, shape (n,).
        starts: Positions before relaxation, Å, shape (n, N, 3).
        energies: eV, shape (n,).
        positions: Positions after relaxation, Å, shape (n, N, 3).
        structure_classes: Class of each relaxed structure.
        converged: Whether each relaxation converged, shape (n,).
    """

    ids: Int[np.ndarray, "n"]
    starts: Float[np.ndarray, "n N 3"]
    energies: Float[np.ndarray, "n"]
    positions: Float[np.ndarray, "n N 3"]
    structure_classes: Sequence[StructureClass]
    converged: Bool[np.ndarray, "n"]

    def __getitem__(self, part: slice) -> "RelaxedStructures":
        """Return a slice of the structures."""
        return RelaxedStructures(
            self.ids[part],
            self.starts[part],
            self.energies[part],
            self.positions[part],
            self.structure_classes[part],
            self.converged[part],
        )


def surface_changes(
    symmetry: Symmetry,
    settings: IdentitySettings,
    energies: Float[np.ndarray, "n"],
    old: RelaxedStructures,
    new: RelaxedStructures,
) -> SurfaceChanges:
    """Determine the fate of every minimum of the first surface, and find minima that appeared on the second.

    Several minima of the first surface can relax to the same minimum of the second. The one whose heavy atoms move
    least keeps it, and the others vanish. The one that keeps it has stayed if it moved by less than 0.25 Å; otherwise
    it has moved.

    Args:
        symmetry: Symmetry of the molecule.
        settings: Identity thresholds.
        energies: Energies of the minima of the first run on their own surface, eV.
        old: These minima, relaxed on the second surface.
        new: Minima of the second run, relaxed on the second surface.
    """
    mirror = merges_mirror_images(symmetry, settings)
    moved = np.array([heavy_rmsd(symmetry, a, b, mirror) for a, b in zip(old.starts, old.positions, strict=True)])
    basins = _basins(symmetry, settings, old)
    keepers = _keepers(basins, moved)
    ends = _ensemble("before", old, np.flatnonzero(basins == np.arange(len(basins))))
    run = _ensemble("after", new, _usable(new))
    nearest = compare_conformers(symmetry, settings, ends, run).nearest
    counterparts = {int(ends.ids[index]): int(run.ids[k]) for k, index in enumerate(nearest) if index >= 0}
    lowest = min([*run.energies] or [*ends.energies], default=0.0)
    changes = []
    for k, basin in enumerate(basins.tolist()):
        keeper = keepers.get(basin)
        fate = _fate(k, keeper, moved[k])
        into = int(old.ids[keeper]) if keeper is not None and fate == Fate.VANISHED else None
        changes.append(
            ConformerChange(
                id=int(old.ids[k]),
                fate=fate,
                rmsd=float(moved[k]),
                before=float(energies[k] - energies.min()),
                after=float(old.energies[k] - lowest) if keeper is not None else np.nan,
                into=into,
                found=counterparts.get(int(old.ids[basin])) if keeper is not None else None,
            )
        )
    appeared = nearest < 0
    return SurfaceChanges(
        changes=tuple(changes),
        appeared=tuple(run.ids[appeared].tolist()),
        appeared_energies=tuple((run.energies[appeared] - lowest).tolist()),
        lowest_change=float(lowest - min([*ends.energies], default=lowest)),
    )


def _fate(k: int, keeper: int | None, rmsd: float) -> Fate:
    if keeper is None:
        return Fate.LOST
    if keeper != k:
        return Fate.VANISHED
    return Fate.STAYED if rmsd < SAME_CONFORMER else Fate.MOVED


def _usable(relaxed: RelaxedStructures) -> Int[np.ndarray, "m"]:
    return np.flatnonzero(
        np.array([one.is_conformer for one in relaxed.structure_classes], dtype=bool) & relaxed.converged
    )


def _basins(symmetry: Symmetry, settings: IdentitySettings, relaxed: RelaxedStructures) -> Int[np.ndarray, "n"]:
    """Return the index of a structure that relaxed to the same minimum, for each structure; -1 if not a minimum."""
    usable = _usable(relaxed)
    classes = [relaxed.structure_classes[int(k)] for k in usable]
    labels = deduplicate(symmetry, relaxed.energies[usable], relaxed.positions[usable], classes, settings)
    basins = np.full(len(relaxed.ids), -1)
    basins[usable] = usable[labels]
    return basins


def _keepers(basins: Int[np.ndarray, "n"], moved: Float[np.ndarray, "n"]) -> dict[int, int]:
    """Return the index of the structure that moved least, for each minimum of the second surface."""
    members = {basin: np.flatnonzero(basins == basin) for basin in np.unique(basins).tolist() if basin >= 0}
    return {basin: int(some[np.argmin(moved[some])]) for basin, some in members.items()}


def _ensemble(name: str, relaxed: RelaxedStructures, chosen: Int[np.ndarray, "m"]) -> ConformerEnsemble:
    return ConformerEnsemble(
        name=name,
        ids=relaxed.ids[chosen],
        energies=relaxed.energies[chosen],
        positions=relaxed.positions[chosen],
        classes=tuple(relaxed.structure_classes[int(k)] for k in chosen),
        n_given=len(relaxed.ids),
        n_other=0,
        n_failed=0,
    )
