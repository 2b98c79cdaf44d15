"""How a walker's temperature and acceptance threshold follow from how its hops end."""

from math import log

from explorer.config import HoppingSettings
from explorer.records.hop import Outcome


def update_temperature(temperature: float, outcome: Outcome, visits: int, settings: HoppingSettings) -> float:
    """Hotter after an escape that failed to find anything new, colder after one that did.

    T <- β T with β = beta_same or beta_known times 1 + beta_visits ln(visits), or beta_new. An escape that ended in
    another molecule, or where the network only guesses, was too hot, so it cools like a new minimum; a failed hop says
    nothing about T.

    Args:
        temperature: of the hop that ended, K.
        outcome: of that hop.
        visits: of the minimum that was reached, this visit included; only used for same and known.
        settings: factors and bounds.

    Returns:
        The temperature of the next hop, K, within its bounds.

    Source: Goedecker, J. Chem. Phys. 120, 9911 (2004), doi:10.1063/1.1724816; feedback by visits: Schönborn et al.,
        J. Chem. Phys. 130, 144108 (2009), doi:10.1063/1.3097197.
    """
    factor = {
        Outcome.SAME: settings.beta_same,
        Outcome.KNOWN: settings.beta_known,
        Outcome.NEW: settings.beta_new,
        Outcome.CHANGED: settings.beta_new,
        Outcome.TOO_UNCERTAIN: settings.beta_new,
        Outcome.FAILED: 1.0,
    }[outcome]
    if outcome in (Outcome.SAME, Outcome.KNOWN):
        factor *= 1 + settings.beta_visits * log(max(visits, 1))
    return min(max(temperature * factor, settings.temperature_min), settings.temperature_max)


def is_accepted(outcome: Outcome, energy_change: float, ediff: float) -> bool:
    """Whether the walker moves on: to another conformer that lies less than `ediff` higher.

    Args:
        outcome: of the hop.
        energy_change: energy of the minimum that was reached minus that of the one that was left, eV.
        ediff: threshold, eV.
    """
    return outcome in (Outcome.KNOWN, Outcome.NEW) and energy_change < ediff


def update_ediff(ediff: float, outcome: Outcome, accepted: bool, settings: HoppingSettings) -> float:
    """Stricter after an accepted step, more lenient after a rejected one, eV.

    With alpha_accepted = 1 / alpha_rejected half of the steps are accepted in the long run. Only a hop that reached
    another conformer was up for acceptance; after all others the threshold stays.
    """
    if outcome not in (Outcome.KNOWN, Outcome.NEW):
        return ediff
    factor = settings.alpha_accepted if accepted else settings.alpha_rejected
    return min(max(ediff * factor, settings.ediff_min), settings.ediff_max)
