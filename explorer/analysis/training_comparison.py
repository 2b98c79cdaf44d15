"""Minima of a run and of its training data: found and known, found and new, known and missed, with the reason."""

from typing import Any

import numpy as np

from explorer.analysis.run_analysis import KNOWN, NEW, RunAnalysis
from explorer.records.comparisons import TrainingMinimum
from explorer.records.structure_class import StructureClass, allowed_classes
from explorer.topology.classify import classify_batch

NEVER_VISITED = "never visited"


def missed_reasons(analysis: RunAnalysis) -> list[str]:
    """Return why the run did not find each training minimum that it missed, in the order of `RunAnalysis.missed`.

    A minimum of a class that the run may not explore, or above its energy window, is not searched for. All others were
    never visited.

    Args:
        analysis: The analysed run, with a comparison.
    """
    if not analysis.missed:
        return []
    positions = np.stack([one.positions for one in analysis.missed])
    classes = [one.structure_class for one in classify_batch(analysis.topology, positions)]
    return [_reason(analysis, one, kind) for one, kind in zip(analysis.missed, classes, strict=True)]


def _reason(analysis: RunAnalysis, minimum: TrainingMinimum, structure_class: StructureClass) -> str:
    allowed = allowed_classes(analysis.run.config.get("hopping", {}).get("allow", ()))
    if structure_class != StructureClass.INTACT and structure_class not in allowed:
        return f"class not allowed: {structure_class}"
    window = analysis.run.config.get("budget", {}).get("window", 0.0)
    if window and minimum.energy > analysis.zero + window:
        return f"above the window: {float(analysis.relative(minimum.energy)):.2f} kcal/mol"
    return NEVER_VISITED


def training_comparison(analysis: RunAnalysis) -> dict[str, Any]:
    """Return the comparison of a run with training data as plain values; energies in eV, distances in degrees.

    `found_and_known` are conformers of the run that training frames relax to, `found_and_new` its other conformers,
    and `known_and_missed` training minima that the run did not find. `found_and_excluded` are training minima that the
    run found and stored apart, since the model does not know them. Ids of the first two and of the last are those of
    the run, ids of the missed ones those of the training minima.

    Args:
        analysis: The analysed run, with a comparison.
    """
    comparison = analysis.run.comparison
    if comparison is None:
        raise ValueError("a run with a comparison was wanted")
    trained = {one.found: one for one in comparison.training_minima if one.found is not None}
    groups: dict[str, list[dict[str, Any]]] = {KNOWN: [], NEW: []}
    for id in analysis.order.tolist():
        recognition = analysis.recognition[id]
        if recognition in groups:
            entry = _minimum(analysis, id, analysis.run.minima[id].energy)
            entry["torsion_distance"] = float(comparison.nearest_frame_distance[id])
            if recognition == KNOWN:
                entry["n_frames"] = trained[id].n_frames
            groups[recognition].append(entry)
    missed = [
        _minimum(analysis, one.id, one.energy) | {"n_frames": one.n_frames, "reason": reason}
        for one, reason in zip(analysis.missed, missed_reasons(analysis), strict=True)
    ]
    excluded = [
        _minimum(analysis, id, one.energy) | {"n_frames": one.n_frames, "reason": analysis.run.minima[id].exclusion}
        for id, one in trained.items()
        if not analysis.run.minima[id].is_conformer
    ]
    lists = {
        "found_and_known": groups[KNOWN],
        "found_and_new": groups[NEW],
        "known_and_missed": missed,
        "found_and_excluded": excluded,
    }
    return {
        "source": comparison.source,
        "n_frames": comparison.n_frames,
        "n_relaxed": comparison.n_relaxed,
        "n_failed": comparison.n_failed,
        "n_training_minima": len(comparison.training_minima),
        **{f"n_{name}": len(entries) for name, entries in lists.items()},
        **lists,
    }


def _minimum(analysis: RunAnalysis, id: int, energy: float) -> dict[str, Any]:
    return {"id": id, "energy": float(energy), "relative_energy": float(energy - analysis.zero)}
