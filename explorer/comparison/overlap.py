"""Overlap of two conformer ensembles of one molecule: recall, precision and unique conformers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from explorer.config import IdentitySettings
from explorer.records.structure_class import StructureClass
from explorer.similarity.alignment import rmsd_batch
from explorer.similarity.dedup import deduplicate
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import Symmetry
from explorer.units import KCAL_PER_MOL


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
            distances = rmsd_batch(symmetry, b.positions[k], a.positions[near], mirror, settings.rmsd)
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


def comparison_as_json(comparison: EnsembleComparison) -> dict[str, Any]:
    """Convert a comparison to plain values for JSON; energies in eV.

    Args:
        comparison: Comparison of two ensembles.
    """
    sides = ((comparison.a, comparison.in_b), (comparison.b, comparison.in_a))
    a, b = (_side(ensemble, shared) for ensemble, shared in sides)
    overlaps = [asdict(one) | {"recall": one.recall, "precision": one.precision} for one in comparison.overlaps]
    return {"a": a, "b": b, "overlaps": overlaps}


def _side(ensemble: ConformerEnsemble, shared: np.ndarray) -> dict[str, Any]:
    return {
        "name": ensemble.name,
        "n_structures": ensemble.n_given,
        "n_other_molecules": ensemble.n_other,
        "n_failed": ensemble.n_failed,
        "n_unknown": ensemble.n_unknown,
        "n_conformers": len(ensemble.ids),
        "n_as_given": ensemble.n_as_given,
        "lowest_energy": float(ensemble.energies[0]) if len(ensemble.ids) else None,
        "ids_alone": ensemble.ids[~shared].tolist(),
        "energies_alone": ensemble.energies[~shared].tolist(),
    }


def comparison_rows(comparison: EnsembleComparison) -> list[tuple[str, str, str]]:
    """Return the rows of the printed table: label, value of A, value of B.

    Args:
        comparison: Comparison of two ensembles.
    """
    a, b = comparison.a, comparison.b
    lowest = min([*a.energies, *b.energies], default=0.0)
    rows = [
        ("structures", str(a.n_given), str(b.n_given)),
        ("other molecules", str(a.n_other), str(b.n_other)),
        ("not relaxed to a conformer", str(a.n_failed), str(b.n_failed)),
        ("unknown to the model", str(a.n_unknown), str(b.n_unknown)),
        ("distinct conformers", str(len(a.ids)), str(len(b.ids))),
        ("  with the amides of the input", str(a.n_as_given), str(b.n_as_given)),
        ("lowest (eV)", _lowest(a), _lowest(b)),
        ("lowest (kcal/mol)", _above(a, lowest), _above(b, lowest)),
    ]
    for one in comparison.overlaps:
        where = f" within {one.window / KCAL_PER_MOL:.3g} kcal/mol" if one.window else ""
        where += ", amides of the input" if one.as_given else ""
        rows += [
            (f"also found by the other{where}", f"{one.n_a_in_b} of {one.n_a}", f"{one.n_b_in_a} of {one.n_b}"),
            (f"recall{where}", _fraction(one.recall), _fraction(one.precision)),
            (f"precision{where}", _fraction(one.precision), _fraction(one.recall)),
        ]
    only_a, only_b = a.ids[~comparison.in_b], b.ids[~comparison.in_a]
    return [*rows, ("only here, by energy", _listed(only_a), _listed(only_b))]


def _lowest(ensemble: ConformerEnsemble) -> str:
    return f"{ensemble.energies[0]:.6f}" if len(ensemble.ids) else "–"


def _above(ensemble: ConformerEnsemble, lowest: float) -> str:
    return f"{(ensemble.energies[0] - lowest) / KCAL_PER_MOL:+.2f}" if len(ensemble.ids) else "–"


def _fraction(fraction: float | None) -> str:
    return "–" if fraction is None else f"{fraction:.2f}"


def _listed(ids: Int[np.ndarray, "n"], most: int = 12) -> str:
    more = f", and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(str(k) for k in ids[:most]) + more or "none"
