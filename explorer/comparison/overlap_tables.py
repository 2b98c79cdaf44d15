"""Comparison of two conformer ensembles as plain values for JSON and as a printed table."""

from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Int

from explorer.comparison.overlap import ConformerEnsemble, EnsembleComparison
from explorer.units import KCAL_PER_MOL


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
