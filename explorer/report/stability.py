"""Stability test in the report: a table of trajectories and the number that keep their bonds against time."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.trajectories import ThermodynamicEnsemble, Trajectory
from explorer.report.panel import SERIES_COLOURS, Panel, axis, drawing, numbers
from explorer.report.tables import ReportBlock, Row, Table

STABILITY_COLUMNS = (
    "dynamics",
    "temperature (K)",
    "mean temperature (K)",
    "stable",
    "first failure (ps)",
    "length (ps)",
    "energy drift (meV/atom/ps)",
)
_STABILITY_COMMAND = "Use <code>pes-explore validate RUN --stability PS</code>."


def groups(trajectories: Sequence[Trajectory]) -> list[tuple[ThermodynamicEnsemble, float, list[Trajectory]]]:
    """Return consecutive trajectories grouped by ensemble and temperature (K).

    Args:
        trajectories: Trajectories of a stability test.
    """
    found = groupby(trajectories, key=lambda one: (one.ensemble, one.temperature))
    return [(ensemble, temperature, list(members)) for (ensemble, temperature), members in found]


def stability_rows(trajectories: Sequence[Trajectory]) -> list[tuple[str, ...]]:
    """Return the rows of text below `STABILITY_COLUMNS`, one per group; the drift is the largest of the group.

    Args:
        trajectories: Trajectories of a stability test.
    """
    return [_row(*group) for group in groups(trajectories)]


def _row(ensemble: ThermodynamicEnsemble, temperature: float, members: list[Trajectory]) -> tuple[str, ...]:
    failed = [one.picoseconds for one in members if one.failure]
    return (
        str(ensemble),
        f"{temperature:g}",
        _formatted(np.array([one.mean_temperature for one in members]), np.mean, ".0f"),
        f"{len(members) - len(failed)} of {len(members)}",
        f"{min(failed):.1f}" if failed else "–",
        f"{max(one.picoseconds for one in members):.1f}",
        _formatted(np.array([abs(one.drift) for one in members]), np.max, ".2g"),
    )


def _formatted(values: np.ndarray, reduce, form: str) -> str:
    finite = values[np.isfinite(values)]
    return format(float(reduce(finite)), form) if len(finite) else "–"


def stability(analysis: RunAnalysis) -> ReportBlock:
    """Return the panel with one row per group, and one per trajectory with a structural change."""
    block = ReportBlock(
        key="stability",
        title="Stability in dynamics",
        explanation="Molecular dynamics from the lowest conformer, after 1 ps of equilibration with a thermostat. A "
        "trajectory fails when a bond breaks, a proton moves or atoms clash. Stable: trajectories without failure. "
        "Energy drift: largest drift of the total energy.",
    )
    trajectories = analysis.run.trajectories
    if not trajectories:
        return replace(
            block, absent=f"The stability of the model in dynamics has not been tested. {_STABILITY_COMMAND}"
        )
    failed = [Row(_failure(one)) for one in trajectories if one.failure]
    parts = [Table(STABILITY_COLUMNS, [Row(cells) for cells in stability_rows(trajectories)])]
    if failed:
        columns = ("dynamics", "temperature (K)", "seed", "time (ps)", "structure class", "reason")
        parts.append(Table(columns, failed, "Failed trajectories", words=(0, 4, 5)))
    return replace(block, parts=parts)


def _failure(one: Trajectory) -> tuple[str, ...]:
    return str(one.ensemble), f"{one.temperature:g}", str(one.seed), f"{one.picoseconds:.1f}", one.failure, one.reason


def survival(analysis: RunAnalysis) -> Panel | None:
    """Return the panel with the number of stable trajectories of each group against time; None without trajectories."""
    trajectories = analysis.run.trajectories
    if not trajectories:
        return None
    end = max(one.picoseconds for one in trajectories)
    traces = [
        _curve(f"{ensemble}, {temperature:g} K", members, end, colour)
        for (ensemble, temperature, members), colour in zip(groups(trajectories), SERIES_COLOURS * 9, strict=False)
    ]
    top = max(len(members) for _, _, members in groups(trajectories))
    figure = drawing(
        traces, axis("time (ps)", rangemode="tozero"), axis("stable trajectories", range=[0, 1.05 * top]), height=300
    )
    explanation = "Number of trajectories that still have the bonds of the input. Identical curves cover each other."
    return Panel("survival", "Time to failure", explanation, figure, wide=True)


def _curve(name: str, members: list[Trajectory], end: float, colour: str) -> dict:
    times = sorted(one.picoseconds for one in members if one.failure)
    left = [len(members) - k for k in range(len(times) + 1)]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": numbers([0, *times, end]),
        "y": [*left, left[-1]],
        "name": name,
        "line": {"shape": "hv", "width": 2, "color": colour},
        "hovertemplate": f"{name}: %{{y}} stable after %{{x:.1f}} ps<extra></extra>",
    }
