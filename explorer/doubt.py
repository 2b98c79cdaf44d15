"""How well a network knows one structure, as it is stored with minima and hops."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How a structure compares with held-out frames of the training data, from the best to the worst.

    `trusted`: expected error and distance are below those of nine in ten of them; `outside`: one of the two is beyond
    99 in 100; `uncertain`: anything between.
    """

    TRUSTED = "trusted"
    UNCERTAIN = "uncertain"
    OUTSIDE = "outside"

    def is_worse_than(self, other: "Verdict") -> bool:
        """Whether less is known of this structure than of another.

        >>> Verdict.OUTSIDE.is_worse_than(Verdict.TRUSTED)
        True
        """
        order = list(Verdict)
        return order.index(self) > order.index(other)


class Doubt(NamedTuple):
    """What a network betrays about its knowledge of one structure (`explorer/uncertainty`)."""

    energy_spread: float  # eV, standard deviation over the committee; NaN without one
    force_spread: float  # eV/Å, likewise
    distance: float  # of the atom farthest from the training data, in standard deviations of the features
    expected_error: float  # root mean square length of the error of a force, eV/Å
    verdict: Verdict
