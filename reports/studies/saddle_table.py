"""Compare the transition states of a run with a table of known ones.

    pes-explore run ac-ala-nhme --potential tests/data/gfn2-peptides --allow cis-amide --max-evaluations 3000 --out RUN
    pes-explore connect RUN --window 10kcal --max-evaluations 15000
    python reports/studies/saddle_table.py RUN --table ac_ala_nhme_default.json --out FILE.json

The table lists `minima` and `saddles` with `energy` in kcal/mol above the lowest minimum, and `ends` of each saddle; an
.npz file beside it has their positions in Å. Barriers are those from each minimum to the lowest one along the lowest
path; one that is lower than in the table belongs to a saddle that the table lacks. Structures are the same if energies
agree to 0.05 kcal/mol and the RMSD over exchanges of equal atoms is small.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
from jaxtyping import Float

from explorer.config import IdentitySettings
from explorer.files import write_json
from explorer.landscape.graph import minima_graph, saddles_only
from explorer.landscape.paths import minimax_path
from explorer.records.run import RunRecord
from explorer.saddles.known_saddles import KnownSaddles
from explorer.similarity.symmetry import symmetry_of
from explorer.store.read import read_run
from explorer.units import KCAL_PER_MOL

CEILING = 10.0  # kcal/mol, of the saddles that are compared
SAME_BARRIER = 0.1  # kcal/mol
SHOWN = ("energy", "imaginary", "ends", "hits")
IDENTITY = IdentitySettings(energy_window=0.05 * KCAL_PER_MOL)


def places(run: RunRecord, energies: Sequence[float], known: Float[np.ndarray, "n N 3"], of: str) -> list[int | None]:
    """Return the row of the table for each minimum or saddle of a run; None for those that it lacks.

    Args:
        run: The run.
        energies: Energies of the table, kcal/mol above its lowest minimum.
        known: Positions of the table, Å.
        of: `minima` or `transition_states`.
    """
    table = KnownSaddles(symmetry_of(run.molecule), IDENTITY, ())
    for energy, positions in zip(energies, known, strict=True):
        table.add(energy * KCAL_PER_MOL, positions)
    return [table.identify(one.energy - run.zero, one.positions) for one in getattr(run, of)]


def heights(graph: nx.MultiGraph, lowest: int) -> dict[int, float]:
    """Return the highest energy on the lowest path from each minimum that saddles join to a given one.

    Args:
        graph: Minima and saddles, as from `saddles_only`.
        lowest: The minimum to which paths lead.
    """
    paths = {end: minimax_path(graph, end, lowest) for end in graph if end != lowest}
    return {end: path.upper_bound for end, path in paths.items() if path is not None}


def table_graph(table: dict) -> nx.MultiGraph:
    """Return the minima and saddles of a table as a graph, energies in kcal/mol.

    Args:
        table: The table.
    """
    graph = nx.MultiGraph()
    graph.add_nodes_from((k, {"energy": m["energy"]}) for k, m in enumerate(table["minima"]))
    graph.add_edges_from((*s["ends"], {"upper_bound": s["energy"]}) for s in table["saddles"])
    return graph


def comparison(run: RunRecord, table: dict, arrays: dict, calls: int) -> dict:
    """Compare what a run had after a number of force calls with the table.

    Args:
        run: The run.
        table: The table.
        arrays: Its positions.
        calls: Force calls of the search for transition states.
    """
    run = replace(run, transition_states=tuple(s for s in run.transition_states if s.n_evaluations <= calls))
    rows = places(run, [s["energy"] for s in table["saddles"]], arrays["saddles"], "transition_states")
    minima = places(run, [m["energy"] for m in table["minima"]], arrays["minima"], "minima")
    low = [k for k, s in enumerate(table["saddles"]) if s["energy"] <= CEILING]
    between = [k for k in low if len(set(table["saddles"][k]["ends"])) == 2]
    zero = min(run.results, key=lambda m: m.energy).id
    found, known = heights(saddles_only(minima_graph(run)), zero), heights(table_graph(table), 0)
    truth = {end: height for end, height in known.items() if table["minima"][end]["energy"] <= CEILING}
    ids = {row: m.id for m, row in reversed(list(zip(run.minima, minima, strict=True))) if row is not None}
    errors = {
        end: (found[ids[end]] - run.zero) / KCAL_PER_MOL - height if ids.get(end) in found else None
        for end, height in truth.items()
    }
    return {
        "force_calls": calls,
        "saddles_between_minima": {"listed": len(between), "found": len(set(between) & set(rows))},
        "degenerate_saddles": {"listed": len(low) - len(between), "found": len(set(low) & set(rows) - set(between))},
        "missing": [{key: table["saddles"][k][key] for key in SHOWN} for k in between if k not in rows],
        "not_in_table": [
            {"energy": (s.energy - run.zero) / KCAL_PER_MOL, "imaginary": s.imaginary, "minima": s.minima}
            for s, row in zip(run.transition_states, rows, strict=True)
            if row is None and not s.is_degenerate and s.energy - run.zero <= CEILING * KCAL_PER_MOL
        ],
        "barriers": {
            "listed": len(truth),
            "equal": sum(e is not None and abs(e) <= SAME_BARRIER for e in errors.values()),
            "lower": sum(e is not None and e < -SAME_BARRIER for e in errors.values()),
        },
        "errors_of_barriers": errors,
    }


def main() -> None:
    """Compare at the given numbers of force calls, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("--table", type=Path, required=True, help="JSON of the table, with its .npz beside it")
    parser.add_argument("--calls", type=int, nargs="+", default=[5000, 10000, 15000], help="force calls")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()
    run, table = read_run(options.run / "run.sqlite"), json.loads(options.table.read_text())
    with np.load(options.table.with_suffix(".npz")) as arrays:
        results = [comparison(run, table, dict(arrays), calls) for calls in options.calls]
    for result in results:
        print({k: v for k, v in result.items() if k not in ("missing", "not_in_table", "errors_of_barriers")})
    write_json({"molecule": run.molecule.name, "comparisons": results}, options.out)


if __name__ == "__main__":
    main()
