"""Bandit that chooses the move with the highest recent rate of new minima per force call."""

from collections.abc import Sequence

import numpy as np

# Number of new minima that each arm is credited with at the start, in its prior force calls; not tuned.
PRIOR_NEW_MINIMA = 1.0
DISCOUNT_PER_HOP = 0.995  # factor on all counts per hop, so that about 200 hops are remembered; not tuned
EXPLORATION_SHARE = 0.1  # share of the hops whose move is drawn uniformly; not tuned


class MoveBandit:
    """Thompson sampling of the rate of new minima per force call, a Poisson process for each arm.

    The rate of an arm that found n minima in c force calls has the posterior Gamma(n + 1, c + c0). Here c0 is the
    expected number of force calls per new minimum before any hop. The arm with the largest draw is chosen. Counts are
    discounted with every hop, since rates decrease as the minima of a surface are used up.

    Args:
        prior_calls: c0 of each arm, force calls per new minimum.

    Attributes:
        new_minima: Discounted number of new minima found by each arm.
        force_calls: Discounted number of force calls used by each arm.

    Source: Thompson, Biometrika 25, 285 (1933), doi:10.1093/biomet/25.3-4.285.
    """

    def __init__(self, prior_calls: Sequence[float]):
        self._prior_calls = np.array(prior_calls)
        self.new_minima = np.zeros(len(prior_calls))
        self.force_calls = np.zeros(len(prior_calls))

    def choose(self, arms: Sequence[int], rng: np.random.Generator) -> int:
        """Choose one of the given arms.

        Args:
            arms: Indices of the arms that may be chosen.
            rng: Random number generator.

        Returns:
            Index of the chosen arm.
        """
        open_arms = np.asarray(arms)
        if rng.random() < EXPLORATION_SHARE:
            return int(rng.choice(open_arms))
        shapes = PRIOR_NEW_MINIMA + self.new_minima[open_arms]
        draws = rng.gamma(shapes) / (self._prior_calls + self.force_calls)[open_arms]
        return int(open_arms[draws.argmax()])

    def rate(self, rng: np.random.Generator) -> float:
        """Draw the rate of new minima of all arms together from its posterior.

        Args:
            rng: Random number generator.

        Returns:
            New minima per force call.
        """
        shape = PRIOR_NEW_MINIMA + self.new_minima.sum()
        return float(rng.gamma(shape) / (self._prior_calls.min() + self.force_calls.sum()))

    def record(self, arm: int, is_new: bool, n_calls: int) -> None:
        """Update the counts with a finished hop.

        Args:
            arm: Index of the arm that was chosen.
            is_new: Whether the hop found a minimum of the wanted kind: any new one, or a new low one.
            n_calls: Force calls of the hop.
        """
        self.new_minima *= DISCOUNT_PER_HOP
        self.force_calls *= DISCOUNT_PER_HOP
        self.new_minima[arm] += is_new
        self.force_calls[arm] += n_calls
