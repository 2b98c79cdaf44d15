"""Which move next: the one that lately found most new minima per force call, the others often enough to notice."""

from collections.abc import Sequence

import numpy as np

PRIOR_FOUND = 1.0  # new minima of each arm before anything is known, in so many force calls as a hop takes or two
MEMORY = 0.995  # weight of what is known, per hop
CURIOSITY = 0.1  # share of the hops whose move is drawn blindly


class MoveBandit:
    """Thompson sampling of the rate of new minima per force call, a Poisson process for each arm.

    The rate of an arm that found n minima in c force calls has the posterior Gamma(n + 1, c + c0), where c0 is what a
    hop may take; the arm with the largest draw plays. Old hops fade, since rates fall as a surface fills.

    Args:
        prior_calls: c0 of each arm.

    Source: Thompson, Biometrika 25, 285 (1933), doi:10.1093/biomet/25.3-4.285.
    """

    def __init__(self, prior_calls: Sequence[float]):
        self._prior_calls = np.array(prior_calls)
        self.found = np.zeros(len(prior_calls))  # new minima and force calls of each arm, faded
        self.calls = np.zeros(len(prior_calls))

    def choose(self, arms: Sequence[int], rng: np.random.Generator) -> int:
        """One of these arms."""
        open_arms = np.asarray(arms)
        if rng.random() < CURIOSITY:
            return int(rng.choice(open_arms))
        draws = rng.gamma(PRIOR_FOUND + self.found[open_arms]) / (self._prior_calls + self.calls)[open_arms]
        return int(open_arms[draws.argmax()])

    def rate(self, rng: np.random.Generator) -> float:
        """A draw of what all arms together find per force call."""
        return float(rng.gamma(PRIOR_FOUND + self.found.sum()) / (self._prior_calls.min() + self.calls.sum()))

    def record(self, arm: int, is_new: bool, n_calls: int) -> None:
        """Take in how a hop ended."""
        self.found *= MEMORY
        self.calls *= MEMORY
        self.found[arm] += is_new
        self.calls[arm] += n_calls
