"""Certification of the minima by their Hessians: counts, columns of the table of minima, saddle points."""

from typing import Any

import numpy as np

from explorer.analysis.certification import certification_counts, certification_sentence
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.free_energies import Thermochemistry
from explorer.records.certificates import Certificate, Saddle, SaddleEnd, StationaryPointType
from explorer.report.panel import numbers
from explorer.report.tables import ReportBlock, Row, Table
from explorer.units import KCAL_PER_MOL, REDUCED


def certification_columns(analysis: RunAnalysis) -> dict[str, list]:
    """Return the payload columns by id: type, lowest wavenumber (cm⁻¹), zero-point and free energy (kcal/mol)."""
    n = len(analysis.run.minima)
    certificates = {c.minimum: c for c in analysis.run.certificates}
    return {
        "verdict": [str(certificates[i].point_type) if i in certificates else "" for i in range(n)],
        "lowest": numbers([certificates[i].lowest_wavenumber if i in certificates else np.nan for i in range(n)], 1),
        "zeroPoint": numbers([_zero_point(analysis.thermochemistry, i) for i in range(n)], 2),
        "free": numbers([_relative(analysis.thermochemistry, i) for i in range(n)], 2),
    }


def listed_minima(analysis: RunAnalysis, n_rows: int) -> list[tuple[str, ...]]:
    """Return the lowest certified minima, and all structures that are not minima, as rows of text.

    The columns are those of `certified_minima_header`. The remark names the class of what is not a conformer, and the
    reason why it is not a minimum.

    Args:
        analysis: The analysed run.
        n_rows: Number of lowest structures.
    """
    by_energy = sorted(analysis.run.certificates, key=lambda c: c.energy)
    shown = [c for k, c in enumerate(by_energy) if k < n_rows or c.point_type != StationaryPointType.MINIMUM]
    return [_row(analysis, c) for c in shown]


def certified_minima_header(analysis: RunAnalysis) -> tuple[str, ...]:
    """Return the names of the columns of `listed_minima`."""
    if analysis.unit == REDUCED:
        return "minimum", f"energy ({REDUCED.name})", "type", "remark"
    free = f"free energy, {analysis.kelvin:g} K (kcal/mol)"
    return "minimum", "energy (kcal/mol)", "type", "softest vibration (cm⁻¹)", "ZPE (kcal/mol)", free, "remark"


def certification(analysis: RunAnalysis) -> ReportBlock:
    """Return the panel on certificates: counts, saddle points with both adjacent minima, and uncertified minima."""
    key, title, run = "certification", "Certification by Hessians", analysis.run
    counted = certification_counts(analysis)
    if counted is None:
        absent = "The Hessians of these minima have not been computed. Use <code>pes-explore certify RUN</code>."
        return ReportBlock(key, title, "Hessians tell minima from saddle points.", absent=absent)
    explanation = (
        f"Of {len(run.minima)} stored minima: {certification_sentence(counted)}. Each structure was relaxed tightly "
        "in float64. A minimum has no eigenvalue below -(10 cm⁻¹)². A saddle point was displaced in both directions "
        "along its softest vibration and relaxed. Free energies (quasi-RRHO) are relative to the lowest computed one."
    )
    saddles = [Row(_saddle_cells(analysis, saddle), saddle.minimum) for saddle in run.saddles]
    uncertified = [
        Row((c.minimum, c.reason), c.minimum)
        for c in run.certificates
        if c.point_type == StationaryPointType.NOT_CERTIFIED
    ]
    names = ("minimum", f"energy ({analysis.unit.name})", "imaginary wavenumbers (cm⁻¹)", "first side", "second side")
    parts = [
        Table(names, saddles, "Saddle points", words=(3, 4)),
        Table(("minimum", "reason"), uncertified, "Not certified", words=(1,)),
    ]
    return ReportBlock(key, title, explanation, [part for part in parts if part.rows])


def _saddle_cells(analysis: RunAnalysis, saddle: Saddle) -> tuple[Any, ...]:
    imaginary = ", ".join(f"{-w:.0f}i" for w in saddle.wavenumbers if w < 0)
    return (
        saddle.minimum,
        f"{float(analysis.relative(saddle.energy)):.2f}",
        imaginary,
        *(_where(analysis, end) for end in saddle.ends),
    )


def _where(analysis: RunAnalysis, end: SaddleEnd) -> str:
    """Return type and energy of an adjacent stationary point, and its id in the run, as text."""
    place = f"{end.point_type} at {float(analysis.relative(end.energy)):.2f} {analysis.unit.name}"
    known = "not found by the run" if end.minimum is None else f"minimum {end.minimum} of the run"
    return f"{place}, {known}" + (f" ({end.reason})" if end.reason else "")


def _zero_point(known: dict[int, Thermochemistry], i: int) -> float:
    return known[i].zero_point_energy / KCAL_PER_MOL if i in known else np.nan


def _relative(known: dict[int, Thermochemistry], i: int) -> float:
    """Return the free energy relative to the lowest computed one, kcal/mol."""
    if i not in known:
        return np.nan
    return (known[i].free_energy - min(t.free_energy for t in known.values())) / KCAL_PER_MOL


def _row(analysis: RunAnalysis, certificate: Certificate) -> tuple[str, ...]:
    i, known = certificate.minimum, analysis.thermochemistry
    values = (certificate.lowest_wavenumber, _zero_point(known, i), _relative(known, i))
    texts = [format(v, form) if np.isfinite(v) else "–" for v, form in zip(values, (".1f", ".2f", ".2f"), strict=True)]
    structure_class = analysis.run.minima[i].structure_class
    remarks = ["" if structure_class.is_conformer else str(structure_class), certificate.reason]
    remark = "; ".join(text for text in remarks if text)
    if analysis.unit == REDUCED:  # vibrations and free energies of reduced units have no meaning in cm⁻¹ and K
        texts = []
    return str(i), f"{analysis.energies[i]:.2f}", str(certificate.point_type), *texts, remark
