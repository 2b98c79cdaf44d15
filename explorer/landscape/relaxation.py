"""Populations of minima as functions of time, from the master equation."""

import numpy as np
import scipy.linalg
import scipy.sparse
from jaxtyping import Float
from scipy.sparse.linalg import expm_multiply

from explorer.errors import InputError
from explorer.landscape.rates import RateNetwork

MAX_DENSE = 3000  # states; a larger matrix of eigenvectors takes more than 100 MB and minutes; not tuned
_RESOLUTION = 1e-13  # smallest eigenvalue over the largest that double precision still resolves


def populations_over_time(
    network: RateNetwork, start: Float[np.ndarray, "n"], times: Float[np.ndarray, "k"]
) -> Float[np.ndarray, "k n"]:
    """Solve the master equation dp_i/dt = Σ_j (k_ji p_j - k_ij p_i).

    With detailed balance, S_ij = √(k_ij k_ji), S_ii = -Σ_j k_ij is symmetric, so that its eigenvectors give the
    solution at all times: p(t) = √p_eq V exp(λt) Vᵀ p(0) / √p_eq. Networks of more than 3000 minima are propagated with
    the action of the matrix exponential, whose cost grows with time over the fastest relaxation.

    Args:
        network: Network of minima.
        start: Populations at time 0.
        times: Times, ascending, in the unit of the network.

    Raises:
        InputError: When the rate constants span too many orders of magnitude for the given times.
    """
    rates = network.rate_matrix()
    outflow = np.asarray(rates.sum(axis=1)).ravel()
    if len(start) > MAX_DENSE:
        generator = (rates.T - scipy.sparse.diags_array(outflow)).tocsc()
        return np.array([expm_multiply(generator * t, start) for t in times])
    logs = network.log_populations()
    root = np.exp((logs - logs.max()) / 2)
    symmetric = np.sqrt(rates.multiply(rates.T).toarray()) - np.diag(outflow)
    values, vectors = scipy.linalg.eigh(symmetric)
    _check_resolution(values, network, times)
    values[values > -_RESOLUTION * outflow.max()] = 0.0  # one zero for each connected part
    modes = vectors.T @ (start / root)
    return root * ((np.exp(np.outer(times, values)) * modes) @ vectors.T)


def _check_resolution(values: np.ndarray, network: RateNetwork, times: np.ndarray) -> None:
    n_parts = len(set(network.components().tolist()))
    slow = np.sort(-values)[n_parts:]
    limit = _RESOLUTION * (-values).max(initial=0.0)
    if len(slow) and slow[0] <= limit and len(times) and times[-1] * limit > 1e-3:
        raise InputError(
            f"The fastest minima relax in {1 / -values.min():.1e} s, so populations after {times[-1]:.1e} s cannot be "
            "resolved in double precision. Lump the fast minima first (lump_faster_than), or use shorter times."
        )
