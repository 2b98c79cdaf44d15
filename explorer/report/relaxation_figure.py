"""Populations of families of conformers over time, after a start in the conformer that is slowest to leave."""

from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.analysis.run_analysis import RunAnalysis
from explorer.errors import InputError
from explorer.landscape.passage import passage_times
from explorer.landscape.relaxation import populations_over_time
from explorer.report.panel import MUTED, SERIES_COLOURS, Panel, axis, drawing, numbers
from explorer.topology.hydrogen_bonds import family_label
from explorer.wording import time_in_words

FIRST_TIME = 1e-13  # s, about the time of a vibration, before which no transition happens
N_TIMES = 120  # not tuned
N_FAMILIES = len(SERIES_COLOURS)


def relaxation_panel(analysis: RunAnalysis) -> Panel | None:
    """Return the panel with populations over time, by pattern of hydrogen bonds; None without connected minima.

    All molecules start in the conformer from which the most stable one is reached last, of those in the energy window
    that certified saddles connect to it.

    Args:
        analysis: The analysed run.
    """
    if not analysis.run.transition_states:
        return None
    model = analysis.kinetics
    network = model.certified.part_of_most_stable()
    ids = network.ids.tolist()
    low = [k for k, i in enumerate(ids) if analysis.run.minima[i].energy - analysis.zero <= analysis.window]
    stable = int(np.argmin(network.free_energies)) if ids else -1
    if not [k for k in low if k != stable]:
        return None
    mean = passage_times(network.rate_matrix(), np.array([stable])).mean
    start = max(low, key=lambda k: mean[k])
    times = np.geomspace(FIRST_TIME, max(10 * mean[start], 10 * FIRST_TIME), N_TIMES)
    panel = Panel(
        key="relaxation",
        title=f"Relaxation from minimum {ids[start]}",
        explanation=f"All molecules start in minimum {ids[start]}, from which the most stable minimum {ids[stable]} is "
        f"reached last: after {time_in_words(float(mean[start]))} on average at {model.temperature:g} K. The lines are "
        "populations of conformers by their hydrogen bonds, from the master equation over certified saddles. On the "
        "right is the equilibrium of these conformers.",
    )
    try:
        populations = populations_over_time(network, np.eye(len(ids))[start], times)
    except InputError as error:
        return Panel(panel.key, panel.title, panel.explanation, absent=str(error))
    patterns = [analysis.hydrogen_bonds[i] for i in ids]
    figure = drawing(
        _lines(patterns, populations, times),
        axis("time (s)", type="log", exponentformat="power"),
        axis("population", range=[-0.02, 1.02]),
    )
    return Panel(panel.key, panel.title, panel.explanation, figure)


def _lines(
    patterns: list[str], populations: Float[np.ndarray, "k n"], times: Float[np.ndarray, "k"]
) -> list[dict[str, Any]]:
    """Return a line for each of the families that become most populated, and one for the sum of all others."""
    totals = {p: populations[:, [q == p for q in patterns]].sum(axis=1) for p in dict.fromkeys(patterns)}
    ranked = sorted(totals, key=lambda p: -totals[p].max())
    curves = [(p, totals[p], colour) for p, colour in zip(ranked, SERIES_COLOURS, strict=False)]
    if len(ranked) > N_FAMILIES:
        curves.append(("other patterns", np.sum([totals[p] for p in ranked[N_FAMILIES:]], axis=0), MUTED))
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [float(f"{t:.4g}") for t in times],
            "y": numbers(curve, 4),
            "name": family_label(name),
            "line": {"width": 2, "color": colour},
            "hovertemplate": "%{y:.3f} after %{x:.2g} s<extra></extra>",
        }
        for name, curve, colour in curves
    ]
