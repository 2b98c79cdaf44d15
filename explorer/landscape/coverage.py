"""Estimates of the number of minima and of the share that is found, from visits of the known ones."""

from collections.abc import Iterable, Sequence
from math import exp, floor, inf, log, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import chdtri

from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.units import KCAL_PER_MOL

# Number of observations below which no estimate ends a run. With 50, the intervals contain the true number of minima
# of LJ8, LJ9 and LJ10 in 95 of 100 searches.
MIN_OBSERVATIONS_TO_STOP = 50
MIN_OBSERVATIONS_TO_REPORT = 10  # number of observations below which no estimate is reported; not tuned
NORMAL_QUANTILE = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution
MISSED_QUANTILE = 0.025  # probability beyond each end of a 95 % interval


class Estimate(NamedTuple):
    """A number with its 95 % interval."""

    estimate: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.estimate:.2f} ({self.lower:.2f}-{self.upper:.2f})"


class Coverage(NamedTuple):
    """Visits of the minima in an energy window, and estimates of what is missing.

    Attributes:
        window: Energy above the lowest minimum, eV; 0 for all energies.
        n_seen: Minima in the window in which hops ended.
        n_observations: Number of these hops.
        richness: Estimated number of minima in the window, seen and unseen.
        next_known: Estimated probability that the next observation is a known minimum.
    """

    window: float
    n_seen: int
    n_observations: int
    richness: Estimate
    next_known: Estimate

    @property
    def share(self) -> Estimate:
        """Share of the estimated number of minima that is known; an upper bound, since Chao1 is a lower bound."""
        if not self.n_seen:
            return Estimate(0.0, 0.0, 1.0)
        return Estimate(*(self.n_seen / self.richness[k] for k in (0, 2, 1)))

    def reaches(self, wanted: float) -> bool:
        """Return whether the coverage is at least a wanted value, after enough observations.

        The lower ends of the intervals of both `share` and `next_known` must reach it.

        Args:
            wanted: Coverage between 0 and 1.
        """
        lower = min(self.share.lower, self.next_known.lower)
        return self.n_observations >= MIN_OBSERVATIONS_TO_STOP and lower >= wanted

    @property
    def text(self) -> str:
        """The share with its interval as text; `unknown` after too few observations."""
        return str(self.share) if self.n_observations >= MIN_OBSERVATIONS_TO_REPORT else "unknown"

    @property
    def where(self) -> str:
        """Description of the minima in the window."""
        return f"minima within {self.window / KCAL_PER_MOL:.3g} kcal/mol" if self.window else "minima"


class VisitCounts:
    """Number of hops from other minima that ended in each minimum, updated round by round.

    Hops are not independent draws. A return to the minimum that was left carries no information about other minima,
    so only the outcomes `new` and `known` are observations. Structures that walkers may not explore (`changed`), and
    minima that the model does not know, are not part of the population. Neighbours remain more likely than other
    minima, and walkers are directed to rarely visited minima. So the estimates describe what this search can reach with
    its present strategy.

    Args:
        minima: Minima in order of id.
        hops: Hops among them.
    """

    def __init__(self, minima: Iterable[Minimum] = (), hops: Iterable[Hop] = ()):
        self._energies: list[float] = []
        self._counts: list[int] = []
        self._are_results: list[bool] = []
        self.add(minima, hops)

    def add(self, minima: Iterable[Minimum], hops: Iterable[Hop]) -> None:
        """Add the minima and the hops of one more round.

        Args:
            minima: New minima in order of id.
            hops: Hops of the round, which may end in any minimum added so far.
        """
        for minimum in minima:
            self._energies.append(minimum.energy)
            self._counts.append(0)
            self._are_results.append(minimum.is_result)
        for hop in hops:
            if hop.end is not None and hop.outcome in (Outcome.NEW, Outcome.KNOWN) and self._are_results[hop.end]:
                self._counts[hop.end] += 1

    def coverage(self, window: float) -> Coverage:
        """Return the estimates for an energy window.

        Args:
            window: Energy above the lowest minimum, eV; 0 for all energies.
        """
        return coverage_of(np.array(self._energies), np.array(self._counts, dtype=int), window)


