"""Estimates of the number of minima and of the share that is found, from visits of the known ones."""

from collections.abc import Iterable, Sequence
from math import exp, floor, inf, lgamma, log, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import chdtri

from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.units import KCAL_PER_MOL

MIN_OBSERVATIONS_TO_STOP = 50  # number of observations below which no estimate ends a run; not tuned
MIN_OBSERVATIONS_TO_REPORT = 10  # number of observations below which no estimate is reported; not tuned
NORMAL_QUANTILE = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution
MISSED_QUANTILE = 0.025  # probability beyond each end of a 95 % interval
NONE_ONCE_QUANTILE = 0.1  # the same where no minimum was visited once; tuned with `reports/studies/coverage.py`
MIN_ONCE = 4  # minima visited once from which the log-normal interval is used; tuned with the same study


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
    """Return the Chao1 estimate of the number of minima, seen and unseen, with its 95 % interval.

    S = S_obs + f1² / (2 f2), or S_obs + f1 (f1 - 1) / 2 without a minimum that was visited twice,

    where f1 minima were visited once and f2 twice. The estimate is a lower bound if some minima are found more easily
    than others. It assumes independent visits, which is only an approximation for walkers that return to earlier
    minima. The interval is log-normal in S - S_obs. With fewer than four minima that were visited once, it is too
    narrow: then it begins at S_obs and ends at S_obs plus `_rare_minima`, rounded down.

    Args:
        visits: Visits of each known minimum; zeros are left out.

    Source: Chao, Scand. J. Stat. 11, 265 (1984); Biometrics 43, 783 (1987), doi:10.2307/2531532.
    """
    n_seen = sum(count > 0 for count in visits)
    if n_seen == 0:
        return Estimate(0.0, 0.0, 0.0)
    once, twice = _n_visited(visits, 1), _n_visited(visits, 2)
    unseen, variance = _unseen_minima(once, twice)
    factor = exp(NORMAL_QUANTILE * sqrt(log(1 + variance / unseen**2))) if unseen else 1.0
    if once >= MIN_ONCE:
        return Estimate(n_seen + unseen, n_seen + floor(unseen / factor), n_seen + unseen * factor)
    upper = max(unseen, floor(max(_rare_minima(visits), unseen * factor if once > 1 else 0.0)))
    return Estimate(n_seen + unseen, float(n_seen), float(n_seen + upper))


def _unseen_minima(once: int, twice: int) -> tuple[float, float]:
    """Return the number of minima that were not visited, and its variance, by Chao1."""
    if not twice:
        unseen = once * (once - 1) / 2
        variance = unseen + once * (2 * once - 1) ** 2 / 4
        return unseen, max(variance, 0.0)
    ratio = once / twice
    return once * ratio / 2, twice * (ratio**4 / 4 + ratio**3 + ratio**2 / 2)


def _rare_minima(visits: Sequence[int]) -> float:
    """Return an upper bound of the number of minima without a visit, from those with the fewest visits.

    It is the smaller of two bounds. With an upper limit F1 of the expected number of minima visited once, half the χ²
    point with 2 (f1 + 1) degrees of freedom (Poisson), one is F1² / (2 (f2 + 1)). If the fewest visits of a minimum are
    k, the other is F_k k! / k^k: the expected numbers of minima with no visit and with k visits are in this ratio where
    k visits are expected. The limit holds 97.5 % of a Poisson distribution, or 90 % after 50 visits if no minimum
    was visited once. How often the interval holds the number of minima is measured by `reports/studies/coverage.py`.
    """
    once, twice, fewest = _n_visited(visits, 1), _n_visited(visits, 2), min(count for count in visits if count > 0)
    beyond = MISSED_QUANTILE if once or sum(visits) < MIN_OBSERVATIONS_TO_STOP else NONE_ONCE_QUANTILE
    by_pairs = _poisson_limit(once, beyond) ** 2 / (2 * (twice + 1))
    ratio = exp(lgamma(fewest + 1) - fewest * log(fewest))
    return min(by_pairs, _poisson_limit(_n_visited(visits, fewest), beyond) * ratio)


def _poisson_limit(count: int, beyond: float) -> float:
    """Return the mean of the Poisson distribution that gives a count or less with probability `beyond`."""
    return 0.5 * float(chdtri(2 * (count + 1), beyond))


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
