"""Compare searches for transition states with tables of known minima and saddles.

Each case begins with one minimum of a Lennard-Jones cluster and goes on until no question is open, with several seeds:

    python reports/studies/landscape_truth.py lj7 lj8 --seeds 10 --truth DIR --out landscape_truth.json

The tables (`lj_saddles.json`) have energies of minima and saddles in ε and the minima on both sides of each saddle.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from explorer.bench.systems import random_cluster
from explorer.config import Settings
from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.potential.lennard_jones import lennard_jones
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass

SAME_ENERGY = 1e-4  # ε; the closest two saddles of LJ8 differ by more


def first_minimum(n_atoms: int, seed: int) -> RunRecord:
    """Return a run that holds the minimum below a random cluster.

    Args:
        n_atoms: Number of atoms.
        seed: Seed of the cluster.
    """
    from explorer.relaxation.tight import TightRelaxer

    molecule = random_cluster(n_atoms, seed)
    relaxed = TightRelaxer(molecule, lennard_jones(), Settings())(np.asarray(molecule.positions)[None])
    first = Minimum(
        id=0,
        energy=float(relaxed.energy[0]),
        positions=relaxed.positions[0] - relaxed.positions[0].mean(axis=0),
        structure_class=StructureClass.INTACT,
        fmax=float(relaxed.fmax[0]),
        n_evaluations=int(relaxed.n_steps[0]),
        round=0,
    )
    return RunRecord(molecule=molecule, config={}, provenance={}, minima=(first,), hops=(), rounds=(), visits={0: 1})


def cluster_case(n_atoms: int, seed: int, truth: dict) -> dict:
    """Search the landscape of a cluster, and count what was found of a table.

    Args:
        n_atoms: Number of atoms.
        seed: Seed of the first minimum and of random directions.
        truth: Table with `minima`, `saddles` and `ends`.
    """
    from explorer.saddles.connect import Connector, ConnectTask

    began = time.perf_counter()
    connector = Connector(first_minimum(n_atoms, seed), lennard_jones(), Settings(seed=seed), ConnectTask())
    history = []
    for _ in connector.rounds():
        history.append((len(connector.record.saddle_attempts), len(connector.record.transition_states)))
    record = connector.record
    places = nearest([m.energy for m in record.minima], truth["minima"])
    rows = nearest([s.energy for s in record.transition_states], truth["saddles"])
    wrong = [
        s.energy
        for s, row in zip(record.transition_states, rows, strict=True)
        if row is not None and sorted(str(places[m]) for m in s.minima) != sorted(map(str, truth["ends"][row]))
    ]
    found, calls = {row for row in rows if row is not None}, sum(a.n_evaluations for a in record.saddle_attempts)
    last = next((n for n, states in history if states == len(record.transition_states)), 0)
    return {
        "seed": seed,
        "minima": f"{len({p for p in places if p is not None})} of {len(truth['minima'])}",
        "saddles": f"{len(found)} of {len(truth['saddles'])}",
        "complete": len(found) == len(truth["saddles"]) and not wrong,
        "missing": [energy for k, energy in enumerate(truth["saddles"]) if k not in found],
        "not_in_table": [s.energy for s, row in zip(record.transition_states, rows, strict=True) if row is None],
        "wrong_ends": wrong,
        "attempts": len(record.saddle_attempts),
        "attempts_to_last_saddle": last,
        "force_calls": calls,
        "seconds": round(time.perf_counter() - began, 1),
    }


def nearest(energies: Sequence[float], table: Sequence[float]) -> list[int | None]:
    """Return the place of each energy in a table; None where none is near.

    Args:
        energies: Energies found, ε.
        table: Known energies, ε.
    """
    known = np.asarray(table)
    best = [int(np.argmin(np.abs(known - energy))) for energy in energies]
    return [k if abs(known[k] - energy) < SAME_ENERGY else None for k, energy in zip(best, energies, strict=True)]


def main() -> None:
    """Run the cases that are asked for, and write what was found after each search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", choices=[f"lj{n}" for n in range(5, 10)], help="clusters to search")
    parser.add_argument("--truth", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--seeds", type=int, default=10, help="number of searches of each case (10)")
    parser.add_argument("--first", type=int, default=0, help="first seed (0)")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()
    configure_jax()
    tables = json.loads((options.truth / "lj_saddles.json").read_text())
    results: dict[str, list] = {}
    for case in options.cases:
        n_atoms = int(case.removeprefix("lj"))
        for seed in range(options.first, options.first + options.seeds):
            results.setdefault(case, []).append(cluster_case(n_atoms, seed, tables[str(n_atoms)]))
            print(case, results[case][-1], flush=True)
            write_json(results, options.out)


if __name__ == "__main__":
    main()
