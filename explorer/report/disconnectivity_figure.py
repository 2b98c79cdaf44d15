"""Disconnectivity graph from saddles and upper bounds, with leaves coloured by the pattern of hydrogen bonds."""

from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np

from explorer.analysis.kinetic_model import KineticModel
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.disconnectivity import clipped, disconnectivity, layout, within_window
from explorer.landscape.graph import SADDLE, minima_graph
from explorer.report.panel import (
    CLASS_COLOURS,
    INK,
    MUTED,
    NO_MINIMA,
    RECOGNITION_SYMBOLS,
    SERIES_COLOURS,
    Panel,
    axis,
    drawing,
    energy_label,
    panel_label,
    point_size,
    points,
    segments,
)
from explorer.topology.hydrogen_bonds import NO_BONDS, family_label
from explorer.units import BOLTZMANN

NO_CONNECTION = (
    "No hop between two different minima has been recorded yet, and no saddle, so there are no connections to show. "
    "Use <code>pes-explore connect RUN</code>."
)
MORE_PATHS = (
    "The graph is drawn when paths join a fifth of them. Saddles are paths: use <code>pes-explore connect RUN</code>. "
    "So are hops of the move <code>hopping</code>."
)
OTHER = "other patterns"
LEAST_JOINED_SHARE = 0.2  # of the conformers, below which nearly all lines would only reach the top; not tuned
MAX_LEAVES = 600  # more lines merge into a grey area; not tuned


def disconnectivity_panel(analysis: RunAnalysis) -> Panel:
    """Return the panel with the disconnectivity graph of the conformers, of energies and, if known, free energies."""
    panel = Panel(
        key="disconnectivity",
        title="Disconnectivity graph",
        wide=True,
        explanation="The lower end of each line is a conformer. Two lines meet at the lowest energy over which their "
        "conformers are connected. Solid: the energy of a saddle. Dashed: only an upper bound is known, the highest "
        "point of a hop. Lines that reach the top have not been connected below it. The colour is the pattern of "
        "hydrogen bonds: Cn closes a ring of n atoms (C7 is a γ turn, C10 a β turn).",
    )
    conformers = [m.id for m in analysis.run.conformers]
    if not conformers:
        return replace(panel, absent=NO_MINIMA)
    whole = minima_graph(analysis.run)
    graph = whole.subgraph(conformers)
    if all(a == b for a, b in graph.edges()):
        return replace(panel, absent=NO_CONNECTION)
    said, is_comb = paths_sentence(graph)
    if is_comb:
        return replace(panel, absent=f"{said} {MORE_PATHS}")
    panel = replace(panel, explanation=f"{panel.explanation} {said}")
    heights = {i: float(analysis.energies[i]) for i in conformers}
    traces = _drawn(analysis, graph, heights, analysis.zero, analysis.unit.size)
    order = axis("conformers", showticklabels=False, ticks="", showgrid=False)
    model = analysis.kinetics
    if not len(model.certified.saddle_ids):
        return replace(panel, figure=drawing(traces, order, axis(energy_label(analysis)), 560))
    free, free_heights = free_energy_graph(model, set(conformers))
    scale = BOLTZMANN * model.temperature / analysis.unit.size
    more = _drawn(analysis, free, {i: g * scale for i, g in free_heights.items()}, 0.0, 1 / scale)
    for trace in more:
        trace["visible"] = False
    switch = _switch(
        len(traces), len(more), energy_label(analysis), f"free energy, {model.temperature:g} K ({analysis.unit.name})"
    )
    return replace(
        panel, figure=drawing([*traces, *more], order, axis(energy_label(analysis)), 560, updatemenus=[switch])
    )


def paths_sentence(graph: nx.MultiGraph) -> tuple[str, bool]:
    """Return how many connections have a path and how many conformers they join, and whether these are too few to draw.

    Args:
        graph: Conformers with saddles and hops; jumps have infinite bounds.
    """
    between = [(a, b, bound) for a, b, bound in graph.edges(data="upper_bound") if a != b]
    paths = [(a, b) for a, b, bound in between if np.isfinite(bound)]
    joined = {node for pair in paths for node in pair}
    have = "has" if len(paths) == 1 else "have"
    said = (
        f"{len(paths):,} of {len(between):,} connections {have} a path, and paths join {len(joined):,} of "
        f"{len(graph):,} conformers."
    )
    return said, len(joined) < LEAST_JOINED_SHARE * len(graph)


