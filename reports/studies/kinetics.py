"""Measure how exact and how fast passage times are, beside the solvers of numpy and scipy.

python reports/studies/kinetics.py --out reports/bench/kinetics.json
"""

import argparse
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from time import process_time

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial import KDTree

from explorer.files import write_json
from explorer.landscape.passage import committors, passage_times
from explorer.landscape.rates import RateNetwork

BARRIERS = (5.0, 10.0, 20.0, 40.0, 100.0)  # kT
SIZES = ((1000, 2, 3), (10000, 2, 3), (10000, 3, 3), (10000, 4, 5))  # minima, dimensions, neighbours


def chain_of_valleys(n: int, highest: float, seed: int) -> RateNetwork:
    """Return a connected random network.

    Args:
        n: Number of minima.
        highest: Highest barrier, kT.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    energies = rng.uniform(0, highest / 5, size=n)
    tree = np.array([(int(rng.integers(k)), k) for k in range(1, n)])
    ends = np.concatenate([tree, [rng.choice(n, size=2, replace=False) for _ in range(n)]])
    rise = rng.uniform(0, 0.8 * highest, size=len(ends))
    rise[rng.integers(len(tree))] = 0.8 * highest
    return _network(energies, ends, energies[ends].max(axis=1) + rise)


def neighbours_in_space(n: int, dimension: int, n_neighbours: int, seed: int) -> RateNetwork:
    """Return the largest connected part of a network of points that are joined to their nearest neighbours.

    Args:
        n: Number of minima.
        dimension: Dimension of the space of torsions.
        n_neighbours: Number of neighbours of each minimum, at least.
        seed: Seed.
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(size=(n, dimension))
    near = np.asarray(KDTree(places).query(places, n_neighbours + 1)[1])
    ends = np.unique(np.sort(np.stack([np.repeat(near[:, 0], n_neighbours), near[:, 1:].ravel()], 1), axis=1), axis=0)
    energies = rng.exponential(4.0, size=n)
    network = _network(energies, ends, energies[ends].max(axis=1) + rng.exponential(10.0, size=len(ends)))
    parts = network.components()
    return network.restricted(np.flatnonzero(parts == np.bincount(parts).argmax()))


def _network(energies: np.ndarray, ends: np.ndarray, saddles: np.ndarray) -> RateNetwork:
    return RateNetwork(
        ids=np.arange(len(energies)),
        free_energies=energies,
        saddle_ids=np.arange(len(ends)),
        ends=ends,
        saddle_free_energies=saddles,
        log_prefactor=0.0,
    )


def exact_times(rates: scipy.sparse.csr_array) -> np.ndarray:
    """Return mean first-passage times to state 0 by rational numbers, rounded at the end.

    Args:
        rates: Rate constants from i to j.
    """
    k = [[Fraction(float(v)) for v in row] for row in rates.toarray()]
    rows = [
        [sum(k[i], Fraction(0)) if i == j else -k[i][j] for j in range(1, len(k))] + [Fraction(1)]
        for i in range(1, len(k))
    ]
    n = len(rows)
    for p in range(n):
        for i in range(p + 1, n):
            if rows[i][p]:
                factor = rows[i][p] / rows[p][p]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[p], strict=True)]
    times = [Fraction(0)] * n
    for p in reversed(range(n)):
        times[p] = (rows[p][n] - sum((rows[p][j] * times[j] for j in range(p + 1, n)), Fraction(0))) / rows[p][p]
    return np.array([float(t) for t in times])


def solvers() -> dict[str, Callable[[scipy.sparse.csr_array], np.ndarray]]:
    """Return the ways to compute mean first-passage times to state 0, by name."""

    def matrix(rates: scipy.sparse.csr_array) -> np.ndarray:
        dense = np.asarray(rates.toarray())
        return (np.diag(dense.sum(axis=1)) - dense)[1:, 1:]

    def ones(rates: scipy.sparse.csr_array) -> np.ndarray:
        return np.ones(len(rates.indptr) - 2)

    return {
        "elimination": lambda rates: passage_times(rates, np.array([0])).mean[1:],
        "numpy.linalg.solve": lambda rates: np.linalg.solve(matrix(rates), ones(rates)),
        "scipy spsolve": lambda rates: np.asarray(spsolve(scipy.sparse.csc_array(matrix(rates)), ones(rates))),
    }


def measure(n_states: int = 24, seeds: int = 3) -> dict:
    """Return the largest relative error of each solver by barrier, and processor times of large networks, s.

    Args:
        n_states: Minima of the networks that are solved in rational numbers.
        seeds: Number of these networks for each barrier.
    """
    errors = []
    for highest in BARRIERS:
        row: dict[str, float] = {"barrier_kt": highest}
        for seed in range(seeds):
            rates = chain_of_valleys(n_states, highest, seed).rate_matrix()
            exact = exact_times(rates)
            for name, solve in solvers().items():
                with np.errstate(all="ignore"):
                    row[name] = max(row.get(name, 0.0), float(np.abs(solve(rates) / exact - 1).max()))
        errors.append(row)
    times = []
    for n, dimension, n_neighbours in SIZES:
        network = neighbours_in_space(n, dimension, n_neighbours, 0)
        rates = network.rate_matrix()
        begin = process_time()
        passage_times(rates, np.array([0]))
        middle = process_time()
        committors(rates, np.array([0]), np.array([1]))
        end = process_time()
        times.append(
            {
                "n_minima": len(network.ids),
                "n_saddles": len(network.saddle_ids),
                "passage_times_seconds": middle - begin,
                "committors_seconds": end - middle,
            }
        )
    return {"errors": errors, "times": times}


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    found = measure()
    print(write_json(found, parser.parse_args().out))
    for row in [*found["errors"], *found["times"]]:
        print(row)


if __name__ == "__main__":
    main()
