"""Export of the network of a run: JSON for graph libraries, and the files of PATHSAMPLE."""

import warnings
from pathlib import Path

import networkx as nx
import numpy as np

from explorer.config_file import stored_settings
from explorer.errors import ExplorerWarning
from explorer.files import write_json
from explorer.io.write import plain_scalars
from explorer.landscape.free_energies import certified_minima, transition_states_with_vibrations
from explorer.landscape.graph import minima_graph
from explorer.landscape.pathsample import StationaryPoint, log_product_of_squares, write_points
from explorer.records.run import RunRecord
from explorer.similarity.mirror import merges_mirror_images, mirror_degeneracies
from explorer.similarity.point_group import symmetry_number
from explorer.similarity.symmetry import symmetry_of
from explorer.vibrations.thermochemistry import moments_of_inertia
from explorer.wording import counted


def export_graph_json(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write the graph of minima in the node-link form of networkx, with units in the names.

    `networkx.node_link_graph(json.load(open(path)), edges="edges")` reads it.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Whether to add the minima that the model does not know.
    """
    graph = minima_graph(run, with_unknown)
    plain = nx.MultiGraph(name=run.molecule.name)
    plain.add_nodes_from((node, plain_scalars(values)) for node, values in graph.nodes(data=True))
    for a, b, key, values in graph.edges(keys=True, data=True):
        plain.add_edge(a, b, key, **plain_scalars(values))
    write_json(nx.node_link_data(plain, edges="edges"), path)


def export_pathsample_minima(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write `min.data`: one line for each result in order of id, energies in eV, frequencies in radians per second.

    A minimum without known vibrations has 0 in place of their logarithm, and a warning says how many.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Without effect: minima that the model does not know have no place in rates.
    """
    certificates = certified_minima(run)
    known = {
        m.id: (certificates[m.id].energy, certificates[m.id].wavenumbers) if m.id in certificates else (m.energy, None)
        for m in run.results
    }
    points = _points(run, [(*known[m.id], m.positions) for m in run.results])
    write_points(points, path)
    _warn(sum(waves is None for _, waves in known.values()), len(points), "minima")


def export_pathsample_saddles(run: RunRecord, path: Path, with_unknown: bool = False) -> None:
    """Write `ts.data`: one line for each transition state between results, degenerate ones among them.

    One without all vibrations has 0 in place of their logarithm. A warning counts those between different minima; no
    rate depends on the others.

    Args:
        run: Run to export.
        path: File to write.
        with_unknown: Without effect, as in `export_pathsample_minima`.
    """
    number = {minimum.id: k for k, minimum in enumerate(run.results, start=1)}
    states = [s for s in run.transition_states if all(end in number for end in s.minima)]
    complete = transition_states_with_vibrations(run)
    found = [(s.energy, s.wavenumbers[1:] if s.id in complete else None, s.positions) for s in states]
    points = [
        point._replace(ends=tuple(number[end] for end in state.minima))
        for point, state in zip(_points(run, found), states, strict=True)
    ]
    write_points(points, path)
    joining = [s for s in states if not s.is_degenerate]
    _warn(sum(s.id not in complete for s in joining), len(joining), "saddles", " between different minima")


def _points(run: RunRecord, found: list[tuple]) -> list[StationaryPoint]:
    molecule = run.molecule
    symmetry, identity = symmetry_of(molecule), stored_settings(run.config).identity
    positions = np.array([x for *_, x in found]).reshape(-1, molecule.n_atoms, 3)
    # an order counts reflections too where mirror images are one structure
    factor = 2.0 if merges_mirror_images(symmetry, identity) else 1.0
    versions = mirror_degeneracies(symmetry, identity, positions)
    return [
        StationaryPoint(
            energy,
            0.0 if waves is None else log_product_of_squares(waves),
            symmetry_number(molecule.atomic_numbers, x) * factor / versions[k],
            moments_of_inertia(x, molecule.masses),
        )
        for k, (energy, waves, x) in enumerate(found)
    ]


def _warn(n_unknown: int, n: int, noun: str, which: str = "") -> None:
    if n_unknown:
        all_of_them = counted(n, noun.removesuffix("s"), noun) + which
        warnings.warn(
            f"{n_unknown} of {all_of_them} have no known vibrations, and 0 in place of "
            "their logarithm: energies and connections are right, rates are not. pes-explore rates computes them.",
            ExplorerWarning,
            stacklevel=2,
        )
