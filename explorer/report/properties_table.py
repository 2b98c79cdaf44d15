"""The parts of the energy and the dipoles of the lowest minima, where the model knows them."""

import numpy as np

from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.properties import Properties
from explorer.report.payload import atom_labels
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL

N_PROPERTY_ROWS = 50
PARTS = ("local", "zbl", "electrostatic", "dispersion")


def properties(analysis: RunAnalysis) -> ReportBlock | None:
    """One row per minimum; None for a model without charges."""
    known = analysis.run.properties
    if known is None or not len(known):
        return None
    order = [int(i) for i in analysis.order if i < len(known)][:N_PROPERTY_ROWS]
    labels = atom_labels(analysis.run.molecule)
    rows = [Row(_cells(analysis, known, labels, i, order[0]), i) for i in order]
    columns = ("minimum", "energy (kcal/mol)", *PARTS, "dipole (D)", "most negative atom", "most positive atom")
    explanation = (
        f"Parts of the energy of the {len(order)} lowest minima, kcal/mol above those of the first row: the network's "
        "atoms, the repulsion of nuclei, the partial charges, the dispersion. Dipole moments"
        + (
            " are about the centre of the atoms, since the molecule is charged."
            if analysis.run.molecule.total_charge
            else "."
        )
    )
    table = Table(columns, rows, words=(7, 8))
    return ReportBlock("properties", "Energy parts, dipoles, charges", explanation, [table], wide=True)


def _cells(analysis: RunAnalysis, known: Properties, labels: list[str], i: int, lowest: int) -> tuple[str | int, ...]:
    parts = [f"{(getattr(known, part)[i] - getattr(known, part)[lowest]) / KCAL_PER_MOL:+.2f}" for part in PARTS]
    charges = known.charges[i]
    extremes = [f"{labels[k]} {charges[k]:+.2f} e" for k in (int(np.argmin(charges)), int(np.argmax(charges)))]
    return i, f"{analysis.energies[i]:.2f}", *parts, f"{known.dipole_moments[i]:.2f}", *extremes
