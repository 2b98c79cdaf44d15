"""Two ensembles of one molecule against each other: what each has found of the other, and what it has alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, eq=False)
class ConformerEnsemble:
    """Distinct conformers, relaxed on the common surface, in ascending energy.

    Attributes:
        name: where they come from.
        ids: of the run's minima, or the number of the structure in the file from 0, shape (n,).
        energies: eV, shape (n,).
        positions: Å, shape (n, N, 3).
        classes: what each is.
        n_given: structures before relaxation.
        n_other: of these, other molecules: other bonds or stereocentres.
        n_failed: of these, relaxed to no conformer or not at all.
    """

    name: str
    ids: Int[np.ndarray, "n"]
    energies: Float[np.ndarray, "n"]
    positions: Float[np.ndarray, "n N 3"]
    classes: tuple[StructureClass, ...]
    n_given: int
    n_other: int
    n_failed: int


@dataclass(frozen=True)
class Overlap:
    """Counts of one window of energies, eV above the lowest conformer of both ensembles (None: all)."""

    window: float | None
    n_a: int
    n_b: int
    n_a_in_b: int
    n_b_in_a: int

    @property
    def recall(self) -> float | None:
        """Share of B that A has found; None where B has nothing there."""
        return self.n_b_in_a / self.n_b if self.n_b else None

    @property
    def precision(self) -> float | None:
        """Share of A that B has found too; None where A has nothing there."""
        return self.n_a_in_b / self.n_a if self.n_a else None


@dataclass(frozen=True, eq=False)
class EnsembleComparison:
    """The outcome of `contrast`.

    Attributes:
        a, b: the ensembles.
        in_b: whether B has a conformer of A too, shape (n_a,).
        nearest: for each conformer of B the place of the same one in A, -1 where A has none, shape (n_b,).
        overlaps: counts as a whole, and within a window.
    """

    a: ConformerEnsemble
    b: ConformerEnsemble
    in_b: Bool[np.ndarray, "n_a"]
    nearest: Int[np.ndarray, "n_b"]
    overlaps: tuple[Overlap, ...]

    @property
    def in_a(self) -> Bool[np.ndarray, "n_b"]:
        """Whether A has a conformer of B too."""
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
) -> ConformerEnsemble:
    """The distinct conformers among relaxed structures of one molecule.

    Args:
        name: of the ensemble.
        symmetry: of the molecule.
        settings: when two structures are the same.
        ids: of the structures.
        energies: eV.
        positions: Å.
        classes: what each structure is; only conformers count.
        converged: whether it is a minimum.
        n_other: structures that were no such molecule and are not among these.
    """
    usable = np.flatnonzero(np.array([kind.is_conformer for kind in classes], dtype=bool) & converged)
    kinds = [classes[int(k)] for k in usable]
    labels = deduplicate(symmetry, energies[usable], positions[usable], kinds, settings)
    distinct = usable[np.unique(labels)]
    chosen = distinct[np.argsort(energies[distinct], kind="stable")]
    return ConformerEnsemble(
        name,
        ids[chosen],
        energies[chosen],
        positions[chosen],
        tuple(classes[int(k)] for k in chosen),
        len(ids) + n_other,
        n_other,
        len(ids) - len(usable),
    )


def compare_conformers(
    symmetry: Symmetry, settings: IdentitySettings, a: ConformerEnsemble, b: ConformerEnsemble, window: float = 0.0
) -> EnsembleComparison:
    """Which conformers of each ensemble the other has too, as a whole and within a window of energy.

    Args:
        symmetry: of the molecule.
        settings: when two structures are the same.
        a, b: on one surface, atoms in one order.
        window: eV above the lowest conformer of both; 0 for the whole alone.
    """
    nearest, in_b = np.full(len(b.ids), -1), np.zeros(len(a.ids), dtype=bool)
    mirror = merges_mirror_images(symmetry, settings)
    for k, (energy, kind) in enumerate(zip(b.energies, b.classes, strict=True)):
        close = np.abs(a.energies - energy) <= settings.energy_window
        near = np.flatnonzero(close & np.array([other == kind for other in a.classes], dtype=bool))
        if len(near):
            distances = rmsd_batch(symmetry, b.positions[k], a.positions[near], mirror, settings.rmsd)
            in_b[near[distances <= settings.rmsd]] = True
            if distances.min() <= settings.rmsd:
                nearest[k] = near[np.argmin(distances)]
    lowest = min([*a.energies, *b.energies], default=0.0)
    windows = (None, window) if window else (None,)
    return EnsembleComparison(
        a, b, in_b, nearest, tuple(_overlap(a, b, in_b, nearest >= 0, lowest, one) for one in windows)
    )


def _overlap(
    a: ConformerEnsemble, b: ConformerEnsemble, in_b: np.ndarray, in_a: np.ndarray, lowest: float, window: float | None
):
    top = np.inf if window is None else lowest + window
    of_a, of_b = a.energies <= top, b.energies <= top
    return Overlap(window, int(of_a.sum()), int(of_b.sum()), int(in_b[of_a].sum()), int(in_a[of_b].sum()))


def comparison_as_json(found: EnsembleComparison) -> dict[str, Any]:
    """The outcome for other programs; energies in eV."""
    sides = ((found.a, found.in_b), (found.b, found.in_a))
    a, b = (_side(ensemble, shared) for ensemble, shared in sides)
    overlaps = [asdict(one) | {"recall": one.recall, "precision": one.precision} for one in found.overlaps]
    return {"a": a, "b": b, "overlaps": overlaps}


def _side(ensemble: ConformerEnsemble, shared: np.ndarray) -> dict[str, Any]:
    return {
        "name": ensemble.name,
        "n_structures": ensemble.n_given,
        "n_other_molecules": ensemble.n_other,
        "n_failed": ensemble.n_failed,
        "n_conformers": len(ensemble.ids),
        "lowest_energy": float(ensemble.energies[0]) if len(ensemble.ids) else None,
        "ids_alone": ensemble.ids[~shared].tolist(),
        "energies_alone": ensemble.energies[~shared].tolist(),
    }


def comparison_rows(found: EnsembleComparison) -> list[tuple[str, str, str]]:
    """What is printed: a name, of A, of B."""
    a, b = found.a, found.b
    lowest = min([*a.energies, *b.energies], default=0.0)
    listed = [
        ("structures", str(a.n_given), str(b.n_given)),
        ("other molecules", str(a.n_other), str(b.n_other)),
        ("relaxed to no conformer", str(a.n_failed), str(b.n_failed)),
        ("distinct conformers", str(len(a.ids)), str(len(b.ids))),
        ("lowest (eV)", _lowest(a), _lowest(b)),
        ("lowest (kcal/mol)", _above(a, lowest), _above(b, lowest)),
    ]
    for one in found.overlaps:
        where = f" within {one.window / KCAL_PER_MOL:.3g} kcal/mol" if one.window else ""
        listed += [
            (f"found by the other too{where}", f"{one.n_a_in_b} of {one.n_a}", f"{one.n_b_in_a} of {one.n_b}"),
            (f"recall{where}", _share(one.recall), _share(one.precision)),
            (f"precision{where}", _share(one.precision), _share(one.recall)),
        ]
    return [*listed, ("only here, by energy", _listed(a.ids[~found.in_b]), _listed(b.ids[~found.in_a]))]


def _lowest(ensemble: ConformerEnsemble) -> str:
    return f"{ensemble.energies[0]:.6f}" if len(ensemble.ids) else "–"


def _above(ensemble: ConformerEnsemble, lowest: float) -> str:
    return f"{(ensemble.energies[0] - lowest) / KCAL_PER_MOL:+.2f}" if len(ensemble.ids) else "–"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.2f}"


def _listed(ids: Int[np.ndarray, "n"], most: int = 12) -> str:
    more = f", and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(str(k) for k in ids[:most]) + more or "none"
