"""The figures of an exploration, in the order of the page."""

from explorer.report.energy_figures import discovery, spectrum
from explorer.report.graph_figures import disconnectivity_panel, minima_network
from explorer.report.identity_figures import identity
from explorer.report.panel import Panel
from explorer.report.torsion_figures import landscape_map, ramachandran
from explorer.report.uncertainty_figures import uncertainty_panel
from explorer.report.view import View


def exploration_panels(view: View) -> list[Panel]:
    """One panel per figure; a figure without data says why."""
    makers = (
        spectrum,
        discovery,
        ramachandran,
        landscape_map,
        minima_network,
        disconnectivity_panel,
        identity,
        uncertainty_panel,
    )
    return [make(view) for make in makers]
