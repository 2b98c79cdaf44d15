"""Rate constants of transition state theory between minima, and the network that they form at one temperature."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp

from explorer.errors import InputError
from explorer.units import BOLTZMANN, PLANCK

_FEMTOSECONDS = 1e15  # fs per s
MAX_EXPONENT = 650.0  # of the largest and the smallest rate constant, so that sums and ratios of them stay finite


def log_prefactor(temperature: float) -> float:
    """Compute ln(kT / h) with kT / h in 1/s.

    Args:
        temperature: Temperature, K.
    """
    return float(np.log(BOLTZMANN * temperature / PLANCK * _FEMTOSECONDS))


def largest_rate_ratio(energy_error: float, temperature: float) -> float:
    """Compute exp(δ / kT), the factor by which a rate constant is off if its barrier is off by δ.

    Args:
        energy_error: δ, eV.
        temperature: Temperature, K.

    >>> from explorer.units import KCAL_PER_MOL
    >>> round(largest_rate_ratio(KCAL_PER_MOL, 300.0), 1)
    5.4
    """
    return float(np.exp(energy_error / (BOLTZMANN * temperature)))


@dataclass(frozen=True, kw_only=True, eq=False)
class RateNetwork:
    """Minima and the saddle points that join them, at one temperature.

    The rate constant from minimum a over saddle s is k = A exp(-(G_s - G_a)), with free energies G in units of kT. The
    free energies include the number of versions of each structure (mirror images, symmetry), so no further degeneracy
    enters. All rate constants follow from the same free energies, so that k_ab p_a = k_ba p_b holds exactly.

    Attributes:
        ids: Ids of the minima.
        free_energies: G of each minimum, kT, relative to any common zero near them.
        saddle_ids: Ids of the saddle points. None of them joins a minimum to itself.
        ends: Positions in `ids` of the two minima of each saddle point.
        saddle_free_energies: G of each saddle point, kT, without its imaginary vibration.
        log_prefactor: ln A, with A in inverse units of time.
    """

    ids: Int[np.ndarray, "n"]
    free_energies: Float[np.ndarray, "n"]
    saddle_ids: Int[np.ndarray, "m"]
    ends: Int[np.ndarray, "m 2"]
    saddle_free_energies: Float[np.ndarray, "m"]
    log_prefactor: float

    @property
    def log_rates(self) -> Float[np.ndarray, "m 2"]:
        """Logarithms of the rate constants over each saddle point, from its first and from its second minimum."""
        return self.log_prefactor - (self.saddle_free_energies[:, None] - self.free_energies[self.ends])

    def rate_matrix(self) -> scipy.sparse.csr_array:
        """Return k_ij, the sum over all saddle points between minima i and j; the diagonal is zero.

        Raises:
            InputError: When rate constants are too large or too small for double precision.
        """
        logs = self.log_rates
        if logs.size and np.abs(logs).max() > MAX_EXPONENT:
            raise InputError(
                f"A rate constant of exp({logs[np.abs(logs).argmax() // 2].min():.0f}) is beyond double precision; "
                "barriers must be below about 650 kT. Use a higher temperature, or leave out the highest saddle points."
            )
        start, end = self.ends.T
        rows, columns = np.concatenate([start, end]), np.concatenate([end, start])
        n = len(self.ids)
        return scipy.sparse.csr_array((np.exp(logs.T.ravel()), (rows, columns)), shape=(n, n))

    def log_populations(self) -> Float[np.ndarray, "n"]:
        """Return the logarithms of the equilibrium populations."""
        return -self.free_energies - logsumexp(-self.free_energies)

    def components(self) -> Int[np.ndarray, "n"]:
        """Return for each minimum the number of its connected part of the network."""
        ones = (np.ones(len(self.ends)), (self.ends[:, 0], self.ends[:, 1]))
        graph = scipy.sparse.coo_array(ones, shape=(len(self.ids), len(self.ids)))
        return connected_components(graph, directed=False)[1]

    def part_of_most_stable(self) -> "RateNetwork":
        """Return the connected part that holds the most stable minimum beside a saddle; empty without saddles."""
        if not len(self.saddle_ids):
            return self.restricted(np.empty(0, int))
        beside = np.unique(self.ends)
        parts = self.components()
        return self.restricted(np.flatnonzero(parts == parts[beside[np.argmin(self.free_energies[beside])]]))

    def restricted(self, kept: Int[np.ndarray, "k"]) -> "RateNetwork":
        """Return the network of some of the minima and of the saddle points between these.

        Args:
            kept: Positions of the minima, ascending.
        """
        place = np.full(len(self.ids), -1)
        place[kept] = np.arange(len(kept))
        ends = place[self.ends]
        inside = (ends >= 0).all(axis=1)
        return RateNetwork(
            ids=self.ids[kept],
            free_energies=self.free_energies[kept],
            saddle_ids=self.saddle_ids[inside],
            ends=ends[inside],
            saddle_free_energies=self.saddle_free_energies[inside],
            log_prefactor=self.log_prefactor,
        )


def rate_network(
    minima: dict[int, float],
    saddles: dict[int, tuple[int, int, float]],
    temperature: float,
    zero: float = 0.0,
) -> RateNetwork:
    """Return the network of minima and saddle points with given free energies.

    Degenerate rearrangements, from a minimum to itself, change no population and are left out.

    Args:
        minima: Free energy of each minimum by id, eV, with -kT ln of its number of versions.
        saddles: Ids of both minima and free energy (eV, without the imaginary vibration) of each saddle point by id.
            Those with an end that is not among the minima are left out.
        temperature: Temperature, K.
        zero: Energy that is subtracted from all of them, eV. Near the free energies it avoids rounding errors.
    """
    thermal = BOLTZMANN * temperature
    place = {id: k for k, id in enumerate(minima)}
    kept = {id: (a, b, f) for id, (a, b, f) in saddles.items() if a != b and a in place and b in place}
    return RateNetwork(
        ids=np.array(list(minima), dtype=int),
        free_energies=(np.array(list(minima.values()), dtype=float) - zero) / thermal,
        saddle_ids=np.array(list(kept), dtype=int),
        ends=np.array([(place[a], place[b]) for a, b, _ in kept.values()], dtype=int).reshape(-1, 2),
        saddle_free_energies=(np.array([f for *_, f in kept.values()], dtype=float) - zero) / thermal,
        log_prefactor=log_prefactor(temperature),
    )
