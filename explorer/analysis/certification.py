"""Numbers of confirmed minima and of saddle points, and free energies of the confirmed minima."""

from collections import Counter
from typing import Any

from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.certificates import StationaryPointType
from explorer.wording import counted


def certification_counts(analysis: RunAnalysis) -> dict[str, Any] | None:
    """Return counts of certificates and free energies (eV, cm⁻¹, K) for `summary.json`; None without certificates.

    Args:
        analysis: The analysed run.
    """
    certificates = analysis.run.certificates
    if not certificates:
        return None
    counts = Counter(c.point_type for c in certificates)
    lowest = {c.minimum: c.lowest_wavenumber for c in certificates}
    return {
        "n_minima": counts[StationaryPointType.MINIMUM],
        "n_saddles": counts[StationaryPointType.SADDLE],
        "n_not_certified": counts[StationaryPointType.NOT_CERTIFIED],
        "n_left": len(analysis.run.minima) - len(certificates),
        "n_products": sum(c.n_products for c in certificates),
        "lowest_wavenumber": min(
            (c.lowest_wavenumber for c in certificates if c.point_type == StationaryPointType.MINIMUM), default=None
        ),
        "temperature": analysis.kelvin,
        "free_energies": [
            {"id": i, "lowest_wavenumber": lowest[i], **known._asdict()}
            for i, known in analysis.thermochemistry.items()
        ],
    }


def certification_sentence(counts: dict[str, Any]) -> str:
    """Return the line of the summary table on the certification.

    Args:
        counts: Counts from `certification_counts`.
    """
    confirmed = counted(counts["n_minima"], "confirmed minimum", "confirmed minima")
    saddles = counted(counts["n_saddles"], "saddle point")
    return f"{confirmed}, {saddles}, {counts['n_not_certified']} not certified, {counts['n_left']} not tested"
