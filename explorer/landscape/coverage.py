"""How many minima there are in all, judged by how often hops ended in the known ones, and when that is enough."""

from collections.abc import Iterable, Sequence
from math import exp, inf, log, sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.records import Hop, Minimum, Outcome
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


class Sightings:
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
    return Coverage(window, len(inside), sum(inside), chao1(inside), good_turing_coverage(inside))


def chao1(visits: Sequence[int]) -> Estimate:
    """The bias-corrected Chao1 estimate of the number of minima, seen and unseen.

    S = S_obs + f1 (f1 - 1) / (2 (f2 + 1)), where f1 and f2 minima were visited once and twice; the interval is
    log-normal in S - S_obs. It is a lower bound when minima differ in how easily they are found, and assumes
    independent visits, which walkers that return to where they came from only approximate.

    Args:
        visits: of each known minimum; zeros are left out.

    Source: Chao, Scand. J. Stat. 11, 265 (1984); Biometrics 43, 783 (1987), doi:10.2307/2531532.
    """
    n_seen = sum(count > 0 for count in visits)
    once, twice = _seen_times(visits, 1), _seen_times(visits, 2)
    unseen = once * (once - 1) / (2 * (twice + 1))
    if unseen == 0:
        return _all_seen(visits, n_seen)
    variance = (
        unseen
        + once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        + once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    )
    spread = exp(Z * sqrt(log(1 + variance / unseen**2)))
    return Estimate(n_seen + unseen, n_seen + unseen / spread, n_seen + unseen * spread)


def _all_seen(visits: Sequence[int], n_seen: int) -> Estimate:
    """Where Chao1 expects nothing unseen and its interval closes: a minimum seen k times is missed with exp(-k).

    S = S_obs / (1 - P) + Z sqrt(var) / (1 - P) is the upper end, P the mean of exp(-k) over the seen minima.

    Source: Colwell, EstimateS 9.1 User's Guide (2013), appendix B.
    """
    if n_seen == 0:
        return Estimate(0.0, 0.0, 0.0)
    counts = np.array([count for count in visits if count > 0], dtype=float)
    missed = np.exp(-counts)
    variance = np.sum(missed - missed**2) - np.sum(counts * missed) ** 2 / counts.sum()
    upper = (n_seen + Z * sqrt(max(variance, 0.0))) / (1 - missed.mean())
    return Estimate(float(n_seen), float(n_seen), float(upper))


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
