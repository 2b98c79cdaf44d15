"""A run in numbers: the JSON that other programs read and the table at the end of a run."""

import json
import math
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from explorer.records.hop import Outcome
from explorer.records.run import REARRANGED_TO, Costs, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.report.certification import certification_counts, certification_sentence
from explorer.report.changes import LOST, RESTORED, STAYED, allowed_names, moments_of_change
from explorer.report.coverage import as_numbers, coverages
from explorer.report.coverage import coverage_sentence as coverage_sentence
from explorer.report.uncertainty_figures import n_lowest_out_of_distribution, trust_counts
from explorer.report.validation_figures import rank_correlation
from explorer.report.view import View
from explorer.units import KCAL_PER_MOL

N_LOWEST = 10


def summarise(run: RunRecord, temperature: float | None = None) -> dict[str, Any]:
    """The numbers of a run; energies in eV, times in seconds, unknown numbers None.

    `n_conformers` counts minima with the bonds and stereocentres of the input, amides cis
    or trans; `lowest_energy` and `relative_energies` are about them alone. `estimated_minima` (Chao1,
    seen and unseen) and `coverage` (the seen share of these) are about what walkers may explore, in
    `coverage_estimates` also within a window of energy and with intervals. `escapes_changed`
    counts the hops whose dynamics changed bonds or stereocentres, `escapes_restored` those of
    them that relaxation brought back. `n_lowest_out_of_distribution` conformers, the lowest ones, are outside what the
    network knows. `temperature` (K, that of the run by default) is that of the free energies of certified minima.
    """
    costs = run.rounds[-1] if run.rounds else Costs(0, 0, 0.0, 0.0)
    energies = sorted(m.energy for m in run.conformers)
    outcomes = Counter(hop.outcome for hop in run.hops)
    classes = Counter(m.structure_class for m in run.minima)
    moments = moments_of_change(run)
    near, whole = coverages(run)
    summary = {
        "name": run.molecule.name,
        "n_minima": len(run.minima),
        "n_conformers": len(energies),
        "n_evaluations": costs.n_evaluations,
        "n_hops": len(run.hops),
        "outcomes": {str(outcome): outcomes[outcome] for outcome in Outcome},
        "wall_seconds": costs.wall_seconds,
        "potential_seconds": costs.potential_seconds,
        "n_idle": costs.n_idle,
        "n_rounds": len(run.rounds),
        "classes": {str(kind): classes[kind] for kind in StructureClass},
        "allowed": list(allowed_names(run)),
        "escapes_changed": moments[STAYED] + moments[RESTORED] + moments[LOST],
        "escapes_restored": moments[RESTORED],
        "lowest_energy": energies[0] if energies else None,
        "relative_energies": [energy - energies[0] for energy in energies[:N_LOWEST]],
        "estimated_minima": whole.richness.estimate if whole.n_seen else None,
        "coverage": whole.share.estimate if whole.n_seen else None,
        "coverage_estimates": [as_numbers(near), as_numbers(whole)],
        "comparison": _comparison(run),
        "validation": _validation(run),
        "stability": _stability(run),
        "trust_levels": trust_counts(run),
        "n_lowest_out_of_distribution": n_lowest_out_of_distribution(run),
        "certification": certification_counts(View(run), temperature or run.config.get("temperature", 300.0)),
        "finished": run.finished,
        "seed": run.config.get("seed"),
        "n_walkers": run.config.get("hopping", {}).get("n_walkers"),
        "provenance": run.provenance,
    }
    return _plain(summary)


def _comparison(run: RunRecord) -> dict[str, Any] | None:
    """How many of the run's conformers are minima of the training data too, and how many of those were missed."""
    comparison = run.comparison
    if comparison is None:
        return None
    known = {minimum.found for minimum in comparison.training_minima}
    conformers = {minimum.id for minimum in run.conformers}
    return {
        "source": comparison.source,
        "n_frames": comparison.n_frames,
        "n_relaxed": comparison.n_relaxed,
        "n_failed": comparison.n_failed,
        "n_training_minima": len(comparison.training_minima),
        "n_found_and_known": len(conformers & known),
        "n_found_and_new": len(conformers - known),
        "n_missed": sum(minimum.found is None for minimum in comparison.training_minima),
    }


