"""Estimated coverage of a run as numbers for `summary.json` and as a line of text."""

from typing import Any

from explorer.landscape.coverage import Coverage
from explorer.units import KCAL, EnergyUnit


def within(window: float, unit: EnergyUnit = KCAL) -> str:
    """Return the name of an energy window, such as `within 6 kcal/mol`; empty for all energies.

    Args:
        window: Energy above the lowest minimum, eV; 0 for all energies.
        unit: Unit of the text.
    """
    return f"within {window / unit.size:.3g} {unit.name}" if window else ""


def coverage_as_json(coverage: Coverage) -> dict[str, Any]:
    """Return the numbers of a coverage for `summary.json`; intervals are 95 % intervals.

    Args:
        coverage: Estimated coverage. Its window is given in eV, with None for all energies.
    """
    _, *richness = coverage.richness
    _, *share = coverage.share
    _, *known = coverage.next_known
    return {
        "window": coverage.window or None,
        "n_seen": coverage.n_seen,
        "n_observations": coverage.n_observations,
        "estimated_minima": coverage.richness.estimate,
        "estimated_minima_interval": richness,
        "coverage": coverage.share.estimate,
        "coverage_interval": share,
        "next_known": coverage.next_known.estimate,
        "next_known_interval": known,
    }


def coverage_sentence(coverage: Coverage, unit: EnergyUnit = KCAL) -> str:
    """Return one line of the summary table, such as `0.91 (0.76-1.00) of about 33 minima within 6 kcal/mol`.

    Args:
        coverage: Estimated coverage.
        unit: Unit of the energy window in the text.
    """
    where = f"minima {within(coverage.window, unit) or 'at all energies'}"
    if coverage.text == "unknown":
        return f"{coverage.text} of {where}"
    return f"{coverage.text} of about {coverage.richness.estimate:.0f} {where}"
