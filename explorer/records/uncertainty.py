"""Record of the uncertainty of a model at a structure, stored with minima and hops."""

from enum import StrEnum
from typing import NamedTuple

from explorer.records.former_names import TRUST_LEVELS

ANY_LEVEL = "any"  # value of `hopping.max_uncertainty` for no limit


class TrustLevel(StrEnum):
    """How a structure compares with held-out frames of the training data, from the best to the worst.

    `trusted`: expected error and distance are both below their 90th percentile on these frames.
    `out-of-distribution`: one of the two is above the 99th percentile. `uncertain`: anything between.
    """

    TRUSTED = "trusted"
    UNCERTAIN = "uncertain"
    OUT_OF_DISTRIBUTION = "out-of-distribution"

    def is_worse_than(self, other: "TrustLevel") -> bool:
        """Return whether this level is less reliable than another.

        >>> TrustLevel.OUT_OF_DISTRIBUTION.is_worse_than(TrustLevel.TRUSTED)
        True
        """
        order = list(TrustLevel)
        return order.index(self) > order.index(other)

    @classmethod
    def _missing_(cls, value: object) -> "TrustLevel | None":
        return cls(TRUST_LEVELS[value]) if isinstance(value, str) and value in TRUST_LEVELS else None


def is_within_limit(level: TrustLevel, limit: str) -> bool:
    """Return whether a trust level is not worse than a limit.

    Args:
        level: Trust level of a structure.
        limit: Worst allowed trust level, or `any` for no limit.

    >>> is_within_limit(TrustLevel.UNCERTAIN, "uncertain"), is_within_limit(TrustLevel.UNCERTAIN, "trusted")
    (True, False)
    """
    return limit == ANY_LEVEL or not level.is_worse_than(TrustLevel(limit))


class UncertaintyEstimate(NamedTuple):
    """Uncertainty of the model at one structure (computed by `explorer/uncertainty`).

    Attributes:
        energy_spread: Standard deviation of the energy over the committee, eV; NaN without a committee.
        force_spread: Root-mean-square deviation of the forces over the committee, eV/Å; NaN without a committee.
        distance: Largest distance of an atom from the training data, in standard deviations of the features.
        expected_error: Expected root-mean-square error of a force vector, eV/Å.
        trust_level: Comparison of `distance` and `expected_error` with held-out frames of the training data.
    """

    energy_spread: float
    force_spread: float
    distance: float
    expected_error: float
    trust_level: TrustLevel