def _validation(run: RunRecord) -> dict[str, Any] | None:
    validation = run.validation
    if validation is None:
        return None
    return {
        "reference": validation.reference,
        "n_relaxed": len(validation.ids),
        "n_same_conformer": int(validation.stayed.sum()),
        "median_rmsd": float(np.median(validation.rmsd)),
        "rank_correlation": rank_correlation(validation),
    }


def _stability(run: RunRecord) -> dict[str, Any] | None:
    """How many of the trajectories held, and all of them: K, ps, drift in meV per atom and ps."""
    if not run.trajectories:
        return None
    return {
        "n_trajectories": len(run.trajectories),
        "n_held": sum(not one.failure for one in run.trajectories),
        "picoseconds": max(one.picoseconds for one in run.trajectories),
        "trajectories": [asdict(one) for one in run.trajectories],
    }


def _plain(value: Any) -> Any:
    """JSON has no NaN: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_summary(run: RunRecord, path: Path, temperature: float | None = None) -> None:
    """The summary as JSON; free energies at a temperature in K, that of the run by default."""
    text = json.dumps(summarise(run, temperature), indent=2, allow_nan=False, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def summary_table(run: RunRecord) -> list[tuple[str, str]]:
    """Name and value of what a person wants to know at the end of a run."""
    summary = summarise(run)
    rows = [
        ("molecule", summary["name"]),
        ("distinct minima", str(summary["n_minima"])),
        ("distinct conformers", str(summary["n_conformers"])),
        ("other classes", _counts(summary["classes"], skip=("intact", "cis-amide"))),
        ("allowed beside the molecule", ", ".join(summary["allowed"]) or "nothing"),
        ("escapes that changed it", f"{summary['escapes_changed']} ({summary['escapes_restored']} relaxed back)"),
        (
            "lowest conformers (kcal/mol)",
            _lowest(summary["relative_energies"], summary["n_lowest_out_of_distribution"]),
        ),
        ("estimated coverage", "; ".join(coverage_sentence(one) for one in coverages(run))),
        ("hops", f"{summary['n_hops']} ({_counts(summary['outcomes'])})"),
        ("force calls", str(summary["n_evaluations"])),
        ("walkers", str(summary["n_walkers"])),
        ("wall time", f"{summary['wall_seconds']:.0f} s, {summary['potential_seconds']:.0f} s of it in the potential"),
    ]
    if moved := run.provenance.get(REARRANGED_TO):
        rows.insert(1, ("became, when relaxed", moved))
    if summary["comparison"] is not None:
        text = "{n_found_and_known} conformers known, {n_found_and_new} new, {n_missed} of {n_training_minima} missed"
        rows.append(("training minima", text.format(**summary["comparison"])))
    if summary["validation"] is not None:
        text = "{n_same_conformer} of {n_relaxed} stay the same conformer with {reference}"
        rows.append(("validation", text.format(**summary["validation"])))
    if summary["stability"] is not None:
        text = "{n_held} of {n_trajectories} trajectories hold for {picoseconds:g} ps"
        rows.append(("stability", text.format(**summary["stability"])))
    if summary["trust_levels"] is not None:
        rows.append(("minima, for the network", _counts(summary["trust_levels"])))
    if summary["certification"] is not None:
        rows.append(("certification", certification_sentence(summary["certification"])))
    return [*rows, ("ended", summary["finished"] or "not yet")]


def _counts(counts: dict[str, int], skip: tuple[str, ...] = ()) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n and name not in skip) or "none"


def _lowest(energies: list[float], n_guessed: int) -> str:
    values = ", ".join(f"{energy / KCAL_PER_MOL:.2f}" for energy in energies[:5]) or "none"
    return values + f"; the first {n_guessed} outside what the network knows" * (n_guessed > 0)
