"""Overlap of two conformer ensembles of one molecule: recall, precision and unique conformers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.config import IdentitySettings
from explorer.records.structure_class import StructureClass
from explorer.similarity.dedup import deduplicate
from explorer.similarity.identity import identity_distances
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry


@dataclass(frozen=True, eq=False, kw_only=True)
class ConformerEnsemble:
    """Distinct conformers, relaxed on a common surface, in order of ascending energy.

    Attributes:
        name: Origin of the ensemble.
        ids: Ids of the minima of a run, or indices of the structures of a file from 0, shape (n,).
        energies: eV, shape (n,).
        positions: Å, shape (n, N, 3).
        classes: Class of each structure.
        n_given: Number of structures before relaxation.
        n_other: Number of these with other bonds or stereocentres.
        n_failed: Number of these that did not relax to a conformer.
        n_unknown: Number of those that relaxed to where the model does not know the surface.
    """

    name: str
    ids: Int[np.ndarray, "n"]
    energies: Float[np.ndarray, "n"]
    positions: Float[np.ndarray, "n N 3"]
    classes: tuple[StructureClass, ...]
    n_given: int
    n_other: int
    n_failed: int
    n_unknown: int = 0

    @property
    def n_as_given(self) -> int:
        """Number of conformers whose secondary amides are cis or trans as in the input of the run."""
        return self.classes.count(StructureClass.INTACT)


@dataclass(frozen=True)
class Overlap:
    """Numbers of conformers in an energy window.

    Attributes:
        window: Width of the window above the lowest conformer of both ensembles, eV; None for all conformers.
        n_a: Conformers of A in the window.
        n_b: Conformers of B in the window.
        n_a_in_b: Conformers of A that B also contains.
        n_b_in_a: Conformers of B that A also contains.
        as_given: Whether only conformers with the amides of the input are counted.
    """

    window: float | None
    n_a: int
    n_b: int
    n_a_in_b: int
    n_b_in_a: int
    as_given: bool = False

    @property
    def recall(self) -> float | None:
        """Fraction of B that A contains; None if B is empty in the window."""
        return self.n_b_in_a / self.n_b if self.n_b else None

    @property
    def precision(self) -> float | None:
        """Fraction of A that B contains; None if A is empty in the window."""
        return self.n_a_in_b / self.n_a if self.n_a else None


@dataclass(frozen=True, eq=False)
class EnsembleComparison:
    """Result of `compare_conformers`.

    Attributes:
        a: Ensemble A.
        b: Ensemble B.
        in_b: Whether B contains each conformer of A, shape (n_a,).
        nearest: Index in A of each conformer of B, -1 if A does not contain it, shape (n_b,).
        overlaps: Counts for all conformers, and within a window. If an amide of some is flipped, the same follows for
            those with the amides of the input.
        remarks: What was left out of an ensemble or not understood.
    """

    a: ConformerEnsemble
    b: ConformerEnsemble
    in_b: Bool[np.ndarray, "n_a"]
    nearest: Int[np.ndarray, "n_b"]
    overlaps: tuple[Overlap, ...]
    remarks: tuple[str, ...] = ()

    @property
    def in_a(self) -> Bool[np.ndarray, "n_b"]:
        """Whether A contains each conformer of B."""
        return self.nearest >= 0


def distinct_conformers(
    name: str,
    symmetry: Symmetry,
    settings: IdentitySettings,
    ids: Int[np.ndarray, "m"],
    energies: Float[np.ndarray, "m"],
    positions: Float[np.ndarray, "m N 3"],
    classes: Sequence[StructureClass],
    converged: Bool[np.ndarray, "m"],
    n_other: int = 0,
    are_results: Bool[np.ndarray, "m"] | None = None,
) -> ConformerEnsemble:
    """Select the distinct conformers among relaxed structures of one molecule.

    Args:
        name: Name of the ensemble.
        symmetry: Symmetry of the molecule.
        settings: Identity thresholds.
        ids: Ids of the structures.
        energies: Energies, eV.
        positions: Positions, Å.
        classes: Class of each structure; only conformers are selected.
        converged: Whether each relaxation converged.
        n_other: Number of structures of other molecules, which are not among these.
        are_results: Whether the model knows each structure; all by default.
    """
    known = np.ones(len(ids), bool) if are_results is None else are_results
    usable = np.flatnonzero(np.array([one.is_conformer for one in classes], dtype=bool) & converged & known)
    usable_classes = [classes[int(k)] for k in usable]
    labels = deduplicate(symmetry, energies[usable], positions[usable], usable_classes, settings)
    distinct = usable[np.unique(labels)]
    chosen = distinct[np.argsort(energies[distinct], kind="stable")]
    return ConformerEnsemble(
        name=name,
        ids=ids[chosen],
        energies=energies[chosen],
        positions=positions[chosen],
        classes=tuple(classes[int(k)] for k in chosen),
        n_given=len(ids) + n_other,
        n_other=n_other,
        n_failed=len(ids) - len(usable),
        n_unknown=int((converged & ~known).sum()),
    )


def compare_conformers(
    symmetry: Symmetry, settings: IdentitySettings, a: ConformerEnsemble, b: ConformerEnsemble, window: float = 0.0
) -> EnsembleComparison:
    """Find the conformers that two ensembles have in common.

    Args:
        symmetry: Symmetry of the molecule.
        settings: Identity thresholds.
        a: Ensemble A.
        b: Ensemble B on the same surface and in the same atom order.
        window: Energy window above the lowest conformer of both, eV. With 0, there are only the counts of all
            conformers.
    """
    nearest, in_b = np.full(len(b.ids), -1), np.zeros(len(a.ids), dtype=bool)
    mirror = merges_mirror_images(symmetry, settings)
    for k, (energy, structure_class) in enumerate(zip(b.energies, b.classes, strict=True)):
        close = np.abs(a.energies - energy) <= settings.energy_window
        near = np.flatnonzero(close & np.array([other == structure_class for other in a.classes], dtype=bool))
        if len(near):
            distances = identity_distances(symmetry, b.positions[k], a.positions[near], mirror, settings.rmsd)
            in_b[near[distances <= settings.rmsd]] = True
            if distances.min() <= settings.rmsd:
                nearest[k] = near[np.argmin(distances)]
    lowest = min([*a.energies, *b.energies], default=0.0)
    windows = (None, window) if window else (None,)
    kinds = (False, True) if a.n_as_given + b.n_as_given < len(a.ids) + len(b.ids) else (False,)
    overlaps = tuple(
        _overlap(a, b, in_b, nearest >= 0, lowest, one, as_given) for as_given, one in product(kinds, windows)
    )
    return EnsembleComparison(a=a, b=b, in_b=in_b, nearest=nearest, overlaps=overlaps)


def _overlap(
    a: ConformerEnsemble,
    b: ConformerEnsemble,
    in_b: Bool[np.ndarray, "n_a"],
    in_a: Bool[np.ndarray, "n_b"],
    lowest: float,
    window: float | None,
    as_given: bool,
) -> Overlap:
    top = np.inf if window is None else lowest + window
    of_a, of_b = (
        (one.energies <= top) & np.array([c == StructureClass.INTACT or not as_given for c in one.classes], bool)
        for one in (a, b)
    )
    return Overlap(
        window=window,
        n_a=int(of_a.sum()),
        n_b=int(of_b.sum()),
        n_a_in_b=int(in_b[of_a].sum()),
        n_b_in_a=int(in_a[of_b].sum()),
        as_given=as_given,
    )
