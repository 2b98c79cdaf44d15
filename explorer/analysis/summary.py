"""Summary of a run: the content of `summary.json` and the table at the end of a run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from explorer.analysis.certification import certification_counts, certification_sentence
from explorer.analysis.changes import LOST, RESTORED, STAYED, allowed_names, moments_of_change
from explorer.analysis.conformers import count_conformers
from explorer.analysis.connections import connection_counts
from explorer.analysis.coverage import coverage_as_json, coverage_sentence
from explorer.analysis.reliability import n_lowest_out_of_distribution, trust_counts
from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.saddle_validation import saddle_validation_counts, saddle_validation_sentence
from explorer.analysis.validation import validation_counts
from explorer.files import without_nan
from explorer.records.comparisons import TrainingMinimum
from explorer.records.hop import Outcome
from explorer.records.minimum import Minimum
from explorer.records.run import REARRANGED_TO, START_TIMES, Costs, RunRecord
from explorer.records.structure_class import FLIPPED_AMIDES, StructureClass
from explorer.units import EnergyUnit

N_SUMMARY_ENERGIES = 10  # lowest conformers in `summary.json`; not tuned


def summarise(analysis: RunAnalysis) -> dict[str, Any]:
    """Return the content of `summary.json`: energies in eV, times in s, None for unknown numbers.

    `n_minima` counts all stored minima. `n_unknown` of them are no results, since the model does not know them. Hops
    that started from or ended in these took `unknown_share` of the force calls of all hops. `classes` counts results
    by class, and `n_conformers` those with the bonds and stereocentres of the input. In `n_as_given` of them all
    secondary amides are cis or trans as in the input, in `n_flipped_amides` one is not.
    `lowest_energy` and `relative_energies` refer to conformers only. `estimated_minima` (Chao1) and `coverage` (the
    share of this number that was found) refer to the structure classes that the search may explore;
    `coverage_estimates` adds an energy window and intervals. `escapes_changed` counts hops whose dynamics changed bonds
    or stereocentres; relaxation reversed `escapes_restored` of these changes. The lowest `n_lowest_out_of_distribution`
    conformers are out of distribution for the model. Free energies of certified minima are at the temperature of the
    analysis.

    Args:
        analysis: The analysed run.
    """
    run = analysis.run
    costs = (
        run.rounds[-1] if run.rounds else Costs(n_evaluations=0, n_minima=0, wall_seconds=0.0, potential_seconds=0.0)
    )
    energies = sorted(m.energy for m in run.conformers)
    outcomes = Counter(hop.outcome for hop in run.hops)
    classes = Counter(m.structure_class for m in run.results)
    conformers = count_conformers(m.structure_class for m in run.conformers)
    moments = moments_of_change(run)
    near, whole = analysis.coverages
    summary = {
        "name": run.molecule.name,
        "n_minima": len(run.minima),
        "n_conformers": len(energies),
        "n_as_given": conformers.as_given,
        "n_flipped_amides": conformers.flipped,
        "n_unknown": len(run.unknown),
        "unknown_share": run.unknown_share,
        "n_evaluations": costs.n_evaluations,
        "n_hops": len(run.hops),
        "outcomes": {str(outcome): outcomes[outcome] for outcome in Outcome},
        "wall_seconds": costs.wall_seconds,
        "potential_seconds": costs.potential_seconds,
        "n_idle": costs.n_idle,
        **{name: float(run.provenance[name]) if name in run.provenance else None for name in START_TIMES},
        "n_rounds": len(run.rounds),
        "classes": {str(one): classes[one] for one in StructureClass},
        "allowed": list(allowed_names(run)),
        "escapes_changed": moments[STAYED] + moments[RESTORED] + moments[LOST],
        "escapes_restored": moments[RESTORED],
        "lowest_energy": energies[0] if energies else None,
        "relative_energies": [energy - energies[0] for energy in energies[:N_SUMMARY_ENERGIES]],
        "estimated_minima": whole.richness.estimate if whole.n_seen else None,
        "coverage": whole.share.estimate if whole.n_seen else None,
        "coverage_estimates": [coverage_as_json(near), coverage_as_json(whole)],
        "comparison": _comparison(analysis),
        "validation": validation_counts(run),
        "saddle_validation": saddle_validation_counts(run),
        "stability": _stability(run),
        "trust_levels": trust_counts(run),
        "n_lowest_out_of_distribution": n_lowest_out_of_distribution(run),
        "certification": certification_counts(analysis),
        **connection_counts(run),
        "finished": run.finished,
        "seed": run.config.get("seed"),
        "n_walkers": run.config.get("hopping", {}).get("n_walkers"),
        "provenance": run.provenance,
    }
    return without_nan(summary)


def _comparison(analysis: RunAnalysis) -> dict[str, Any] | None:
    """Return the numbers of known conformers, of new ones, and of known ones that the run did not find.

    Those of conformers with the amides of the input are given once more by themselves, as `as_given`.
    """
    comparison = analysis.run.comparison
    if comparison is None:
        return None
    trained = list(zip(comparison.training_minima, analysis.training_classes, strict=True))
    conformers = analysis.run.conformers
    intact = StructureClass.INTACT
    return {
        "source": comparison.source,
        "n_frames": comparison.n_frames,
        "n_relaxed": comparison.n_relaxed,
        "n_failed": comparison.n_failed,
        **_found_and_missed(conformers, comparison.training_minima),
        "as_given": _found_and_missed(
            [m for m in conformers if m.structure_class == intact], [t for t, one in trained if one == intact]
        ),
    }


def _found_and_missed(conformers: Sequence[Minimum], trained: Sequence[TrainingMinimum]) -> dict[str, int]:
    known, found = {one.found for one in trained}, {one.id for one in conformers}
    return {
        "n_training_minima": len(trained),
        "n_found_and_known": len(found & known),
        "n_found_and_new": len(found - known),
        "n_missed": sum(one.found is None for one in trained),
    }


def _stability(run: RunRecord) -> dict[str, Any] | None:
    """Return the number of trajectories that kept their bonds, and the record of each (K, ps, meV/atom/ps)."""
    if not run.trajectories:
        return None
    return {
        "n_trajectories": len(run.trajectories),
        "n_held": sum(not one.failure for one in run.trajectories),
        "picoseconds": max(one.picoseconds for one in run.trajectories),
        "trajectories": [asdict(one) for one in run.trajectories],
    }


def summary_table(analysis: RunAnalysis, summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of name and value that are printed at the end of a run.

    Args:
        analysis: The analysed run.
        summary: Its summary, from `summarise`.
    """
    rows = [
        ("molecule", summary["name"]),
        ("distinct minima", str(summary["n_minima"])),
        ("distinct conformers", str(count_conformers(m.structure_class for m in analysis.run.conformers))),
        ("unknown to the model", unknown_sentence(summary)),
        ("other structures", _counts(summary["classes"], skip=("intact", *FLIPPED_AMIDES))),
        ("allowed changes", ", ".join(summary["allowed"]) or "none"),
        (
            "escapes that changed bonds",
            f"{summary['escapes_changed']} ({summary['escapes_restored']} reversed by relaxation)",
        ),
        (
            f"lowest conformers ({analysis.unit.name})",
            _lowest(summary["relative_energies"], analysis.unit, summary["n_lowest_out_of_distribution"]),
        ),
        (
            "estimated coverage",
            "; ".join(coverage_sentence(one, analysis.unit) for one in dict.fromkeys(analysis.coverages)),
        ),
        ("hops", f"{summary['n_hops']} ({_counts(summary['outcomes'])})"),
        ("force calls", str(summary["n_evaluations"])),
        ("walkers", str(summary["n_walkers"])),
        (
            "wall time",
            f"{summary['wall_seconds']:.0f} s, {summary['potential_seconds']:.0f} s of it for energies and forces"
            + preparation(summary),
        ),
    ]
    if moved := analysis.run.provenance.get(REARRANGED_TO):
        rows.insert(1, ("rearranged to", moved))
    if summary["comparison"] is not None:
        text = (
            "{n_found_and_known} known and {n_found_and_new} new conformers; "
            "{n_missed} of {n_training_minima} training minima not found"
        )
        numbers = summary["comparison"]
        rows.append(("training data", text.format(**numbers)))
        if numbers["n_training_minima"] > numbers["as_given"]["n_training_minima"]:
            rows.append(("  with the amides of the input", text.format(**numbers["as_given"])))
    if summary["validation"] is not None:
        text = "{n_same_conformer} of {n_relaxed} minima remain the same conformer with {reference}"
        rows.append(("validation", text.format(**summary["validation"])))
    if summary["saddle_validation"] is not None:
        rows.append(("validation of barriers", saddle_validation_sentence(summary["saddle_validation"])))
    if summary["stability"] is not None:
        text = "{n_held} of {n_trajectories} trajectories keep all bonds for {picoseconds:g} ps"
        rows.append(("stability", text.format(**summary["stability"])))
    if summary["trust_levels"] is not None:
        rows.append(("model reliability", _counts(summary["trust_levels"])))
    if summary["certification"] is not None:
        rows.append(("certification", certification_sentence(summary["certification"])))
    if summary["n_attempts"]:
        text = "{n_saddles} ({n_degenerate} degenerate) in {n_attempts} attempts and {connect_evaluations} force calls"
        rows.append(("transition states", text.format(**summary)))
        if summary["connected_share"] is not None:
            rows.append(("connected to the lowest", f"{100 * summary['connected_share']:.0f} % of the conformers"))
    return [*rows, ("ended", summary["finished"] or "not yet")]


def preparation(summary: dict[str, Any]) -> str:
    """Return how long the last search was prepared, which its wall time leaves out; empty where it is not known.

    Args:
        summary: Summary from `summarise`.
    """
    seconds, compiling = summary["seconds_before_search"], summary["compile_seconds"]
    if seconds is None or compiling is None:
        return ""
    return f"; before it {seconds:.0f} s of preparation, {min(compiling, seconds):.0f} s of them for compilation"


def unknown_sentence(summary: dict[str, Any]) -> str:
    """Return the line of the summary table on minima that are no results.

    Args:
        summary: Summary from `summarise`.
    """
    n, share = summary["n_unknown"], summary["unknown_share"]
    if not n:
        return "none"
    return f"{n} stored apart ({100 * share:.1f} % of the force calls)"


def _counts(counts: dict[str, int], skip: tuple[str, ...] = ()) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items() if n and name not in skip) or "none"


def _lowest(energies: list[float], unit: EnergyUnit, n_outside: int) -> str:
    values = ", ".join(f"{energy / unit.size:.2f}" for energy in energies[:5]) or "none"
    return values + f"; the lowest {n_outside} out of distribution" * (n_outside > 0)
