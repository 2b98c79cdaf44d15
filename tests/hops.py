"""Hops for tests, with values that a test need not name."""

import math

from explorer.records.hop import Hop, Outcome


def make_hop(index: int = 0, **changes) -> Hop:
    """Accepted hop of one walker to a known minimum; `changes` are other values of its fields."""
    fields = {
        "walker": 0,
        "index": index,
        "round": 0,
        "start": -1,
        "end": 0,
        "outcome": Outcome.KNOWN,
        "reason": "",
        "accepted": True,
        "temperature": 400.0,
        "ediff": 0.1,
        "highest_energy": math.nan,
        "n_evaluations": 60,
    }
    return Hop(**(fields | changes))
