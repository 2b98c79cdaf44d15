"""The report: one HTML file with figures, structures and scripts inside, opened without a network."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from explorer import __version__
from explorer.records.run import RunRecord
from explorer.report import tables
from explorer.report.certification import certification
from explorer.report.changes import changes
from explorer.report.coverage import coverage_table
from explorer.report.figures import exploration_panels
from explorer.report.headline import headline, remarks
from explorer.report.payload import payload
from explorer.report.properties_table import properties
from explorer.report.stability import stability, survival
from explorer.report.uncertainty_figures import uncertainty_table
from explorer.report.validation_figures import rmsd_panel, validation_panel
from explorer.report.view import View
from explorer.topology.describe import describe

FOLDER = Path(__file__).parent


def write_report(run: RunRecord, path: Path, temperature: float = 300.0) -> Path:
    """Write the report of a run.

    Args:
        run: everything the store holds about it.
        path: the HTML file; its folder is made.
        temperature: K, of the populations that the page shows first.

    Returns:
        The path, for printing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(run, temperature), encoding="utf-8")
    return path


def render(run: RunRecord, temperature: float = 300.0) -> str:
    """The page as text; see `write_report`."""
    view = View(run)
    panels = exploration_panels(view)
    check = validation_panel(view)
    checks = [p for p in (check, rmsd_panel(view), survival(view)) if p]
    figures = {p.key: p.figure for p in (*panels, *checks) if p.figure}
    data = payload(view, temperature) | {"figures": figures}
    return filled(
        "template.html",
        **_molecule(run),
        headline=headline(view),
        remarks=remarks(view),
        panels=panels,
        tables=[coverage_table(view), tables.outcomes(view), changes(view), tables.training(view), certification(view)],
        properties=properties(view),
        checks=checks,
        check_tables=[block for block in (tables.validation_table(view), stability(view)) if block],
        doubts=uncertainty_table(view),
        groups=tables.setting_groups(view),
        n_minima=len(run.minima),
        temperature=f"{temperature:g}",
        data=embedded_script(data),
        viewer_js=_asset("viewer.js"),
        page_js=_asset("page.js"),
    )


def filled(template: str, **values: Any) -> str:
    """A page of this folder with its values, the style of all pages and Plotly."""
    environment = Environment(
        loader=PackageLoader("explorer.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(
        version=__version__, plotly=Markup(get_plotlyjs()), css=_asset("page.css"), **values
    )


def embedded_script(data: Any) -> Markup:
    """JSON that may stand inside a script element: no `<` is left that could close it."""
    return Markup(json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))


def _asset(name: str) -> Markup:
    return Markup((FOLDER / name).read_text(encoding="utf-8"))


def _molecule(run: RunRecord) -> dict[str, Any]:
    facts = describe(run.molecule)
    return {
        "name": facts["name"],
        "formula": facts["formula"].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")),
        "n_atoms": facts["n_atoms"],
        "charge": f"{facts['charge']:+d} e" if facts["charge"] else "0",
        "potential": run.config.get("potential", "unknown"),
        "digest": run.provenance.get("potential_digest", ""),
        "source": facts["source"],
    }
