"""Groups of minima that interconvert fast, as the states of a smaller network."""

from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from scipy.special import logsumexp

from explorer.landscape.rates import RateNetwork


class LumpedNetwork(NamedTuple):
    """Network of groups of minima.

    Attributes:
        network: Network whose states are the groups; the id of a group is that of its member of lowest free energy.
        groups: Position of the group of each minimum of the network that was lumped.
    """

    network: RateNetwork
    groups: Int[np.ndarray, "n"]


def barrier_as_time(network: RateNetwork, barrier: float) -> float:
    """Compute the time 1/k of a transition over a free-energy barrier.

    Args:
        network: Network, for the prefactor.
        barrier: Free-energy barrier, kT.
    """
    return float(np.exp(barrier - network.log_prefactor))


def lump_faster_than(network: RateNetwork, time: float) -> LumpedNetwork:
    """Join groups of minima whose exchange relaxes faster than a time, the fastest first.

    Two groups relax with 1 / (k_IJ + k_JI). Within a group, minima are in equilibrium: its free energy is
    G_I = -ln Σ_i exp(-G_i), and the rate constants between groups, k_IJ = Σ_i∈I p_i k_ij / p_I, then follow from the
    free energies of the same saddle points. Populations and detailed balance are exact; times are approximate by about
    the given time.

    Args:
        network: Network of minima.
        time: Time, in the unit of the network.

    Source: Carr & Wales, J. Phys. Chem. B 112, 8760 (2008), doi:10.1021/jp801777p.
    """
    groups = _fast_groups(network, -np.log(time) - network.log_prefactor)
    names = sorted(set(groups.tolist()))
    place = np.array([names.index(g) for g in groups], dtype=int)
    energies = np.array([-logsumexp(-network.free_energies[groups == g]) for g in names])
    lowest = [min(np.flatnonzero(groups == g), key=lambda i: (network.free_energies[i], i)) for g in names]
    ends = place[network.ends]
    between = ends[:, 0] != ends[:, 1]
    lumped = RateNetwork(
        ids=network.ids[np.array(lowest, dtype=int)],
        free_energies=energies,
        saddle_ids=network.saddle_ids[between],
        ends=ends[between],
        saddle_free_energies=network.saddle_free_energies[between],
        log_prefactor=network.log_prefactor,
    )
    return LumpedNetwork(lumped, place)


def _fast_groups(network: RateNetwork, threshold: float) -> Int[np.ndarray, "n"]:
    """Return a representative of the group of each minimum.

    Args:
        network: Network of minima.
        threshold: Logarithm of the relaxation rate over the prefactor above which two groups are joined.
    """
    energies = dict(enumerate(network.free_energies.tolist()))
    links: dict[int, dict[int, float]] = {i: {} for i in energies}  # -ln Σ_s exp(-G_s) between two groups
    for (a, b), g in zip(network.ends.tolist(), network.saddle_free_energies.tolist(), strict=True):
        links[a][b] = links[b][a] = -np.logaddexp(-links[a].get(b, np.inf), -g)

    def speed(a: int, b: int) -> float:
        return float(np.logaddexp(energies[a], energies[b]) - links[a][b])

    queue = [(-speed(a, b), a, b) for a in links for b in links[a] if a < b]
    heapify(queue)
    members = {i: [i] for i in energies}
    while queue:
        negative, a, b = heappop(queue)
        if a not in links or b not in links[a] or negative != -speed(a, b):
            continue  # an entry from before one of them grew
        if -negative < threshold:
            break
        energies[a] = -np.logaddexp(-energies[a], -energies[b])
        members[a] += members.pop(b)
        for c, g in links.pop(b).items():
            del links[c][b]
            if c != a:
                links[a][c] = links[c][a] = -np.logaddexp(-links[a].get(c, np.inf), -g)
        for c in links[a]:
            heappush(queue, (-speed(min(a, c), max(a, c)), min(a, c), max(a, c)))
    groups = np.empty(len(network.ids), dtype=int)
    for representative, inside in members.items():
        groups[inside] = representative
    return groups
