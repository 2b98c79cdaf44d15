"""Common elements of the figures: Plotly traces and layouts as dictionaries, colours and symbols."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.analysis.run_analysis import KNOWN, NEW, UNCOMPARED, RunAnalysis
from explorer.records.structure_class import StructureClass

# palette of Okabe and Ito, distinguishable with all common forms of colour blindness (jfly.uni-koeln.de/color)
CLASS_COLOURS = {
    StructureClass.INTACT: "#0072B2",
    StructureClass.CIS_AMIDE: "#E69F00",
    StructureClass.TRANS_AMIDE: "#56B4E9",
    StructureClass.STEREO_INVERTED: "#D55E00",
    StructureClass.PROTON_TRANSFERRED: "#CC79A7",
    StructureClass.BOND_BROKEN: "#5B4A8A",
    StructureClass.FRAGMENTED: "#7A7A7A",
    StructureClass.CLASHED: "#B8A800",
}
SERIES_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
RECOGNITION_SYMBOLS = {KNOWN: "circle", NEW: "diamond", UNCOMPARED: "circle"}
INK, MUTED, GRID, FRAMES = "#1d2a35", "#5c6b78", "#e4e9ed", "#b9c2ca"
FONT = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"
ENERGY_SCALE = "Viridis"
RELATIVE_ENERGY = "relative energy (kcal/mol)"
NO_MINIMA = "The run has no result yet. Continue it with <code>pes-explore run --resume DIR</code>."


@dataclass(frozen=True)
class Panel:
    """One figure of the page.

    Attributes:
        key: Id of its HTML element, after `panel-`.
        title: Heading.
        explanation: Short text below the heading.
        figure: Plotly `data` and `layout`; None if there is nothing to show.
        absent: HTML text that is shown in place of the figure.
        wide: Whether the panel spans the page.
    """

    key: str
    title: str
    explanation: str
    figure: dict[str, Any] | None = None
    absent: str = ""
    wide: bool = False


def numbers(values: Any, digits: int = 3) -> list[float | None]:
    """Return rounded values for the page; values that are not finite become None.

    Args:
        values: Numbers in any shape.
        digits: Decimals to keep.
    """
    return [round(float(v), digits) if np.isfinite(v) else None for v in np.asarray(values, dtype=float).ravel()]


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return a Plotly axis in the style of the page.

    Args:
        title: Title with the unit.
        more: Further attributes of the axis.
    """
    look = {
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": MUTED,
        "showline": True,
        "automargin": True,
        "ticks": "outside",
        "tickcolor": MUTED,
        "ticklen": 4,
    }
    return {"title": {"text": title, "standoff": 8}} | look | more


def drawing(
    traces: list[dict[str, Any]], xaxis: dict[str, Any], yaxis: dict[str, Any], height: int = 400, **more: Any
) -> dict[str, Any]:
    """Return a Plotly figure on a white background, with the legend above.

    Args:
        traces: Traces; the longest name sets the width of the legend entries.
        xaxis: Axis from `axis`.
        yaxis: Axis from `axis`.
        height: Height, pixels.
        more: Further attributes of the layout.
    """
    longest = max(len(t.get("name", "")) for t in traces if t.get("showlegend", True))
    style = {
        "height": height, "margin": {"l": 58, "r": 14, "t": 12, "b": 50}, "hovermode": "closest",
        "paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff", "font": {"family": FONT, "size": 12, "color": INK},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11},
                   "itemsizing": "constant", "traceorder": "normal", "entrywidth": round(6.2 * longest) + 4},
        "xaxis": xaxis, "yaxis": yaxis,
    }  # fmt: skip
    return {"data": traces, "layout": style | more}


def point_size(count: int) -> float:
    """Return the marker size, pixels, that keeps points separate: 8 up to 100 points, 4.5 for 1000.

    Args:
        count: Number of points.
    """
    return round(float(np.clip(8 * (100 / max(count, 1)) ** 0.25, 4, 8)), 1)


def points(ids: Any, x: Any, y: Any, name: str, hover: str, **marker: Any) -> dict[str, Any]:
    """Return a trace of clickable points.

    Args:
        ids: Index of the structure that a click on each point shows.
        x: Horizontal coordinates.
        y: Vertical coordinates.
        name: Text of the legend.
        hover: Template of the tooltip.
        marker: Attributes of the marker.
    """
    return {
        "type": "scatter",
        "mode": "markers",
        "x": numbers(x),
        "y": numbers(y),
        "name": name,
        "customdata": [int(i) for i in ids],
        "hovertemplate": hover + "<extra></extra>",
        "marker": {"size": 8, "line": {"width": 0.6, "color": "#ffffff"}} | marker,
    }


def segments(paths: Any, name: str, **line: Any) -> dict[str, Any]:
    """Return a trace of separate lines.

    Args:
        paths: Pairs of (x values, y values), one pair per line.
        name: Text of the legend.
        line: Attributes of the line.
    """
    x: list[float | None] = []
    y: list[float | None] = []
    for path_x, path_y in paths:
        x += [*numbers(path_x), None]
        y += [*numbers(path_y), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "hoverinfo": "skip",
        "connectgaps": False,
        "line": {"width": 1, "color": MUTED} | line,
    }


def legend_entry(name: str, symbol: str) -> dict[str, Any]:
    """Return a legend entry for points with individual colours."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [None],
        "y": [None],
        "name": name,
        "hoverinfo": "skip",
        "marker": {"symbol": symbol, "color": MUTED, "size": 8},
    }


def energy_label(analysis: RunAnalysis) -> str:
    """Return the title of an axis of relative energies."""
    return f"relative energy ({analysis.unit.name})"


def class_name(analysis: RunAnalysis, structure_class: StructureClass) -> str:
    """Return the name of a structure class; the minima of a cluster have none."""
    return "minima" if analysis.is_cluster else str(structure_class)


def panel_label(analysis: RunAnalysis, structure_class: StructureClass, recognition: str) -> str:
    """Return the legend text of a group of minima."""
    name = class_name(analysis, structure_class)
    return f"{name}, {recognition}" if recognition else name


def energy_colours(analysis: RunAnalysis) -> dict[str, Any]:
    """Return the colour axis of relative energies; the highest fiftieth of the results has the last colour."""
    top = float(np.percentile(analysis.energies[analysis.results], 98))
    bar = {"title": {"text": energy_label(analysis), "side": "right"}, "thickness": 12, "outlinewidth": 0}
    return {"colorscale": ENERGY_SCALE, "cmin": 0, "cmax": round(max(top, 0.1), 2), "colorbar": bar}
