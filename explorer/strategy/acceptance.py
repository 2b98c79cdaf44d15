"""Acceptance of a hop: whether the walker moves to the minimum that it reached."""

from math import inf

from explorer.records.hop import Outcome
from explorer.records.moves import Move


def is_accepted(outcome: Outcome, energy_change: float, ediff: float, move: Move = Move.HOPPING) -> bool:
    """Return whether the walker moves to the minimum that it reached.

    It moves to another allowed minimum whose energy is less than `ediff` above that of the one it left. A random
    restart and a given structure are accepted whatever their energy.

    Args:
        outcome: Outcome of the hop.
        energy_change: Energy of the minimum that was reached minus that of the one that was left, eV.
        ediff: Acceptance threshold, eV.
        move: Move of the hop.

    Source: Goedecker, J. Chem. Phys. 120, 9911 (2004), doi:10.1063/1.1724816.
    """
    threshold = inf if move in (Move.RANDOM_RESTART, Move.GIVEN_STRUCTURE) else ediff
    return outcome in (Outcome.KNOWN, Outcome.NEW) and energy_change < threshold