def coverage_of(energies: Float[np.ndarray, "n"], counts: Int[np.ndarray, "n"], window: float) -> Coverage:
    """Return the estimates for an energy window.

    Args:
        energies: Energies of the minima, eV.
        counts: Observations of each; minima without any are left out.
        window: Energy above the lowest observed minimum, eV; 0 for all energies.
    """
    seen = counts > 0
    low = energies[seen].min() if seen.any() else 0.0
    inside = counts[seen & (energies <= low + (window or inf))].tolist()
    return Coverage(
        window=window,
        n_seen=len(inside),
        n_observations=sum(inside),
        richness=chao1(inside),
        next_known=good_turing_coverage(inside),
    )


def chao1(visits: Sequence[int]) -> Estimate:
    """Return the bias-corrected Chao1 estimate of the number of minima, seen and unseen.

    S = S_obs + f1 (f1 - 1) / (2 (f2 + 1)),

    where f1 minima were visited once and f2 twice. The estimate is a lower bound if some minima are found more easily
    than others. It assumes independent visits, which is only an approximation for walkers that return to earlier
    minima. The original interval, log-normal in S - S_obs, is too narrow for clusters, whose minima differ a
    hundredfold in how often they are visited: it contained the number of minima of LJ8 in half of 200 random draws.
    Here the lower end of the interval is the number of known minima. The upper end is at least the number of known
    minima plus `_rare_minima`, rounded down to a whole number.

    Args:
        visits: Visits of each known minimum; zeros are left out.

    Source: Chao, Scand. J. Stat. 11, 265 (1984); Biometrics 43, 783 (1987), doi:10.2307/2531532.
    """
    n_seen = sum(count > 0 for count in visits)
    if n_seen == 0:
        return Estimate(0.0, 0.0, 0.0)
    once, twice = _n_visited(visits, 1), _n_visited(visits, 2)
    unseen = once * (once - 1) / (2 * (twice + 1))
    upper = _rare_minima(visits)
    if unseen > 0:
        variance = (
            unseen
            + once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
            + once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
        )
        upper = max(upper, unseen * exp(NORMAL_QUANTILE * sqrt(log(1 + variance / unseen**2))))
    return Estimate(n_seen + unseen, float(n_seen), float(n_seen + max(floor(upper), unseen)))


def _rare_minima(visits: Sequence[int]) -> float:
    """Return an upper bound of the number of minima that are too rare to have been visited.

    It is three times an upper bound of the expected number of minima that were visited least often. For f1 minima that
    were visited once, the expected number is at most half the 97.5 % point of χ² with 2 (f1 + 1) degrees of freedom
    (Poisson). If the least visited minimum was visited k > 1 times, no minimum was visited 1, ..., k - 1 times. Then
    the bound for none, -ln 0.025, is divided by k - 1. The factor is three, since rarer minima are more numerous. After
    50 observations the intervals then contain the number of minima of LJ8, LJ9 and LJ10 in 95 of 100 searches. A factor
    of two would suffice in half of those of LJ10.
    """
    once, fewest = _n_visited(visits, 1), min(count for count in visits if count > 0)
    return 1.5 * float(chdtri(2 * (once + 1), MISSED_QUANTILE)) / max(fewest - 1, 1)


def good_turing_coverage(visits: Sequence[int]) -> Estimate:
    """Return the Good-Turing estimate of the probability that the next visit is to a known minimum.

    C = 1 - f1 / n, with f1 minima visited once in n visits. The interval is C ± z sqrt(f1 (1 - f1 / n) + 2 f2) / n,
    with f2 minima visited twice and z = 1.96. Its width would be zero at f1 = f2 = 0, although the expected number of
    minima visited once can then still be up to -ln 0.025 (Poisson). So its lower end is never above 1 + ln 0.025 / n.
    Without any visit the estimate is 0 (0 to 1).

    Args:
        visits: Visits of each known minimum; zeros are left out.

    Source: Good, Biometrika 40, 237 (1953), doi:10.1093/biomet/40.3-4.237; interval: Esty, Ann. Stat. 11, 905
        (1983), doi:10.1214/aos/1176346256.
    """
    n_visits = sum(visits)
    if not n_visits:
        return Estimate(0.0, 0.0, 1.0)
    once, twice = _n_visited(visits, 1), _n_visited(visits, 2)
    coverage = 1 - once / n_visits
    half = NORMAL_QUANTILE * sqrt(once * coverage + 2 * twice) / n_visits
    lower = max(0.0, min(coverage - half, 1 + log(MISSED_QUANTILE) / n_visits))
    return Estimate(coverage, lower, min(1.0, coverage + half))


def _n_visited(visits: Sequence[int], times: int) -> int:
    return sum(count == times for count in visits)
