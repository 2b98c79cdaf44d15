"""Disconnectivity graph as a picture, for landscapes without a run."""

from pathlib import Path

import networkx as nx
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from explorer.files import write_atomically
from explorer.landscape.disconnectivity import clipped, disconnectivity, layout

_NUMBERED = 20  # lowest minima with their number; not tuned


def draw_disconnectivity(graph: nx.MultiGraph, unit: float, label: str, path: Path) -> None:
    """Draw the disconnectivity graph, with the numbers of the lowest minima; the top is where all of it is joined.

    Args:
        graph: Minima with `energy` and edges with `upper_bound`, eV.
        unit: Unit of the axis, eV.
        label: Name of this unit.
        path: File to write, .svg or .png.
    """
    tree = disconnectivity(graph)
    merges = [values["energy"] for _, values in tree.nodes(data=True) if "certified" in values]
    branches = layout(clipped(tree, max(merges)) if merges else tree)
    energies = nx.get_node_attributes(graph, "energy")
    zero = min(energies.values(), default=0.0)
    heights = {node: (energy - zero) / unit for node, energy in energies.items()}
    lines = branches.segments.reshape(-1, 2, 2).copy()
    lines[..., 1] = (lines[..., 1] - zero) / unit
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    axes.add_collection(LineCollection(list(lines), colors="#1d2a35", linewidths=0.8))
    for node in sorted(heights, key=heights.__getitem__)[:_NUMBERED]:
        axes.annotate(str(node), (branches.leaves[node], heights[node]), ha="center", va="top", fontsize=8)
    axes.autoscale_view()
    axes.set(ylabel=f"relative energy ({label})", xticks=[])
    axes.margins(0.02, 0.06)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    with write_atomically(path) as temporary:
        figure.savefig(temporary)
