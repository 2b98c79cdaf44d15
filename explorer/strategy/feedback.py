"""Feedback of minima hopping: temperature and acceptance threshold of a walker after each hop."""

from math import log

from explorer.config import HoppingSettings
from explorer.records.hop import Outcome


def update_temperature(temperature: float, outcome: Outcome, visits: int, settings: HoppingSettings) -> float:
    """Raise the temperature after a hop that found nothing new, and lower it after one that did.

    T <- β T with β = beta_same or beta_known times 1 + beta_visits ln(visits), or β = beta_new. An escape that ended
    in a structure that is not allowed, or where the model is too uncertain, was too hot; it lowers the temperature
    like a new minimum. A failed hop does not change it.

    Args:
        temperature: Temperature of the hop that ended, K.
        outcome: Outcome of that hop.
        visits: Visits of the minimum that was reached, this one included; only used for `same` and `known`.
        settings: Factors and bounds.

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


def update_ediff(ediff: float, outcome: Outcome, accepted: bool, settings: HoppingSettings) -> float:
    """Lower the acceptance threshold after an accepted step, and raise it after a rejected one.

    With alpha_accepted = 1 / alpha_rejected, half of the steps are accepted in the long run. Only hops that reached
    another allowed minimum count; the threshold stays as it is after all others.

    Args:
        ediff: Acceptance threshold of the hop that ended, eV.
        outcome: Outcome of that hop.
        accepted: Whether the walker moved.
        settings: Factors and bounds.

    Returns:
        The threshold of the next hop, eV, within its bounds.
    """
    if outcome not in (Outcome.KNOWN, Outcome.NEW):
        return ediff
    factor = settings.alpha_accepted if accepted else settings.alpha_rejected
    return min(max(ediff * factor, settings.ediff_min), settings.ediff_max)
