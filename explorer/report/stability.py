"""How long the molecule stays what it is in dynamics on the model's surface: a table, and how many are left."""

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
    "mean (K)",
    "held",
    "first failure (ps)",
    "followed (ps)",
    "drift (meV/atom/ps)",
)
_STABILITY_COMMAND = "<code>pes-explore validate RUN --stability PS</code> does it."


def groups(trajectories: Sequence[Trajectory]) -> list[tuple[ThermodynamicEnsemble, float, list[Trajectory]]]:
    """Trajectories of one kind at one temperature, in their order."""
    found = groupby(trajectories, key=lambda one: (one.ensemble, one.temperature))
    return [(ensemble, temperature, list(members)) for (ensemble, temperature), members in found]


def stability_rows(trajectories: Sequence[Trajectory]) -> list[tuple[str, ...]]:
    """One row of text per group, below `HEADER`; drifts are the largest."""
    return [_row(*group) for group in groups(trajectories)]


def _row(ensemble: ThermodynamicEnsemble, temperature: float, members: list[Trajectory]) -> tuple[str, ...]:
    failed = [one.picoseconds for one in members if one.failure]
    return (
        str(ensemble),
        f"{temperature:g}",
        _said(np.array([one.mean_temperature for one in members]), np.mean, ".0f"),
        f"{len(members) - len(failed)} of {len(members)}",
        f"{min(failed):.1f}" if failed else "–",
        f"{max(one.picoseconds for one in members):.1f}",
        _said(np.array([abs(one.drift) for one in members]), np.max, ".2g"),
    )


def _said(values: np.ndarray, reduce, form: str) -> str:
    finite = values[np.isfinite(values)]
    return format(float(reduce(finite)), form) if len(finite) else "–"


def stability(analysis: RunAnalysis) -> ReportBlock:
    """The panel of the page: every group, and every trajectory in which the molecule became another."""
    block = ReportBlock(
        key="stability",
        title="Stability in dynamics",
        explanation="Dynamics from the lowest conformer, each after 1 ps with a thermostat, until a bond breaks, a "
        "proton moves or atoms clash. Held: how many did not; drift: the largest of the total energy.",
        wide=True,
    )
    trajectories = analysis.run.trajectories
    if not trajectories:
        return replace(block, absent=f"The model has not been tested so: {_STABILITY_COMMAND}")
    failed = [Row(_failure(one)) for one in trajectories if one.failure]
    parts = [Table(STABILITY_COLUMNS, [Row(cells) for cells in stability_rows(trajectories)])]
    if failed:
        columns = ("dynamics", "temperature (K)", "seed", "after (ps)", "became", "reason")
        parts.append(Table(columns, failed, "Where the molecule became another", words=(0, 4, 5)))
    return replace(block, parts=parts)


def _failure(one: Trajectory) -> tuple[str, ...]:
    return str(one.ensemble), f"{one.temperature:g}", str(one.seed), f"{one.picoseconds:.1f}", one.failure, one.reason


def survival(analysis: RunAnalysis) -> Panel | None:
    """How many trajectories of each group still held against time; None without any."""
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
        traces, axis("time (ps)", rangemode="tozero"), axis("trajectories that held", range=[0, 1.05 * top]), height=300
    )
    explanation = "How many trajectories of each kind are still the molecule that was given; curves that coincide lie "
    return Panel("survival", "Time to failure", f"{explanation}over each other.", figure, wide=True)


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
        "hovertemplate": f"{name}: %{{y}} hold after %{{x:.1f}} ps<extra></extra>",
    }
