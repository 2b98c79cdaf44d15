"""What minima of a model are worth: of peptides it never saw, which stay when a reference method relaxes them.

python reports/studies/unseen.py KTG FAN YPG HVG EAL --runs runs/unseen --out reports/bench/unseen.json

A search for each sequence, then minima spread over its energies re-relaxed; finished searches and relaxations are kept
in the folder of runs, so that a call that was stopped goes on.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.bench.results import write_json
from explorer.config import BudgetSettings, Settings
from explorer.devices import configure_jax
from explorer.evaluate.relative_energies import rank_correlation
from explorer.io.build import from_sequence
from explorer.records.comparisons import Validation
from explorer.store.database import FILE_NAME
from explorer.store.read import read_run
from explorer.units import KCAL_PER_MOL
from explorer.workflows.run import finish_outputs, start_run
from explorer.workflows.validate import validate_run

CALLS_PER_MINIMUM = 100  # of a search; it must find more than are looked at


def measure(sequence: str, settings: Settings, reference: str, n: int, folder: Path) -> dict[str, Any]:
    """Search (where that is not done yet), re-relax (likewise), count.

    Args:
        sequence: of a capped peptide.
        settings: of the search.
        reference: as in `validate_run`.
        n: minima that are re-relaxed.
        folder: of the run.
    """
    if not (folder / FILE_NAME).exists() or not read_run(folder).finished:
        start_run(from_sequence(sequence), settings, folder, lambda progress: None, lambda: False)
    run = read_run(folder)
    validation = run.validation
    if validation is None or len(validation.ids) < n:
        validation = validate_run(folder, reference, n, lambda k, of: print(f"{sequence}: {k} of {of}", flush=True))
        finish_outputs(folder)
    return {
        "sequence": sequence,
        "digest": run.provenance["potential_digest"],
        "n_minima": len(run.minima),
    } | summarise(validation)


def summarise(validation: Validation) -> dict[str, Any]:
    """How many stay; of these the RMSD (Å), and energies relative to their mean: error (kcal/mol) and order."""
    stayed = np.asarray(validation.stayed, bool)
    model, reference = (e[stayed] - e[stayed].mean() for e in (validation.energy, validation.reference_energy))
    return {
        "n": len(stayed),
        "n_stayed": int(stayed.sum()),
        "median_rmsd": float(np.nanmedian(validation.rmsd)),
        "energy_mae_kcal": float(np.abs(model - reference).mean() / KCAL_PER_MOL),
        "spearman": rank_correlation(model, reference),
    }


def main() -> None:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("sequences", nargs="+")
    parser.add_argument("--model", default="default")
    parser.add_argument("--reference", default="gfn2")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    budget = BudgetSettings(evaluations=CALLS_PER_MINIMUM * given.n, minutes=0)
    settings = replace(Settings(), potential=given.model, budget=budget)
    rows = []
    for sequence in given.sequences:
        rows.append(measure(sequence, settings, given.reference, given.n, given.runs / sequence.lower()))
        write_json({"reference": given.reference, "peptides": rows}, given.out)
        print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
