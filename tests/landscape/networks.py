"""Random networks of minima for the tests of kinetics, and exact solutions in rational numbers."""

from fractions import Fraction

import numpy as np
import scipy.sparse

from explorer.landscape.rates import RateNetwork


def random_network(n: int, n_extra: int, highest: float, seed: int) -> RateNetwork:
    """A connected network: a random tree and further saddle points, barriers up to `highest` kT above the minima."""
    rng = np.random.default_rng(seed)
    energies = rng.uniform(0, highest / 5, size=n)
    pairs = [(int(rng.integers(k)), k) for k in range(1, n)]
    pairs += [tuple(int(i) for i in rng.choice(n, size=2, replace=False)) for _ in range(n_extra)]
    ends = np.array(pairs).reshape(-1, 2)
    rise = rng.uniform(0, 0.8 * highest, size=len(ends))
    rise[rng.integers(n - 1)] = 0.8 * highest
    return RateNetwork(
        ids=10 * np.arange(n),
        free_energies=energies,
        saddle_ids=np.arange(len(ends)),
        ends=ends,
        saddle_free_energies=energies[ends].max(axis=1) + rise,
        log_prefactor=0.0,
    )


def exact_solution(rates: scipy.sparse.sparray, absorbing: list[int], sources: np.ndarray) -> np.ndarray:
    """t of K_x t_x - Σ_y k_xy t_y = b_x in rational numbers, rounded at the end; 0 for absorbing states."""
    k = [[Fraction(float(v)) for v in row] for row in rates.toarray()]
    n = len(k)
    free = [i for i in range(n) if i not in absorbing]
    rows = [
        [sum(k[i]) - k[i][i] if i == j else -k[i][j] for j in free] + [Fraction(float(b))]
        for i, b in zip(free, sources, strict=True)
    ]
    m = len(free)
    for p in range(m):
        for i in range(p + 1, m):
            if rows[i][p]:
                factor = rows[i][p] / rows[p][p]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[p], strict=True)]
    t = [Fraction(0)] * m
    for p in reversed(range(m)):
        t[p] = (rows[p][m] - sum(rows[p][j] * t[j] for j in range(p + 1, m))) / rows[p][p]
    result = np.zeros(n)
    result[free] = [float(value) for value in t]
    return result
