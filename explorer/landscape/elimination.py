"""Elimination of states without subtraction: exact solutions of stiff Markov chains (graph transformation)."""

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
import scipy.sparse
from jaxtyping import Bool, Float, Int

# A state with more neighbours than this share of all that remain ends the sparse part: updating dictionaries costs
# about 100 ns per pair of neighbours, a dense matrix about 1 ns per pair of states (measured, see docs/benchmarks.md).
_DENSE_SHARE = 0.03
_BLOCK = 64  # states that are eliminated together in the dense part; not tuned


class _Step(NamedTuple):
    """One eliminated state: its rates to the neighbours that remained, and what each of these sent into it."""

    state: int
    total: float  # Σ_j k_xj
    neighbours: Int[np.ndarray, "d"]
    rates: Float[np.ndarray, "d"]  # k_xj
    shares: Float[np.ndarray, "d"]  # k_jx / total


class Elimination:
    """Solver of K_x t_x - Σ_y k_xy t_y = b_x over the transient states x of a continuous-time Markov chain.

    Here K_x is the sum of all rates out of x, those into absorbing states included. State x is removed by

        k_ij += k_ix k_xj / K_x,   b_i += k_ix b_x / K_x,   with K_x = Σ_j≠x k_xj over the states that remain

    and never by 1 - P_xx. Only positive numbers are added, multiplied and divided, so every result has a relative error
    of a few units in the last place per elimination, however many orders of magnitude the rates span. States with the
    fewest neighbours are removed first, in dictionaries of neighbours; once the rest is crowded, it is removed in
    blocks of a dense matrix.

    Args:
        rates: k_ij, rate constants from i to j; the diagonal is ignored.
        absorbing: Which states are absorbing. All others must be able to reach one of them.

    Source: Grassmann, Taksar & Heyman, Oper. Res. 33, 1107 (1985), doi:10.1287/opre.33.5.1107; Trygubenko & Wales,
        J. Chem. Phys. 124, 234110 (2006), doi:10.1063/1.2198806.
    """

    def __init__(self, rates: scipy.sparse.csr_array, absorbing: Bool[np.ndarray, "n"]):
        self.transient = np.flatnonzero(~absorbing)
        inner = scipy.sparse.csr_array(rates)[self.transient]
        into = np.asarray(inner[:, np.flatnonzero(absorbing)].sum(axis=1), dtype=float).ravel()
        self._steps: list[_Step] = []
        neighbours = _neighbours(inner[:, self.transient])
        rest = self._remove_sparse(neighbours, into)
        self._remove_dense(rest, neighbours, into)

    def _remove_sparse(self, rates: list[dict[int, float]], into: Float[np.ndarray, "n"]) -> Int[np.ndarray, "r"]:
        """Remove states until the rest is crowded; return the rest."""
        queue = [(len(row), x) for x, row in enumerate(rates)]
        heapify(queue)
        remaining = set(range(len(rates)))
        while queue:
            degree, x = heappop(queue)
            if x not in remaining or degree != len(rates[x]):
                continue  # an entry from before its number of neighbours changed
            if degree > 2 and degree > _DENSE_SHARE * len(remaining):
                break
            remaining.remove(x)
            row = rates[x]
            total = sum(row.values()) + into[x]
            shares = []
            for i in row:
                target = rates[i]
                share = target.pop(x) / total
                shares.append(share)
                for j, rate in row.items():
                    if j != i:
                        target[j] = target.get(j, 0.0) + share * rate
                into[i] += share * into[x]
                heappush(queue, (len(target), i))
            values = np.array(list(row.values()), dtype=float)
            self._steps.append(_Step(x, float(total), np.array(list(row), dtype=int), values, np.array(shares)))
        return np.array(sorted(remaining), dtype=int)

    def _remove_dense(
        self, rest: Int[np.ndarray, "r"], rates: list[dict[int, float]], into: Float[np.ndarray, "n"]
    ) -> None:
        """Remove the rest in blocks, so that most of the work is a product of matrices."""
        place = {int(x): k for k, x in enumerate(rest)}
        matrix = np.zeros((len(rest), len(rest)))
        for k, x in enumerate(rest):
            for j, rate in rates[x].items():
                matrix[k, place[j]] = rate
        out, totals = into[rest], np.empty(len(rest))
        for first in range(0, len(rest), _BLOCK):
            last = min(first + _BLOCK, len(rest))
            for x in range(first, last):
                row, inside = matrix[x, x + 1 :], last - x - 1
                totals[x] = row.sum() + out[x]
                shares = matrix[x + 1 :, x] / totals[x]
                matrix[x + 1 :, x] = shares
                matrix[x + 1 : last, x + 1 :] += np.outer(shares[:inside], row)
                matrix[last:, x + 1 : last] += np.outer(shares[inside:], row[:inside])
                out[x + 1 :] += shares * out[x]
            matrix[last:, last:] += matrix[last:, first:last] @ matrix[first:last, last:]
        self._rest, self._matrix, self._totals = rest, matrix, totals

    def solve(self, sources: Float[np.ndarray, "t"]) -> Float[np.ndarray, "t"]:
        """Return t for the transient states, in their order.

        With b = 1, t is the mean time to absorption; with b the rates into some absorbing states, t is the probability
        to be absorbed there.

        Args:
            sources: b of the transient states, not negative.
        """
        b = np.array(sources, dtype=float)
        for step in self._steps:
            b[step.neighbours] += step.shares * b[step.state]
        dense, matrix = b[self._rest], self._matrix
        for x in range(len(dense)):
            dense[x + 1 :] += matrix[x + 1 :, x] * dense[x]
        for x in reversed(range(len(dense))):
            dense[x] = (dense[x] + matrix[x, x + 1 :] @ dense[x + 1 :]) / self._totals[x]
        b[self._rest] = dense
        for step in reversed(self._steps):
            b[step.state] = (b[step.state] + step.rates @ b[step.neighbours]) / step.total
        return b


def _neighbours(rates: scipy.sparse.csr_array) -> list[dict[int, float]]:
    """Return k_xj by state and neighbour; neighbours are mutual, with a rate of 0 where only one direction is given."""
    coo = rates.tocoo()
    rows: list[dict[int, float]] = [{} for _ in range(len(rates.indptr) - 1)]
    for i, j, rate in zip(coo.row.tolist(), coo.col.tolist(), coo.data.tolist(), strict=True):
        if i != j:
            rows[i][j] = rows[i].get(j, 0.0) + rate
            rows[j].setdefault(i, 0.0)
    return rows
