"""What searches found against the force calls they spent: a thin line for each, a thick one for their median."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

N_POINTS = 200  # of the median line
Curve = tuple[Sequence[int], int]  # force calls at which each thing was found, ascending; force calls spent


def counts_at(found_after: Sequence[int], calls: Float[np.ndarray, "n"]) -> np.ndarray:
    """How many things were found within so many force calls."""
    return np.searchsorted(np.asarray(found_after), calls, side="right")


def draw(curves: Mapping[str, Sequence[Curve]], title: str, what: str, path: Path, total: int | None = None) -> Path:
    """The picture, both axes logarithmic; a share of `total` on linear axes where that is given.

    Args:
        curves: of the searches of each program.
        title: above it.
        what: was found.
        path: of the SVG.
        total: that could be found.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    scale = 1 if total is None else 1 / total
    for k, (name, searches) in enumerate(curves.items()):
        colour = f"C{k}"
        for found_after, spent in searches:
            counts = np.arange(1, len(found_after) + 1)
            steps = np.append(found_after, spent), np.append(counts, len(found_after)) * scale
            axes.plot(*steps, drawstyle="steps-post", color=colour, linewidth=0.6, alpha=0.6)
        shared = min(spent for _, spent in searches)
        calls = np.geomspace(10, shared, N_POINTS)
        median = np.median([counts_at(found_after, calls) for found_after, _ in searches], axis=0) * scale
        seen = median > 0
        axes.plot(calls[seen], median[seen], color=colour, linewidth=2, label=f"{name} ({len(searches)})")
    kind = "log" if total is None else "linear"
    axes.set(xscale=kind, yscale=kind, xlabel="force calls", ylabel=what)
    axes.set_title(title, fontsize=9)
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})
    return path
