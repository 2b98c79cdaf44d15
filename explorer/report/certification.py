"""What the Hessians say about the minima: counts, columns of the table of minima, and what is no minimum."""

from collections import Counter
from typing import Any

import numpy as np

from explorer.landscape.free_energies import Thermochemistry, free_energies
from explorer.records.certificates import Certificate, Saddle, SaddleEnd, StationaryPointType
from explorer.report.panel import numbers
from explorer.report.tables import ReportBlock, Row, Table
from explorer.report.view import View
from explorer.units import KCAL_PER_MOL


def certification_counts(view: View, temperature: float) -> dict[str, Any] | None:
    """Verdicts counted and the thermochemistry of the lowest minima (eV, cm⁻¹, K) for the summary; None without any."""
    certificates = view.run.certificates
    if not certificates:
        return None
    verdicts = Counter(c.point_type for c in certificates)
    thermochemistry = _by_free_energy(view, temperature)
    lowest = {c.minimum: c.lowest_wavenumber for c in certificates}
    return {
        "n_minima": verdicts[StationaryPointType.MINIMUM],
        "n_saddles": verdicts[StationaryPointType.SADDLE],
        "n_not_certified": verdicts[StationaryPointType.NOT_CERTIFIED],
        "n_left": len(view.run.minima) - len(certificates),
        "n_products": sum(c.n_products for c in certificates),
        "lowest_wavenumber": min(
            (c.lowest_wavenumber for c in certificates if c.point_type == StationaryPointType.MINIMUM), default=None
        ),
        "temperature": temperature,
        "free_energies": [
            {"id": i, "lowest_wavenumber": lowest[i], **known._asdict()} for i, known in thermochemistry.items()
        ],
    }


def certification_sentence(counted: dict[str, Any]) -> str:
    """The counts in one line of the table at the end of a run."""
    text = "{n_minima} are minima, {n_saddles} saddles, {n_not_certified} not certified, {n_left} not tested"
    return text.format(**counted)


def columns(view: View, temperature: float) -> dict[str, list]:
    """By id, for the page's script: verdict, softest vibration (cm⁻¹), zero-point and free energy (kcal/mol)."""
    n = len(view.run.minima)
    certificates = {c.minimum: c for c in view.run.certificates}
    thermochemistry = _by_free_energy(view, temperature)
    return {
        "verdict": [str(certificates[i].point_type) if i in certificates else "" for i in range(n)],
        "lowest": numbers([certificates[i].lowest_wavenumber if i in certificates else np.nan for i in range(n)], 1),
        "zeroPoint": numbers([_zero_point(thermochemistry, i) for i in range(n)], 2),
        "free": numbers([_relative(thermochemistry, i) for i in range(n)], 2),
    }


def listed_minima(view: View, temperature: float, n_rows: int) -> list[tuple[str, ...]]:
    """The lowest certified minima, and all that are none, as rows of text below `header`."""
    thermochemistry = _by_free_energy(view, temperature)
    by_energy = sorted(view.run.certificates, key=lambda c: c.energy)
    shown = [c for k, c in enumerate(by_energy) if k < n_rows or c.point_type != StationaryPointType.MINIMUM]
    return [_row(view, c, thermochemistry) for c in shown]


def header(temperature: float) -> tuple[str, ...]:
    """Of the columns of `listed`."""
    free = f"free energy, {temperature:g} K (kcal/mol)"
    return "minimum", "energy (kcal/mol)", "verdict", "softest (cm⁻¹)", "ZPE (kcal/mol)", free, "remark"


def certification(view: View) -> ReportBlock:
    """The panel of the page: counts, and every stored minimum that is none, with what lies beside it."""
    key, title, run = "certification", "Tested by their Hessians", view.run
    counted = certification_counts(view, run.config.get("temperature", 300.0))
    if counted is None:
        absent = "The Hessians of these minima have not been computed: <code>pes-explore certify RUN</code> does it."
        return ReportBlock(key, title, "Which of the minima are minima.", absent=absent)
    explanation = (
        f"Of {len(run.minima)} stored minima {certification_sentence(counted)}. Each was relaxed tightly in float64; a minimum has "
        "no eigenvalue below -(10 cm⁻¹)². A saddle was pushed off both ways along its softest vibration. Free energies "
        "(quasi-RRHO) are relative to the lowest that was computed."
    )
    saddles = [Row(_saddle_cells(view, saddle), saddle.minimum) for saddle in run.saddles]
    doubtful = [
        Row((c.minimum, c.reason), c.minimum)
        for c in run.certificates
        if c.point_type == StationaryPointType.NOT_CERTIFIED
    ]
    names = ("stored as minimum", "energy (kcal/mol)", "imaginary (cm⁻¹)", "one side", "other side")
    parts = [
        Table(names, saddles, "Saddles", words=(3, 4)),
        Table(("minimum", "reason"), doubtful, "Not certified", words=(1,)),
    ]
    return ReportBlock(key, title, explanation, [part for part in parts if part.rows])


def _saddle_cells(view: View, saddle: Saddle) -> tuple[Any, ...]:
    imaginary = ", ".join(f"{-w:.0f}i" for w in saddle.wavenumbers if w < 0)
    return (
        saddle.minimum,
        f"{float(view.relative(saddle.energy)):.2f}",
        imaginary,
        *(_where(view, end) for end in saddle.ends),
    )


def _where(view: View, end: SaddleEnd) -> str:
    """Which minimum an end is, or that the run does not have it."""
    place = f"{end.point_type} of {float(view.relative(end.energy)):.2f} kcal/mol"
    known = "which the run does not have" if end.minimum is None else f"stored as {end.minimum}"
    return f"{place}, {known}" + (f" ({end.reason})" if end.reason else "")


def _by_free_energy(view: View, temperature: float) -> dict[int, Thermochemistry]:
    if not view.run.certificates:
        return {}  # degeneracies take their time
    known = free_energies(view.run, temperature, view.degeneracies)
    return dict(sorted(known.items(), key=lambda item: item[1].free_energy))


def _zero_point(known: dict[int, Thermochemistry], i: int) -> float:
    return known[i].zero_point_energy / KCAL_PER_MOL if i in known else np.nan


def _relative(known: dict[int, Thermochemistry], i: int) -> float:
    """Free energy above the lowest one that is known, kcal/mol."""
    if i not in known:
        return np.nan
    return (known[i].free_energy - min(t.free_energy for t in known.values())) / KCAL_PER_MOL


def _row(view: View, certificate: Certificate, known: dict[int, Thermochemistry]) -> tuple[str, ...]:
    i = certificate.minimum
    values = (certificate.lowest_wavenumber, _zero_point(known, i), _relative(known, i))
    texts = [format(v, form) if np.isfinite(v) else "–" for v, form in zip(values, (".1f", ".2f", ".2f"), strict=True)]
    return str(i), f"{view.energies[i]:.2f}", str(certificate.point_type), *texts, certificate.reason
