"""How many minima there are in all, judged by how often the known ones were visited."""

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import NamedTuple


class Richness(NamedTuple):
    """An estimated number of minima with its 95 % interval."""

    estimate: float
    lower: float
    upper: float


def chao1(visits: Sequence[int]) -> Richness:
    """The bias-corrected Chao1 estimate of the number of minima, seen and unseen.

    S = S_obs + f1 (f1 - 1) / (2 (f2 + 1)), where f1 and f2 minima were visited once and twice; the interval is
    log-normal in S - S_obs. It is a lower bound when minima differ in how easily they are found, and assumes
    independent visits, which walkers that return to where they came from only approximate.

    Args:
        visits: of each known minimum; zeros are left out.

    Source: Chao, Biometrics 43, 783 (1987), doi:10.2307/2531532.
    """
    n_seen = sum(count > 0 for count in visits)
    once, twice = (sum(count == k for count in visits) for k in (1, 2))
    unseen = once * (once - 1) / (2 * (twice + 1))
    if unseen == 0:
        return Richness(float(n_seen), float(n_seen), float(n_seen))
    variance = (
        unseen
        + once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        + once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    )
    spread = exp(1.96 * sqrt(log(1 + variance / unseen**2)))
    return Richness(n_seen + unseen, n_seen + unseen / spread, n_seen + unseen * spread)


def good_turing_coverage(visits: Sequence[int]) -> float:
    """The probability that the next visit is to a known minimum, 1 - f1 / n; 0 without any visit.

    Source: Good, Biometrika 40, 237 (1953), doi:10.1093/biomet/40.3-4.237.
    """
    n_visits = sum(visits)
    return 1 - sum(count == 1 for count in visits) / n_visits if n_visits else 0.0