def free_energy_graph(model: KineticModel, chosen: set[int]) -> tuple[nx.MultiGraph, dict[int, float]]:
    """Return the network of certified saddles with free energies in kT, for `disconnectivity`, and those of its minima.

    Args:
        model: Network of the run.
        chosen: Ids of the minima to keep.
    """
    network = model.certified
    heights = {int(i): float(g) for i, g in zip(network.ids, network.free_energies, strict=True) if int(i) in chosen}
    graph = nx.MultiGraph()
    graph.add_nodes_from((i, {"energy": g}) for i, g in heights.items())
    for (a, b), g in zip(network.ids[network.ends].tolist(), network.saddle_free_energies.tolist(), strict=True):
        if a in heights and b in heights:
            # on a free-energy surface a saddle can lie below a minimum beside it; they then join at that minimum
            graph.add_edge(a, b, kind=SADDLE, upper_bound=max(g, heights[a], heights[b]))
    return graph, heights


def _drawn(
    analysis: RunAnalysis, graph: nx.MultiGraph, heights: dict[int, float], zero: float, unit: float
) -> list[dict[str, Any]]:
    """Return the traces of a disconnectivity graph: lines, and a point at the end of each.

    Args:
        analysis: The analysed run.
        graph: Minima with `energy` and edges with `upper_bound`.
        heights: Energy of each minimum on the axis.
        zero: Zero of the axis in units of the graph.
        unit: Unit of the axis in units of the graph.
    """
    tree = disconnectivity(graph)
    merges = [v["energy"] for _, v in tree.nodes(data=True) if v.get("certified")]
    if merges:
        tree = clipped(tree, max(merges))
    if len(heights) > MAX_LEAVES:
        limit = sorted(nx.get_node_attributes(graph, "energy").values())[MAX_LEAVES - 1]
        tree = within_window(tree, limit)
    branches = layout(tree)
    x, y = branches.segments[:, [0, 2]], (branches.segments[:, [1, 3]] - zero) / unit
    traces = []
    for chosen, name, style in (
        (branches.certified, "saddles", {"color": INK}),
        (~branches.certified, "upper bounds, or not connected", {"dash": "4px,2px", "color": MUTED}),
    ):
        if chosen.any():
            traces.append(segments(zip(x[chosen], y[chosen], strict=True), name, width=1, **style))
    for name, recognition, colour, ids in conformer_families(analysis):
        shown = [i for i in ids if i in branches.leaves]
        if shown:
            traces.append(
                points(
                    shown,
                    [branches.leaves[i] for i in shown],
                    [heights[i] for i in shown],
                    name,
                    f"minimum %{{customdata}}, {name}<br>%{{y:.2f}} {analysis.unit.name}",
                    color=colour,
                    symbol=RECOGNITION_SYMBOLS[recognition],
                    size=min(6, point_size(len(branches.leaves))),
                )
            )
    return traces


def conformer_families(analysis: RunAnalysis) -> list[tuple[str, str, str, list[int]]]:
    """Return name, recognition, colour and ids of each group of conformers, by the pattern of hydrogen bonds.

    The patterns of the lowest conformers have a colour of their own, and all others share one. Conformers of a molecule
    without hydrogen bonds are grouped by class.

    Args:
        analysis: The analysed run.
    """
    conformers = [m.id for m in sorted(analysis.run.conformers, key=lambda m: m.energy)]
    patterns = dict.fromkeys(analysis.hydrogen_bonds[i] for i in conformers)
    if set(patterns) <= {NO_BONDS}:
        return [
            (panel_label(analysis, one, recognition), recognition, CLASS_COLOURS[one], ids)
            for one, recognition, ids in analysis.groups()
            if one.is_conformer
        ]
    colours = dict(zip(patterns, SERIES_COLOURS, strict=False))
    groups: dict[tuple[str, str], list[int]] = {}
    for i in conformers:
        pattern = analysis.hydrogen_bonds[i]
        name = pattern if pattern in colours else OTHER
        groups.setdefault((name, analysis.recognition[i]), []).append(i)
    ordered = sorted(groups, key=lambda key: [*colours, OTHER].index(key[0]))
    return [
        (", ".join(filter(None, (family_label(name), recognition))), recognition, colours.get(name, MUTED), ids)
        for name, recognition in ordered
        for ids in [groups[name, recognition]]
    ]


def _switch(n_energy: int, n_free: int, energy_title: str, free_title: str) -> dict[str, Any]:
    """Return the buttons that change between energies and free energies."""
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [
                {"visible": n_energy * [not is_free] + n_free * [is_free]},
                {"yaxis.title.text": title, "xaxis.autorange": True, "yaxis.autorange": True},
            ],
        }
        for label, title, is_free in (("energy", energy_title, False), ("free energy", free_title, True))
    ]
    # below the axis, because the legend fills the top of a narrow page
    below = {"x": 1, "xanchor": "right", "y": 0, "yanchor": "top", "pad": {"t": 30}}
    return {"type": "buttons", "direction": "right", "buttons": buttons} | below
