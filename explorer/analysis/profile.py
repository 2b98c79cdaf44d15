"""Energy profile of a path between two sets of minima, with the structures along it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import networkx as nx
import numpy as np
from jaxtyping import Float

from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.graph import minima_graph, saddles_only
from explorer.landscape.paths import MinimaxPath, minimax_path
from explorer.similarity.alignment import aligned_to
from explorer.similarity.mirror import merges_mirror_images
from explorer.wording import counted


class PointKind(StrEnum):
    """What a point of a profile is."""

    MINIMUM = "minimum"
    SADDLE = "saddle"
    BOUND = "upper bound"  # of the energy between two minima without a known saddle; it has no structure


class ProfilePoint(NamedTuple):
    """Point of an energy profile.

    Attributes:
        kind: What it is.
        id: Id of the minimum or of the saddle; None for an upper bound.
        energy: Energy, eV.
        positions: Structure, aligned to the one before, Å; None for an upper bound.
    """

    kind: PointKind
    id: int | None
    energy: float
    positions: Float[np.ndarray, "N 3"] | None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Path between two minima.

    Attributes:
        points: Minima, and between each two of them a saddle or an upper bound.
        remarks: What it rests on, as sentences.
    """

    points: tuple[ProfilePoint, ...]
    remarks: tuple[str, ...] = ()

    @property
    def barrier(self) -> float:
        """Highest energy above the first minimum, eV."""
        return max(point.energy for point in self.points) - self.points[0].energy


def lowest_barrier_profile(analysis: RunAnalysis, starts: list[int], ends: list[int]) -> Profile | None:
    """Return the path whose highest point is lowest, over saddles if they connect the minima, else over bounds too.

    Args:
        analysis: The analysed run.
        starts: Ids of the minima in which it may start.
        ends: Ids of the minima in which it may end.

    Returns:
        The profile; None if nothing but jumps connects the minima.
    """
    graph = minima_graph(analysis.run)
    over_saddles = _lowest(saddles_only(graph), starts, ends)
    over_all = _lowest(graph, starts, ends)
    path = over_saddles or over_all
    if path is None or over_all is None:
        return None
    remarks = []
    if over_saddles is None:
        n = sum(one is None for one in path.saddles)
        remarks.append(
            f"Certified saddles do not connect these minima: {counted(n, 'step')} of {len(path.saddles)} only "
            "with an upper bound of the barrier."
        )
    elif over_all.upper_bound < over_saddles.upper_bound:
        lower = float(analysis.relative(over_all.upper_bound))
        remarks.append(f"A hop shows that a path below {lower:.2f} kcal/mol exists, whose saddles are not known yet.")
    return profile_of(analysis, path.ids, path.saddles, path.heights, remarks)


def _lowest(graph: nx.MultiGraph, starts: list[int], ends: list[int]) -> MinimaxPath | None:
    paths = [minimax_path(graph, a, b) for a, b in _nearest_pairs(graph, starts, ends)]
    found = [path for path in paths if path is not None]
    return min(found, key=lambda path: (path.upper_bound, len(path.ids)), default=None)


def _nearest_pairs(graph: nx.MultiGraph, starts: list[int], ends: list[int]) -> list[tuple[int, int]]:
    """Return the lowest minimum of both sets in each connected part of the graph."""

    def lowest(ids: set[int]) -> int:
        return min(ids, key=lambda id: (graph.nodes[id]["energy"], id))

    parts = [(set(starts) & part, set(ends) & part) for part in nx.connected_components(graph)]
    return [(lowest(a), lowest(b)) for a, b in parts if a and b]


def profile_of(
    analysis: RunAnalysis,
    ids: tuple[int, ...],
    saddles: tuple[int | None, ...],
    heights: tuple[float, ...],
    remarks: list[str],
) -> Profile:
    """Return the profile of a sequence of minima and saddles.

    Args:
        analysis: The analysed run.
        ids: Ids of the minima.
        saddles: Id of the saddle of each step; None where only an upper bound is known.
        heights: Energy of each step, eV.
        remarks: What the path rests on, as sentences.
    """
    run, points, before = analysis.run, [], None
    mirrored = merges_mirror_images(analysis.symmetry, analysis.identity)

    def add(kind: PointKind, id: int | None, energy: float, positions: np.ndarray | None) -> None:
        nonlocal before
        if positions is not None:
            aligned = positions if before is None else aligned_to(analysis.symmetry, before, positions, mirrored)
            positions = before = aligned
        points.append(ProfilePoint(kind, id, energy, positions))

    for k, id in enumerate(ids):
        if k:
            saddle = saddles[k - 1]
            structure = None if saddle is None else run.transition_states[saddle].positions
            kind = PointKind.BOUND if saddle is None else PointKind.SADDLE
            add(kind, saddle, heights[k - 1], structure)
        add(PointKind.MINIMUM, id, run.minima[id].energy, run.minima[id].positions)
    return Profile(points=tuple(points), remarks=tuple(remarks))
