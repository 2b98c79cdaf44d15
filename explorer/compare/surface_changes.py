"""What became of the conformers of one surface on another one: stayed, moved, vanished; and what appeared there."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.compare.overlap import ConformerEnsemble, compare_conformers
from explorer.config import IdentitySettings
from explorer.records.comparisons import SAME_CONFORMER
from explorer.records.structure_class import StructureClass
from explorer.similarity.alignment import heavy_rmsd
from explorer.similarity.dedup import deduplicate
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry


class Fate(StrEnum):
    """What became of a minimum when it was relaxed on another surface."""

    STAYED = "stayed"
    MOVED = "moved"  # a minimum of its own, but elsewhere
    VANISHED = "vanished"  # it fell into the minimum of another one, which is nearer
    LOST = "lost"  # no conformer any more, or no minimum


class ConformerChange(NamedTuple):
    """One minimum of the surface before."""

    id: int
    fate: Fate
    rmsd: float  # Å, heavy atoms, from where it was to where it fell
    before: float  # eV above the lowest of the surface before
    after: float  # eV above the lowest conformer of the run after: negative where that run missed a lower one
    into: int | None  # of the surface before, whose minimum it fell into
    found: int | None  # of the run after, the same minimum; None where that run has not found it


class SurfaceChanges(NamedTuple):
    """Of a landscape."""

    changes: tuple[ConformerChange, ...]
    appeared: tuple[int, ...]  # minima of the run after that none of before leads to
    appeared_energies: tuple[float, ...]  # eV, as `Change.after`
    lowest_change: float  # eV, lowest conformer of the run after against the lowest that those of before lead to

    def count(self, fate: Fate) -> int:
        """How many minima had this fate."""
        return sum(change.fate == fate for change in self.changes)


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Structures relaxed on the surface after."""

    ids: Int[np.ndarray, "n"]
    starts: Float[np.ndarray, "n N 3"]  # Å, before they were relaxed
    energies: Float[np.ndarray, "n"]  # eV
    positions: Float[np.ndarray, "n N 3"]  # Å
    kinds: Sequence[StructureClass]
    converged: Bool[np.ndarray, "n"]

    def __getitem__(self, part: slice) -> "Relaxed":
        """Some of them."""
        return Relaxed(
            self.ids[part],
            self.starts[part],
            self.energies[part],
            self.positions[part],
            self.kinds[part],
            self.converged[part],
        )


def surface_changes(
    symmetry: Symmetry, settings: IdentitySettings, energies: Float[np.ndarray, "n"], old: Relaxed, new: Relaxed
) -> SurfaceChanges:
    """Name the fate of every minimum of before, and find what appeared.

    Minima of before that end in one minimum compete for it: the one whose heavy atoms moved least keeps it, the others
    vanished into it. The keeper stayed where it moved by less than 0.25 Å, otherwise it moved.

    Args:
        symmetry: of the molecule.
        settings: when two structures are the same minimum.
        energies: of the minima of before on their own surface, eV.
        old: these minima on the surface after.
        new: the minima of the run on the surface after.
    """
    mirror = merges_mirror_images(symmetry, settings)
    moved = np.array([heavy_rmsd(symmetry, a, b, mirror) for a, b in zip(old.starts, old.positions, strict=True)])
    basins = _basins(symmetry, settings, old)
    keepers = _keepers(basins, moved)
    ends = _ensemble("before", old, np.flatnonzero(basins == np.arange(len(basins))))
    run = _ensemble("after", new, _usable(new))
    nearest = compare_conformers(symmetry, settings, ends, run).nearest
    found = {int(ends.ids[place]): int(run.ids[k]) for k, place in enumerate(nearest) if place >= 0}
    lowest = min([*run.energies] or [*ends.energies], default=0.0)
    changes = []
    for k, basin in enumerate(basins.tolist()):
        keeper = keepers.get(basin)
        fate = _fate(k, keeper, moved[k])
        into = int(old.ids[keeper]) if keeper is not None and fate == Fate.VANISHED else None
        after = float(old.energies[k] - lowest) if keeper is not None else np.nan
        same = found.get(int(old.ids[basin])) if keeper is not None else None
        before = float(energies[k] - energies.min())
        changes.append(ConformerChange(int(old.ids[k]), fate, float(moved[k]), before, after, into, same))
    appeared = nearest < 0
    new_energies = tuple((run.energies[appeared] - lowest).tolist())
    lowest_change = float(lowest - min([*ends.energies], default=lowest))
    return SurfaceChanges(tuple(changes), tuple(run.ids[appeared].tolist()), new_energies, lowest_change)


def _fate(k: int, keeper: int | None, rmsd: float) -> Fate:
    if keeper is None:
        return Fate.LOST
    if keeper != k:
        return Fate.VANISHED
    return Fate.STAYED if rmsd < SAME_CONFORMER else Fate.MOVED


def _usable(relaxed: Relaxed) -> Int[np.ndarray, "m"]:
    return np.flatnonzero(np.array([kind.is_conformer for kind in relaxed.kinds], dtype=bool) & relaxed.converged)


def _basins(symmetry: Symmetry, settings: IdentitySettings, relaxed: Relaxed) -> Int[np.ndarray, "n"]:
    """For each structure the index of one that ended in the same minimum, -1 where it ended in none."""
    usable = _usable(relaxed)
    kinds = [relaxed.kinds[int(k)] for k in usable]
    labels = deduplicate(symmetry, relaxed.energies[usable], relaxed.positions[usable], kinds, settings)
    basins = np.full(len(relaxed.ids), -1)
    basins[usable] = usable[labels]
    return basins


def _keepers(basins: Int[np.ndarray, "n"], moved: Float[np.ndarray, "n"]) -> dict[int, int]:
    """For each minimum the structure that moved least on the way to it."""
    members = {basin: np.flatnonzero(basins == basin) for basin in np.unique(basins).tolist() if basin >= 0}
    return {basin: int(some[np.argmin(moved[some])]) for basin, some in members.items()}


def _ensemble(name: str, relaxed: Relaxed, chosen: Int[np.ndarray, "m"]) -> ConformerEnsemble:
    kinds = tuple(relaxed.kinds[int(k)] for k in chosen)
    return ConformerEnsemble(
        name, relaxed.ids[chosen], relaxed.energies[chosen], relaxed.positions[chosen], kinds, len(relaxed.ids), 0, 0
    )
