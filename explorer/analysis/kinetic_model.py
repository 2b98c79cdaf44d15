"""Networks of rate constants of a run: over certified saddles, and over these and upper bounds of barriers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from explorer.landscape.free_energies import (
    certified_minima,
    free_energy_function,
    transition_states_with_vibrations,
)
from explorer.landscape.graph import ESCAPE, minima_graph
from explorer.landscape.rates import RateNetwork, rate_network
from explorer.records.run import RunRecord
from explorer.similarity.mirror import mirror_degeneracies
from explorer.wording import counted

if TYPE_CHECKING:
    from explorer.analysis.run_analysis import RunAnalysis

QUASI_RRHO, CLASSICAL = "quasi-RRHO", "classical harmonic"  # how free energies are computed


@dataclass(frozen=True, kw_only=True, eq=False)
class KineticModel:
    """Minima of a run as a network of rate constants.

    Attributes:
        run: The run.
        temperature: Temperature, K.
        method: `QUASI_RRHO` or `CLASSICAL`.
        certified: Network of certified minima over transition states whose vibrations are known.
        with_bounds: The same minima, with the upper bounds of barriers along hops, and the energies of the other
            transition states, as further saddles. Their free energies are those energies plus the larger thermal
            correction of both minima.
        remarks: What is left out, as sentences.
    """

    run: RunRecord
    temperature: float
    method: str
    certified: RateNetwork
    with_bounds: RateNetwork
    remarks: tuple[str, ...]


def kinetic_model(analysis: "RunAnalysis", temperature: float = 0.0, classical: bool = False) -> KineticModel:
    """Return the networks of a run. `RunAnalysis.kinetics` keeps the usual ones.

    Args:
        analysis: The analysed run.
        temperature: Temperature, K; 0 for that of the analysis.
        classical: Whether free energies are those of classical oscillators; otherwise quasi-RRHO.
    """
    run, kelvin = analysis.run, temperature or analysis.kelvin
    compute = free_energy_function(run, kelvin, classical)
    certificates, states = certified_minima(run), transition_states_with_vibrations(run)
    minima = {
        i: compute(c.energy, c.wavenumbers, run.minima[i].positions, int(analysis.degeneracies[i]))
        for i, c in sorted(certificates.items())
    }
    positions = np.array([s.positions for s in states.values()])
    versions = mirror_degeneracies(analysis.symmetry, analysis.identity, positions) if states else []
    saddles = {
        s.id: (*s.minima, compute(s.energy, s.wavenumbers[1:], s.positions, int(g)))
        for s, g in zip(states.values(), versions, strict=True)
    }
    corrections = {i: f - certificates[i].energy for i, f in minima.items()}
    zero = min(minima.values(), default=0.0)
    return KineticModel(
        run=run,
        temperature=kelvin,
        method=CLASSICAL if classical else QUASI_RRHO,
        certified=rate_network(minima, saddles, kelvin, zero),
        with_bounds=rate_network(minima, saddles | _bounds(run, set(saddles), corrections), kelvin, zero),
        remarks=tuple(_left_out(run, set(minima), set(saddles))),
    )


def _bounds(run: RunRecord, used: set[int], corrections: dict[int, float]) -> dict[int, tuple[int, int, float]]:
    """Return heights over which minima are connected and of which no vibrations are known, by negative numbers."""
    graph: nx.MultiGraph = minima_graph(run)
    found = {}
    for a, b, edge in graph.edges(data=True):
        is_height = edge["kind"] == ESCAPE or ("id" in edge and edge["id"] not in used)
        if is_height and a != b and a in corrections and b in corrections:
            found[-1 - len(found)] = (a, b, edge["upper_bound"] + max(corrections[a], corrections[b]))
    return found


def _left_out(run: RunRecord, minima: set[int], saddles: set[int]) -> list[str]:
    remarks = []
    states = [s for s in run.transition_states if not s.is_degenerate]
    if not states:
        remarks.append("The run has no transition state between different minima yet.")
    unknown = [s for s in states if s.id not in saddles]
    if unknown:
        remarks.append(f"{counted(len(unknown), 'saddle')} without all vibrations left out.")
    ends = {i for s in states for i in s.minima}
    lost = sorted(i for i in ends - minima if run.minima[i].is_result)
    if lost:
        listed = ", ".join(map(str, lost[:10])) + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")
        remarks.append(
            f"{counted(len(lost), 'minimum', 'minima')} beside saddles left out, since they are not certified with all "
            f"vibrations: {listed}."
        )
    return remarks
