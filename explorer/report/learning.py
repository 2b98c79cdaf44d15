"""Report of active learning: errors of the minima and changes of the landscape in every round."""

from pathlib import Path
from typing import Any

from explorer.files import write_text
from explorer.report.html import embedded_script, filled
from explorer.report.panel import MUTED, RELATIVE_ENERGY, SERIES_COLOURS, Panel, axis, drawing, points, segments
from explorer.units import KCAL_PER_MOL
from explorer.wording import number_text

LEARNING_COLUMNS = (
    "round",
    "labelled frames",
    "force error (meV/Å)",
    "same conformer",
    "RMSD (Å)",
    "energy error (kcal/mol)",
    "conformers",
    "change of the lowest energy (kcal/mol)",
    "stayed / moved / vanished / appeared",
)
_STAYED_COLOUR, _MOVED_COLOUR, _VANISHED_COLOUR, _APPEARED_COLOUR = "#0072B2", "#E69F00", "#D55E00", "#009E73"
MAX_LEVEL_ENERGY = 12.0  # kcal/mol; higher levels are outside the figure; not tuned
_HALF_LEVEL_WIDTH = 0.02  # half the width of a drawn level, in rounds; not tuned


def write_learning_page(values: dict[str, Any], path: Path) -> Path:
    """Write the report of active learning as one HTML file.

    Args:
        values: Content of `learn.json`.
        path: HTML file to write.
    """
    panels = [errors_panel(values["rounds"]), levels_panel(values["rounds"])]
    text = filled(
        "learning.html",
        **{name: values[name] for name in ("molecule", "reference", "held_out")},
        header=LEARNING_COLUMNS,
        rows=learning_table(values["rounds"]),
        panels=panels,
        changes=[(one["round"], listed_rounds(one["landscape"])) for one in values["rounds"][1:]],
        data=embedded_script({panel.key: panel.figure for panel in panels}),
    )
    return write_text(text, path)


