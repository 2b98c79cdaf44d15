"""Exchange between two sets of minima of a run: rate constants, times, paths, and what they rest on."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int

from explorer.analysis.kinetic_model import KineticModel
from explorer.errors import InputError
from explorer.landscape.fastest import FastestPath, fastest_paths
from explorer.landscape.lumping import lump_faster_than
from explorer.landscape.passage import committors, passage_times, steady_state_rate
from explorer.landscape.rates import RateNetwork, largest_rate_ratio
from explorer.records.run import RunRecord
from explorer.records.uncertainty import TrustLevel
from explorer.units import KCAL_PER_MOL
from explorer.wording import counted

N_CONTROLLING = 5  # saddles that are listed; not tuned
GAS_PHASE = (
    "Transition state theory of the isolated molecule: no solvent, no recrossing, no tunnelling. At {kelvin:g} K, "
    "1 kcal/mol in a barrier is a factor of {factor:.1f} in a rate."
)


@dataclass(frozen=True, kw_only=True)
class Direction:
    """Exchange in one direction.

    Attributes:
        rate: Rate constant, 1/s; None without a path over certified saddles.
        mean_time: Mean first-passage time from equilibrium within the start, s; None without a path.
        time_spread: Standard deviation of the first-passage time, s; as large as the mean if it is exponential.
        rate_at_least: Lower limit of the rate constant from saddles and upper bounds of barriers, 1/s; None without
            any path.
    """

    rate: float | None = None
    mean_time: float | None = None
    time_spread: float | None = None
    rate_at_least: float | None = None


@dataclass(frozen=True, kw_only=True)
class Interconversion:
    """Exchange between two sets of minima.

    Attributes:
        temperature: Temperature, K.
        method: How free energies were computed.
        sources: Ids of the minima of A in the network.
        targets: Ids of the minima of B in the network.
        populations: Equilibrium populations of A and of B among the minima of their part of the network.
        forward: From A to B.
        backward: From B to A.
        paths: Fastest paths from A to B, the first one first.
        controlling: Saddles that control the rate constant, as id and share: d ln k / dE = -share / kT.
        heights: Energy of the saddles on the paths, eV.
        remarks: What the numbers rest on, as sentences.
    """

    temperature: float
    method: str
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    populations: tuple[float, float] | None
    forward: Direction
    backward: Direction
    paths: tuple[FastestPath, ...]
    controlling: tuple[tuple[int, float], ...]
    heights: dict[int, float]
    remarks: tuple[str, ...] = field(default=())

    @property
    def limiting_saddle(self) -> int | None:
        """Id of the saddle of highest free energy on the fastest path; None without a path."""
        return self.paths[0].limiting_saddle if self.paths else None


def exchange(
    model: KineticModel, sources: list[int], targets: list[int], n_paths: int = 1, lump: float = 0.0
) -> Interconversion:
    """Compute the exchange between two sets of minima.

    Args:
        model: Network of the run at one temperature.
        sources: Ids of the minima of A.
        targets: Ids of the minima of B; none of them is in A.
        n_paths: Number of fastest paths.
        lump: Time below which minima in exchange count as one, s; 0 for none.

    Raises:
        InputError: When a minimum is in A and in B, or both exchange faster than `lump`.
    """
    if shared := sorted(set(sources) & set(targets)):
        raise InputError(f"A and B must have no minimum in common; minimum {shared[0]} is in both.")
    remarks = list(model.remarks)
    network, a, b = _connected(model.certified, sources, targets, remarks)
    if lump:
        network, a, b = _lumped(network, a, b, lump)
    lower = _lower_limits(model.with_bounds, sources, targets)
    common = {
        "temperature": model.temperature,
        "method": model.method,
        "sources": tuple(int(i) for i in network.ids[a]),
        "targets": tuple(int(i) for i in network.ids[b]),
    }
    if not len(a):
        remarks.append(
            "No path over certified saddles joins A and B. "
            + (
                "The upper bounds of barriers along hops give lower limits of the rate constants."
                if lower[0] is not None
                else "No upper bound between certified minima joins them either. Search for saddles with pes-explore "
                "connect RUN."
            )
        )
        forward, backward = (Direction(rate_at_least=rate) for rate in lower)
        none = {"populations": None, "paths": (), "controlling": (), "heights": {}}
        return Interconversion(forward=forward, backward=backward, remarks=tuple(remarks), **common, **none)
    logs = network.log_populations()
    paths = tuple(fastest_paths(network, a, b, n_paths))
    remarks += _about_saddles(model.run, paths)
    remarks.append(GAS_PHASE.format(kelvin=model.temperature, factor=_factor(model.temperature)))
    passed = {s for path in paths for s in path.saddles}
    controlling = tuple(_controlling(network, a, b))
    return Interconversion(
        populations=(float(np.exp(logs[a]).sum()), float(np.exp(logs[b]).sum())),
        forward=_direction(network, a, b, lower[0]),
        backward=_direction(network, b, a, lower[1]),
        paths=paths,
        controlling=controlling,
        heights={s: model.run.transition_states[s].energy for s in passed | {s for s, _ in controlling}},
        remarks=tuple(remarks),
        **common,
    )


def _factor(temperature: float) -> float:
    return largest_rate_ratio(KCAL_PER_MOL, temperature)


def _connected(
    network: RateNetwork, sources: list[int], targets: list[int], remarks: list[str]
) -> tuple[RateNetwork, Int[np.ndarray, "a"], Int[np.ndarray, "b"]]:
    """Return the part of the network that holds most of A and B, with the positions of both in it."""
    parts = network.components()
    in_a, in_b = np.isin(network.ids, sources), np.isin(network.ids, targets)
    shared = sorted(set(parts[in_a].tolist()) & set(parts[in_b].tolist()))
    if not shared:
        nothing = network.restricted(np.empty(0, dtype=int))
        return nothing, np.empty(0, dtype=int), np.empty(0, dtype=int)
    logs = network.log_populations()
    best = max(shared, key=lambda part: np.logaddexp.reduce(logs[parts == part]))
    kept = np.flatnonzero(parts == best)
    for name, ids in (("A", sources), ("B", targets)):
        lost = len(set(ids) - set(network.ids[kept].tolist()))
        if lost:
            remarks.append(
                f"{lost} of the {counted(len(ids), 'minimum', 'minima')} of {name} are left out: no certified saddle "
                "joins them to the rest, or their vibrations are not known."
            )
    part = network.restricted(kept)
    return part, np.flatnonzero(np.isin(part.ids, sources)), np.flatnonzero(np.isin(part.ids, targets))


def _lumped(network: RateNetwork, a: np.ndarray, b: np.ndarray, time: float) -> tuple:
    lumped, groups = lump_faster_than(network, time)
    group_a, group_b = np.unique(groups[a]), np.unique(groups[b])
    if len(np.intersect1d(group_a, group_b)):
        raise InputError(f"Minima of A and of B exchange within {time:g} s, so that they count as one. Use less.")
    return lumped, group_a, group_b


def _direction(network: RateNetwork, a: np.ndarray, b: np.ndarray, at_least: float | None) -> Direction:
    rates, logs = network.rate_matrix(), network.log_populations()
    weights = np.exp(logs[a] - np.logaddexp.reduce(logs[a]))
    times = passage_times(rates, b)
    mean, square = float(weights @ times.mean[a]), float(weights @ times.mean_square[a])
    rate = steady_state_rate(rates, logs, a, b)
    return Direction(
        rate=rate,
        mean_time=mean,
        time_spread=float(np.sqrt(max(square - mean**2, 0.0))),
        rate_at_least=rate if at_least is None else max(rate, at_least),
    )


def _lower_limits(network: RateNetwork, sources: list[int], targets: list[int]) -> tuple[float | None, float | None]:
    """Return the rate constants in which every upper bound of a barrier counts as a saddle of that energy."""
    part, a, b = _connected(network, sources, targets, [])
    if not len(a):
        return None, None
    rates, logs = part.rate_matrix(), part.log_populations()
    return steady_state_rate(rates, logs, a, b), steady_state_rate(rates, logs, b, a)


def _controlling(network: RateNetwork, a: np.ndarray, b: np.ndarray) -> list[tuple[int, float]]:
    """Return the saddles with the largest shares of w (q_i - q_j)², with the flux w = p k; all shares add up to 1."""
    rates = network.rate_matrix()
    forward, backward = committors(rates, a, b)[network.ends], committors(rates, b, a)[network.ends]
    # near 1 the difference is accurate only in the complement
    steps = np.where(forward.max(axis=1) < 0.5, *(np.abs(q[:, 0] - q[:, 1]) for q in (forward, backward)))
    lowest = network.saddle_free_energies.min()
    shares = np.exp(lowest - network.saddle_free_energies) * steps**2
    shares = shares / shares.sum()
    order = np.argsort(-shares, kind="stable")[:N_CONTROLLING]
    return [(int(network.saddle_ids[s]), float(shares[s])) for s in order if shares[s] > 0.005]


def _about_saddles(run: RunRecord, paths: tuple[FastestPath, ...]) -> list[str]:
    if not paths:
        return []
    state = run.transition_states[paths[0].limiting_saddle]
    if state.uncertainty is None:
        return ["The uncertainty of the model at the limiting saddle is not known."]
    if state.uncertainty.trust_level == TrustLevel.TRUSTED:
        return []
    return [
        f"The limiting saddle {state.id} is {state.uncertainty.trust_level} for the model, so the rate may be off by "
        "more than its error at minima suggests."
    ]


def exchange_as_json(result: Interconversion) -> dict[str, Any]:
    """Return an exchange for `--format json`: rate constants in 1/s, times in s, energies in eV.

    Args:
        result: Interconversion from `exchange`.
    """
    both = {"forward": result.forward, "backward": result.backward}
    relaxation = None
    if result.forward.rate is not None and result.backward.rate is not None:
        relaxation = float(np.log(2) / (result.forward.rate + result.backward.rate))
    return {
        "temperature": result.temperature,
        "method": result.method,
        "from": list(result.sources),
        "to": list(result.targets),
        "populations": None if result.populations is None else list(result.populations),
        **{f"k_{name}": one.rate for name, one in both.items()},
        **{f"mfpt_{name}": one.mean_time for name, one in both.items()},
        **{f"mfpt_{name}_deviation": one.time_spread for name, one in both.items()},
        # a saddle that is still missing can only make the exchange faster, so there is no upper end
        **{f"k_{name}_interval": [one.rate_at_least, None] for name, one in both.items()},
        "half_life": relaxation,
        "limiting_saddle": result.limiting_saddle,
        "limiting_saddle_energy": None if result.limiting_saddle is None else result.heights[result.limiting_saddle],
        "controlling_saddles": [{"id": s, "share": share} for s, share in result.controlling],
        "paths": [
            {
                "minima": list(path.minima),
                "saddles": list(path.saddles),
                "log_probability": path.log_probability,
                "limiting_saddle": path.limiting_saddle,
            }
            for path in result.paths
        ],
        "remarks": list(result.remarks),
    }
