"""Energy contributions, dipole moments and charges of the lowest minima, if the model provides them."""

import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.properties import Properties
from explorer.report.payload import atom_labels
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL

N_PROPERTY_ROWS = 50  # lowest minima in the table; not tuned
PARTS = ("local", "zbl", "electrostatic", "dispersion")


def properties(analysis: RunAnalysis) -> ReportBlock | None:
    """Return the panel with one row per minimum; None for a model without charges."""
    known = analysis.run.properties
    if known is None or not len(known):
        return None
    order = [int(i) for i in analysis.order if i < len(known)][:N_PROPERTY_ROWS]
    labels = atom_labels(analysis.run.molecule)
    rows = [Row(_cells(analysis, known, labels, i, order[0]), i) for i in order]
    columns = ("minimum", "energy (kcal/mol)", *PARTS, "dipole (D)", "most negative atom", "most positive atom")
    explanation = (
        f"Energy contributions of the {len(order)} lowest minima, relative to the first row (kcal/mol): atomic "
        "energies of the network (local), screened nuclear repulsion (ZBL), electrostatics of the partial charges, and "
        "dispersion."
        + (
            " Dipole moments of this charged molecule refer to the geometric centre of the atoms."
            if analysis.run.molecule.total_charge
            else ""
        )
    )
    table = Table(columns, rows, words=(7, 8))
    return ReportBlock("properties", "Energy contributions, dipole moments and charges", explanation, [table])


def _cells(analysis: RunAnalysis, known: Properties, labels: list[str], i: int, lowest: int) -> tuple[str | int, ...]:
    parts = [f"{(getattr(known, part)[i] - getattr(known, part)[lowest]) / KCAL_PER_MOL:+.2f}" for part in PARTS]
    charges = known.charges[i]
    extremes = [f"{labels[k]} {charges[k]:+.2f} e" for k in (int(np.argmin(charges)), int(np.argmax(charges)))]
    return i, f"{analysis.energies[i]:.2f}", *parts, f"{known.dipole_moments[i]:.2f}", *extremes