def learning_table(rounds: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of text below `LEARNING_COLUMNS`, one per round; errors refer to the held-out conformers.

    Args:
        rounds: Records of the rounds, from `learn.json`.
    """
    rows = []
    for one in rounds:
        errors, labels, landscape = one["check"], one.get("labels"), one.get("landscape")
        fates = ("stayed", "moved", "vanished", "appeared")
        rows.append(
            (
                str(one["round"]),
                str(labels["n_frames"]) if labels else "–",
                number_text(errors["force_error"], 1),
                f"{errors['n_stayed']} of {errors['n']}",
                number_text(errors["rmsd"], 3),
                number_text(errors["energy_error"], 2),
                str(one["n_conformers"]),
                f"{landscape['lowest_change'] / KCAL_PER_MOL:+z.2f}" if landscape else "–",
                " / ".join(str(landscape[f"n_{fate}"]) for fate in fates) if landscape else "–",
            )
        )
    return rows


def errors_panel(rounds: list[dict[str, Any]]) -> Panel:
    """Return the panel with the errors of the held-out minima by round, relative to those of round 0.

    Args:
        rounds: Records of the rounds, from `learn.json`.
    """
    numbers = [one["round"] for one in rounds]
    names = {"force_error": "force", "rmsd": "RMSD", "energy_error": "relative energy"}
    traces = []
    for (key, name), colour in zip(names.items(), SERIES_COLOURS, strict=False):
        first = rounds[0]["check"][key]
        shares = [
            100 * one["check"][key] / first if first and one["check"][key] is not None else None for one in rounds
        ]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": numbers,
                "y": shares,
                "name": name,
                "line": {"color": colour},
                "marker": {"size": 8},
                "hovertemplate": f"{name}: %{{y:.0f}} %<extra></extra>",
            }
        )
    figure = drawing(traces, axis("round", dtick=1), axis("error relative to round 0 (%)", rangemode="tozero"))
    explanation = (
        "Errors for held-out conformers, which are never labelled: the reference force at the minimum of the model, "
        "the heavy-atom RMSD between this minimum and its relaxation with the reference, and the relative energies."
    )
    return Panel("errors", "Error of the minima", explanation, figure, wide=True)


def levels_panel(rounds: list[dict[str, Any]]) -> Panel:
    """Return the panel with the energy levels of every round, connected to those of the next round.

    Args:
        rounds: Records of the rounds, from `learn.json`.
    """
    paths: dict[str, list] = {"stayed": [], "moved": [], "vanished": []}
    ends: dict[str, list[tuple[int, float, float]]] = {"appeared": [], "not found again": [], "vanished or lost": []}
    minima = [(i, one["round"], e / KCAL_PER_MOL) for one in rounds for i, e in one["minima"]]
    for one in rounds[1:]:
        number, landscape = one["round"], one["landscape"]
        for change in landscape["changes"]:
            before, after = change["before"] / KCAL_PER_MOL, change["after"]
            if after is not None and change["fate"] in paths:
                ways = [number - 1 + _HALF_LEVEL_WIDTH, number - _HALF_LEVEL_WIDTH], [before, after / KCAL_PER_MOL]
                paths[change["fate"]].append(ways)
            if change["fate"] in ("vanished", "lost"):
                ends["vanished or lost"].append((change["id"], number - 1, before))
            elif change["found"] is None and after is not None:
                ends["not found again"].append((change["id"], number, after / KCAL_PER_MOL))
        new = zip(landscape["appeared"], landscape["appeared_energies"], strict=True)
        ends["appeared"] += [(i, number, energy / KCAL_PER_MOL) for i, energy in new]
    colours = {
        "stayed": _STAYED_COLOUR,
        "moved": _MOVED_COLOUR,
        "vanished": _VANISHED_COLOUR,
        "appeared": _APPEARED_COLOUR,
        "not found again": MUTED,
        "vanished or lost": _VANISHED_COLOUR,
    }
    traces = [segments(ways, name, color=colours[name]) for name, ways in paths.items() if ways]
    traces += [_levels(minima, "minima of the run", "#1d2a35")]
    traces += [_levels(places, name, colours[name]) for name, places in ends.items() if places]
    top = min(MAX_LEVEL_ENERGY, max((e for _, _, e in minima), default=MAX_LEVEL_ENERGY)) + 0.5
    figure = drawing(traces, axis("round", dtick=1), axis(RELATIVE_ENERGY, range=[-0.5, top]), 640)
    explanation = (
        "Energies of the conformers of every round, relative to the lowest one. Lines lead to the same conformer on "
        "the surface of the next model. A conformer that was not found again is a minimum of the next model that the "
        "search did not visit."
    )
    return Panel("levels", "The landscape from round to round", explanation, figure, wide=True)


def _levels(places: list[tuple[int, float, float]], name: str, colour: str) -> dict[str, Any]:
    ids, x, y = zip(*places, strict=True) if places else ((), (), ())
    hover = "minimum %{customdata}<br>%{y:.2f} kcal/mol"
    line = {"width": 2, "color": colour}
    return points(ids, x, y, name, hover, symbol="line-ew", size=22, color=colour, line=line)


def listed_rounds(landscape: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return rows of text for the conformers that did not stay, in ascending energy.

    Args:
        landscape: Changes of the landscape in one round, from `learn.json`.
    """
    rows = []
    for change in sorted(landscape["changes"], key=lambda one: one["before"]):
        if change["fate"] == "stayed":
            continue
        after, into = change["after"], change["into"]
        rows.append(
            (
                str(change["id"]),
                change["fate"] + (f" into {into}" if into is not None else ""),
                number_text(change["rmsd"], 2),
                f"{change['before'] / KCAL_PER_MOL:.2f}",
                number_text(None if after is None else after / KCAL_PER_MOL, 2),
                "–" if change["found"] is None else str(change["found"]),
            )
        )
    return rows
