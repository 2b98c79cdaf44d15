"""First-passage times, committors and rate constants between sets of states of a Markov chain."""

from typing import NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import breadth_first_order

from explorer.landscape.elimination import Elimination


class PassageTimes(NamedTuple):
    """Moments of the first-passage time to a set of states, by starting state; 0 in the set, infinite out of its reach.

    Attributes:
        mean: Mean first-passage time.
        mean_square: Mean square of the first-passage time; twice the square of the mean if it is exponential.
    """

    mean: Float[np.ndarray, "n"]
    mean_square: Float[np.ndarray, "n"]


def passage_times(rates: scipy.sparse.csr_array, targets: Int[np.ndarray, "b"]) -> PassageTimes:
    """Compute the first and second moment of the first-passage time from every state to the targets.

    K_i t_i = 1 + Σ_j k_ij t_j, and the same with 2 t_i in place of 1 for the mean square.

    Args:
        rates: k_ij, rate constants from i to j.
        targets: States that end the passage.
    """
    n = len(rates.indptr) - 1
    absorbing = _mask(n, targets)
    mean, square = np.zeros(n), np.zeros(n)
    reaching = _reaching(rates, absorbing)
    mean[~reaching] = square[~reaching] = np.inf
    # a state that can leave for one that never arrives is one of these itself where all rates have a reverse
    kept = np.flatnonzero(reaching)
    solver = Elimination(scipy.sparse.csr_array(rates)[kept][:, kept], absorbing[kept])
    places = kept[solver.transient]
    mean[places] = solver.solve(np.ones(len(places)))
    square[places] = solver.solve(2 * mean[places])
    return PassageTimes(mean, square)


def committors(
    rates: scipy.sparse.csr_array, sources: Int[np.ndarray, "a"], targets: Int[np.ndarray, "b"]
) -> Float[np.ndarray, "n"]:
    """Compute the probability to reach a target before a source, from every state.

    It is 0 at the sources, 1 at the targets, and NaN where neither can be reached. Small values have full relative
    accuracy; where the probability is close to 1, exchange sources and targets for the accurate complement.

    Args:
        rates: k_ij, rate constants from i to j.
        sources: States A.
        targets: States B; none of them is a source.
    """
    n = len(rates.indptr) - 1
    absorbing, at_target = _mask(n, np.concatenate([sources, targets])), _mask(n, targets)
    reaching = _reaching(rates, absorbing)
    kept = np.flatnonzero(reaching)
    probability = np.where(reaching, at_target.astype(float), np.nan)
    inner = scipy.sparse.csr_array(rates)[kept][:, kept]
    solver = Elimination(inner, absorbing[kept])
    into = inner[solver.transient][:, np.flatnonzero(at_target[kept])].sum(axis=1)
    probability[kept[solver.transient]] = solver.solve(np.asarray(into, dtype=float).ravel())
    return probability


def mean_passage_time(
    rates: scipy.sparse.csr_array,
    log_populations: Float[np.ndarray, "n"],
    sources: Int[np.ndarray, "a"],
    targets: Int[np.ndarray, "b"],
) -> float:
    """Compute the mean first-passage time to the targets from equilibrium within the sources.

    Args:
        rates: k_ij, rate constants from i to j.
        log_populations: Logarithms of the equilibrium populations.
        sources: States A.
        targets: States B.
    """
    times = passage_times(rates, targets).mean[sources]
    weights = np.exp(log_populations[sources] - log_populations[sources].max())
    return float(weights @ times / weights.sum())


def steady_state_rate(
    rates: scipy.sparse.csr_array,
    log_populations: Float[np.ndarray, "n"],
    sources: Int[np.ndarray, "a"],
    targets: Int[np.ndarray, "b"],
) -> float:
    """Compute k_AB = Σ_a∈A p_a Σ_j k_aj q_j / p_A, the rate constant of trajectories that leave A and reach B first.

    q is the committor. In equilibrium k_AB p_A = k_BA p_B. Time that is spent in other minima is not part of it, so
    that 1 / k_AB and the mean first-passage time differ where there are deep minima beside A and B.

    Args:
        rates: k_ij, rate constants from i to j.
        log_populations: Logarithms of the equilibrium populations.
        sources: States A.
        targets: States B; none of them is a source.

    Source: E & Vanden-Eijnden, J. Stat. Phys. 123, 503 (2006), doi:10.1007/s10955-005-9003-9.
    """
    reached = np.nan_to_num(committors(rates, sources, targets))
    leaving = scipy.sparse.csr_array(rates)[sources] @ reached
    weights = np.exp(log_populations[sources] - log_populations[sources].max())
    return float(weights @ leaving / weights.sum())


def _mask(n: int, states: Int[np.ndarray, "k"]) -> Bool[np.ndarray, "n"]:
    mask = np.zeros(n, dtype=bool)
    mask[states] = True
    return mask


def _reaching(rates: scipy.sparse.csr_array, absorbing: Bool[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Return which states can reach an absorbing one, those included."""
    n = len(absorbing)
    coo = scipy.sparse.coo_array(rates)
    ends = np.flatnonzero(absorbing)  # a further state n leads to all of them
    rows, columns = np.concatenate([coo.col, np.full(len(ends), n)]), np.concatenate([coo.row, ends])
    backward = scipy.sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n + 1, n + 1))
    return _mask(n + 1, breadth_first_order(backward, n, return_predecessors=False))[:n]
