"""Settings, input, provenance and costs of a run, as names and values."""

from typing import Any

import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.run import SECONDS_BEFORE_SEARCH, Costs
from explorer.topology.describe import describe
from explorer.topology.torsions import amide_conformation


def setting_groups(analysis: RunAnalysis) -> list[dict[str, Any]]:
    """Return costs, input, provenance and settings of the run as groups of (name, value) rows."""
    run = analysis.run
    plain = {key: value for key, value in run.config.items() if not isinstance(value, dict)}
    groups = {"Costs": _costs(analysis), "Input": _input(analysis), "Provenance": run.provenance, "Settings": plain}
    groups |= {f"Settings: {key}": value for key, value in run.config.items() if isinstance(value, dict)}
    return [{"title": title, "rows": list(values.items())} for title, values in groups.items() if values]


def _input(analysis: RunAnalysis) -> dict[str, Any]:
    facts = describe(analysis.run.molecule)
    amides = {
        f"amide {name}": f"{omega:.0f}° ({amide_conformation(omega)})" for name, omega in facts.pop("amides").items()
    }
    centres = {f"stereocentre {name}": label for name, label in facts.pop("chirality").items()}
    return (
        {name.replace("n_", "number of ").replace("_", " "): value for name, value in facts.items()} | centres | amides
    )


def _costs(analysis: RunAnalysis) -> dict[str, str]:
    run = analysis.run
    calls, minima, wall, potential, idle = (
        run.rounds[-1] if run.rounds else Costs(n_evaluations=0, n_minima=0, wall_seconds=0.0, potential_seconds=0.0)
    )
    return {
        "rounds": f"{len(run.rounds):,}",
        "force calls": f"{calls:,}",
        "wall time": duration(wall),
        "preparation before the search": duration(float(run.provenance.get(SECONDS_BEFORE_SEARCH, "nan"))),
        "time for energies and forces": f"{duration(potential)} ({100 * potential / wall:.0f} %)" if wall else "–",
        "overhead": f"{1e3 * (wall - potential) / calls:.2f} ms per force call" if calls else "–",
        "device utilisation": f"{100 * calls / (calls + idle):.0f} % of the possible force calls" if calls else "–",
        "force calls per second": f"{calls / wall:,.0f}" if wall else "–",
        "force calls per distinct minimum": f"{calls / minima:,.0f}" if minima else "–",
        "state": run.finished or "not finished; it can be resumed",
    }


def duration(seconds: float | None) -> str:
    """Format a time as 42 s, 9 min 41 s or 2 h 05 min; a dash if it is unknown.

    Args:
        seconds: Time, s; None or not finite if it is unknown.

    >>> duration(581)
    '9 min 41 s'
    """
    if seconds is None or not np.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
