"""How many minima there are in all, judged by how often hops ended in the known ones, and when that is enough."""

from collections.abc import Iterable, Sequence
from math import exp, floor, inf, log, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import chi2

from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.units import KCAL_PER_MOL

FEWEST = 50  # observations below which no estimate ends a run
TELLING = 10  # observations below which no estimate is worth saying
Z = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution


class Estimate(NamedTuple):
    """A number with its 95 % interval."""

    estimate: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.estimate:.2f} ({self.lower:.2f}-{self.upper:.2f})"


class Coverage(NamedTuple):
    """What is known of a window of energies, and how much of it is still to come.

    Attributes:
        window: eV above the lowest minimum; 0 for all energies.
        n_seen: minima in it that hops ended in.
        n_observations: these hops.
        richness: estimated number of minima in it, seen and unseen.
        next_known: probability that the next observation is of a minimum that was seen.
    """

    window: float
    n_seen: int
    n_observations: int
    richness: Estimate
    next_known: Estimate

    @property
    def share(self) -> Estimate:
        """Seen minima over the estimated number of minima; an upper bound, since Chao1 is a lower one."""
        if not self.n_seen:
            return Estimate(0.0, 0.0, 1.0)
        return Estimate(*(self.n_seen / self.richness[k] for k in (0, 2, 1)))

    def reaches(self, wanted: float) -> bool:
        """Whether share and probability are at least this at the lower ends of their intervals, after enough hops."""
        lower = min(self.share.lower, self.next_known.lower)
        return self.n_observations >= FEWEST and lower >= wanted

    @property
    def text(self) -> str:
        """The share with its interval, `unknown` after too few hops."""
        return str(self.share) if self.n_observations >= TELLING else "unknown"

    @property
    def where(self) -> str:
        """Which minima it is about, in words."""
        return f"minima within {self.window / KCAL_PER_MOL:.3g} kcal/mol" if self.window else "minima"


class VisitCounts:
    """How often each minimum was reached by a hop that left another one; it grows with a run.

    Hops are no independent draws. A walker that falls back into the minimum it left says nothing about what else
    there is, so only outcomes `new` and `known` are observations; what walkers may not explore (`changed`) is not
    part of the population. Neighbours remain likelier than others, and walkers are sent to rarely visited minima:
    the estimates are about what this search can reach as it hops now.
    """

    def __init__(self, minima: Iterable[Minimum] = (), hops: Iterable[Hop] = ()):
        self._energies: list[float] = []
        self._counts: list[int] = []
        self.add(minima, hops)

    def add(self, minima: Iterable[Minimum], hops: Iterable[Hop]) -> None:
        """Take up the minima (in order of id) and the hops of one more round."""
        for minimum in minima:
            self._energies.append(minimum.energy)
            self._counts.append(0)
        for hop in hops:
            if hop.end is not None and hop.outcome in (Outcome.NEW, Outcome.KNOWN):
                self._counts[hop.end] += 1

    def coverage(self, window: float) -> Coverage:
        """The estimates for the minima at most this far above the lowest one, eV; for all of them at 0."""
        return coverage_of(np.array(self._energies), np.array(self._counts, dtype=int), window)


def coverage_of(energies: Float[np.ndarray, "n"], counts: Int[np.ndarray, "n"], window: float) -> Coverage:
    """Estimates for a window of energies.

    Args:
        energies: of the minima, eV.
        counts: observations of each; minima without any are left out.
        window: eV above the lowest minimum that was observed; 0 for all.
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
    """The bias-corrected Chao1 estimate of the number of minima, seen and unseen.

    S = S_obs + f1 (f1 - 1) / (2 (f2 + 1)), where f1 and f2 minima were visited once and twice. It is a lower bound when
    minima differ in how easily they are found, and assumes independent visits, which walkers that return to where they
    came from only approximate. So its interval, log-normal in S - S_obs, is too narrow for clusters, whose minima
    differ a hundredfold (it held the number of LJ8 in half of 200 random draws): here its lower end is what was seen,
    and its upper end, a whole number of minima, is never below what `_rare` adds.

    Args:
        visits: of each known minimum; zeros are left out.

    Source: Chao, Scand. J. Stat. 11, 265 (1984); Biometrics 43, 783 (1987), doi:10.2307/2531532.
    """
    n_seen = sum(count > 0 for count in visits)
    if n_seen == 0:
        return Estimate(0.0, 0.0, 0.0)
    once, twice = _seen_times(visits, 1), _seen_times(visits, 2)
    unseen = once * (once - 1) / (2 * (twice + 1))
    upper = _rare(visits)
    if unseen > 0:
        variance = (
            unseen
            + once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
            + once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
        )
        upper = max(upper, unseen * exp(Z * sqrt(log(1 + variance / unseen**2))))
    return Estimate(n_seen + unseen, float(n_seen), float(n_seen + max(floor(upper), unseen)))


def _rare(visits: Sequence[int]) -> float:
    """How many minima may be too rare to have been seen: thrice as many as may be expected among those seen as seldom.

    f1 minima that were seen once may have been expected to be up to half the 97.5 % point of χ² with 2 (f1 + 1) degrees
    of freedom (Poisson). Where the least visited was seen k > 1 times, it is that of none, -ln 0.025, for k - 1 numbers
    of visits together. Thrice, since the rarer are more: after 50 observations the intervals hold the number of minima
    of LJ8, LJ9 and LJ10 in 95 of 100 searches, twice would do in half of those of LJ10.
    """
    once, fewest = _seen_times(visits, 1), min(count for count in visits if count > 0)
    return 1.5 * float(chi2.ppf(0.975, 2 * (once + 1))) / max(fewest - 1, 1)


def good_turing_coverage(visits: Sequence[int]) -> Estimate:
    """The probability that the next visit is to a known minimum, C = 1 - f1 / n; 0 (0 to 1) without any visit.

    The interval is C ± Z sqrt(f1 (1 - f1 / n) + 2 f2) / n. It closes at f1 = 0, where the number of minima seen once
    may still have been expected to be up to -ln 0.025 (Poisson); the lower end is never above 1 + ln 0.025 / n.

    Args:
        visits: of each known minimum; zeros are left out.

    Source: Good, Biometrika 40, 237 (1953), doi:10.1093/biomet/40.3-4.237; interval: Esty, Ann. Stat. 11, 905
        (1983), doi:10.1214/aos/1176346256.
    """
    n_visits = sum(visits)
    if not n_visits:
        return Estimate(0.0, 0.0, 1.0)
    once, twice = _seen_times(visits, 1), _seen_times(visits, 2)
    coverage = 1 - once / n_visits
    half = Z * sqrt(once * coverage + 2 * twice) / n_visits
    lower = max(0.0, min(coverage - half, 1 + log(0.025) / n_visits))
    return Estimate(coverage, lower, min(1.0, coverage + half))


def _seen_times(visits: Sequence[int], times: int) -> int:
    return sum(count == times for count in visits)
