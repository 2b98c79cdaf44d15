"""HTML report of a run: one file that contains figures, structures and scripts, and needs no network."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from explorer import __version__
from explorer.analysis.run_analysis import RunAnalysis
from explorer.files import write_text
from explorer.records.run import RunRecord
from explorer.report.barriers_table import barriers_table
from explorer.report.certification import certification
from explorer.report.changes import changes
from explorer.report.coverage import coverage_table
from explorer.report.disconnectivity_figure import disconnectivity_panel
from explorer.report.energy_figures import discovery, spectrum
from explorer.report.graph_figures import minima_network
from explorer.report.headline import headline, remarks
from explorer.report.hop_tables import outcomes
from explorer.report.identity_figures import identity
from explorer.report.landscape_tables import exchanges_table
from explorer.report.minima_tables import lowest_minima, training, validation_table
from explorer.report.path_animation import path_animation
from explorer.report.payload import payload
from explorer.report.profile_figure import highest_barrier_profile, profile_panel
from explorer.report.properties_table import properties
from explorer.report.relaxation_figure import relaxation_panel
from explorer.report.settings_tables import setting_groups
from explorer.report.stability import stability, survival
from explorer.report.torsion_figures import landscape_map, ramachandran
from explorer.report.uncertainty_figures import uncertainty_panel, uncertainty_table
from explorer.report.unknown import unknown_minima
from explorer.report.validation_figures import rmsd_panel, validation_panel
from explorer.topology.describe import describe

_FOLDER = Path(__file__).parent
EXPLORATION_PANELS = (  # in the order of the page
    spectrum,
    discovery,
    ramachandran,
    landscape_map,
    uncertainty_panel,
    minima_network,
    disconnectivity_panel,
)

CHECK_TABLES = (validation_table, barriers_table, stability)
TABLES = (coverage_table, outcomes, changes, training, certification, exchanges_table)


def write_report(analysis: RunAnalysis, summary: dict[str, Any], path: Path) -> Path:
    """Write the report of a run as one HTML file.

    Args:
        analysis: The analysed run.
        summary: Its summary, from `analysis.summary.summarise`.
        path: HTML file to write; its folder is created.

    Returns:
        The path.
    """
    return write_text(render(analysis, summary), Path(path))


def render(analysis: RunAnalysis, summary: dict[str, Any]) -> str:
    """Return the report as HTML text.

    Args:
        analysis: The analysed run.
        summary: Its summary, from `analysis.summary.summarise`.
    """
    run, panels = analysis.run, [make(analysis) for make in EXPLORATION_PANELS]
    profile = highest_barrier_profile(analysis)
    panels += [panel for panel in (profile_panel(analysis, profile), relaxation_panel(analysis)) if panel]
    check = validation_panel(analysis)
    checks = [p for p in (check, rmsd_panel(analysis), survival(analysis), identity(analysis)) if p]
    figures = {p.key: p.figure for p in (*panels, *checks) if p.figure}
    animation = path_animation(analysis, profile)
    data = payload(analysis) | {"figures": figures, "path": animation}
    return filled(
        "template.html",
        **_molecule(run),
        headline=headline(analysis, summary),
        remarks=[*analysis.run.molecule.remarks, *remarks(analysis)],
        panels=panels,
        tables=[block for make in TABLES if (block := make(analysis))],
        lowest=lowest_minima(analysis),
        properties=properties(analysis),
        checks=checks,
        check_tables=[block for make in CHECK_TABLES if (block := make(analysis))],
        reliability=uncertainty_table(analysis),
        unknown=unknown_minima(analysis),
        groups=setting_groups(analysis),
        n_minima=len(run.results),
        is_compared=run.comparison is not None,
        temperature=f"{analysis.kelvin:g}",
        data=embedded_script(data),
        viewer_js=_asset("viewer.js"),
        is_animated=animation is not None,
        path_player_js=_asset("path_player.js"),
        figures_js=_asset("figures.js"),
        page_js=_asset("page.js"),
    )


def filled(template: str, **values: Any) -> str:
    """Fill a template of this folder, and add the common style sheet and Plotly.

    Args:
        template: File name of the template.
        values: Variables of the template.
    """
    environment = Environment(
        loader=PackageLoader("explorer.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(
        version=__version__, plotly=Markup(get_plotlyjs()), css=_asset("page.css"), **values
    )


def embedded_script(data: Any) -> Markup:
    """Return JSON text for a script element; `<` is escaped, so that no text can close the element.

    Args:
        data: Values that JSON can represent.
    """
    return Markup(json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))


def _asset(name: str) -> Markup:
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))


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
