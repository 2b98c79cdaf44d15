"""Report of a hunt: what each round found, and verdicts of the model compared with its true errors."""

from pathlib import Path
from typing import Any

from explorer.files import write_text
from explorer.report.html import embedded_script, filled
from explorer.report.panel import SERIES_COLOURS, Panel, axis, drawing
from explorer.units import KCAL_PER_MOL
from explorer.wording import number_text

HUNT_COLUMNS = (
    "round",
    "molecules",
    "refused",
    "minima",
    "holes",
    "wrong energy",
    "wrong forces",
    "out of distribution",
    "uncertain",
    "calls in holes (%)",
    "frames",
    "force error at finds (meV/Å)",
)
VERDICT_COLUMNS = (
    "round",
    "verdict",
    "minima",
    "wrong",
    "wrong energy",
    "wrong forces",
    "force error, median (meV/Å)",
    "90th percentile",
    "energy error, median (kcal/mol)",
    "largest",
)
_REASONS = ("hole", "wrong energy", "wrong forces", "out-of-distribution", "uncertain")


def write_hunt_page(values: dict[str, Any], path: Path) -> Path:
    """Write the report of a hunt as one HTML file.

    Args:
        values: Content of `hunt.json`.
        path: HTML file to write.
    """
    rounds = values["rounds"]
    panel = finds_panel(rounds)
    text = filled(
        "hunt.html",
        **{name: values[name] for name in ("model", "reference", "evaluations")},
        max_energy_error=f"{values['max_energy_error'] / KCAL_PER_MOL:.1f}",
        max_force_error=f"{values['max_force_error']:.2f}",
        header=HUNT_COLUMNS,
        rows=hunt_table(rounds),
        verdict_header=VERDICT_COLUMNS,
        verdict_rows=verdict_rows(rounds),
        panel=panel,
        molecules=molecule_rows(rounds),
        data=embedded_script({panel.key: panel.figure}),
    )
    return write_text(text, path)


def hunt_table(rounds: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of text below `HUNT_COLUMNS`, one per round.

    Args:
        rounds: Records of the rounds, from `hunt.json`.
    """
    rows = []
    for one in rounds:
        before, after = one.get("force_error_at_finds", (None, None))
        rows.append(
            (
                str(one["round"]),
                str(one["n_molecules"]),
                str(one["n_refused"]),
                str(one["n_minima"]),
                *(str(one["finds"][reason]) for reason in _REASONS),
                f"{100 * one['hole_share']:.1f}",
                str(one["labels"]["n_frames"]) if "labels" in one else "–",
                f"{before:.0f} → {after:.0f}" if before is not None and after is not None else "–",
            )
        )
    return rows


def verdict_rows(rounds: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows of text below `VERDICT_COLUMNS`: verdicts before the training of a round, and true errors.

    Args:
        rounds: Records of the rounds, from `hunt.json`.
    """
    return [
        (
            str(one["round"]),
            row["verdict"],
            str(row["n"]),
            *(str(row[key]) for key in ("n_wrong", "n_wrong_energy", "n_wrong_forces")),
            *(number_text(row[key], 0) for key in ("force_error_median", "force_error_90")),
            *(number_text(row[key], 2) for key in ("energy_error_median", "energy_error_largest")),
        )
        for one in rounds
        for row in one["verdicts"]
    ]


def molecule_rows(rounds: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return rows of round, name, SMILES and finds for the molecules with finds or without a search.

    Args:
        rounds: Records of the rounds, from `hunt.json`.
    """
    return [
        (
            str(one["round"]),
            molecule["name"],
            molecule["smiles"],
            molecule["refused"] or ", ".join(f"{n} {reason}" for reason, n in molecule["finds"].items()),
        )
        for one in rounds
        for molecule in one["molecules"]
        if molecule["refused"] or molecule["finds"]
    ]


def finds_panel(rounds: list[dict[str, Any]]) -> Panel:
    """Return the panel with the shares of minima that each round found for each reason.

    Args:
        rounds: Records of the rounds, from `hunt.json`.
    """
    numbers = [one["round"] for one in rounds]
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": numbers,
            "y": [100 * one["finds"][reason] / max(one["n_minima"], 1) for one in rounds],
            "name": reason,
            "line": {"color": colour},
            "marker": {"size": 8},
            "hovertemplate": f"{reason}: %{{y:.1f}} %<extra></extra>",
        }
        for reason, colour in zip(_REASONS, SERIES_COLOURS, strict=False)
    ]
    figure = drawing(traces, axis("round", dtick=1), axis("share of all minima (%)", rangemode="tozero"))
    explanation = (
        "Share of the minima of all searches of a round that were labelled, by reason. A minimum counts for its "
        "strongest reason. Each round searches other molecules, with the model that the round before has trained."
    )
    return Panel("finds", "Finds by round", explanation, figure, wide=True)
