"""Minima of a model for peptides outside its training data, relaxed again with a reference method.

python reports/studies/unseen.py KTG FAN YPG HVG EAL --runs runs/unseen --out reports/bench/unseen.json

Each sequence is searched, then minima spread over all energies are relaxed with the reference method. Finished searches
and relaxations are kept in the folder of runs, so an interrupted call resumes.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.config import BudgetSettings, Settings
from explorer.devices import configure_jax
from explorer.files import without_nan, write_json
from explorer.io.build import from_sequence
from explorer.records.comparisons import Validation
from explorer.statistics import rank_correlation
from explorer.store.database import RUN_FILE_NAME
from explorer.store.read import read_run
from explorer.units import KCAL_PER_MOL
from explorer.workflows.results import write_outputs
from explorer.workflows.run import start_run
from explorer.workflows.session import Session
from explorer.workflows.validate import validate_run

_SEARCH_CALLS_PER_MINIMUM = 100  # force calls of a search per relaxed minimum; a search finds a minimum in about 60


def measure(sequence: str, settings: Settings, reference: str, n: int, folder: Path) -> dict[str, Any]:
    """Search and relax with the reference method, unless this is done already, and return the figures.

    Args:
        sequence: One-letter sequence of a capped peptide.
        settings: Settings of the search.
        reference: Reference method, as in `validate_run`.
        n: Number of minima to relax.
        folder: Folder of the run.
    """
    if not (folder / RUN_FILE_NAME).exists() or not read_run(folder).finished:
        start_run(from_sequence(sequence), settings, folder, lambda progress: None, lambda: False).close()
    session = Session.open(folder)
    run, validation = session.record, session.record.validation
    if validation is None or len(validation.ids) < n:
        validation = validate_run(session, reference, n, lambda k, of: print(f"{sequence}: {k} of {of}", flush=True))
        write_outputs(session)
    return {
        "sequence": sequence,
        "digest": run.provenance["potential_digest"],
        "n_minima": len(run.minima),
    } | summarise(validation)


def summarise(validation: Validation) -> dict[str, Any]:
    """Return how many minima stay, the median RMSD (Å), and error (kcal/mol) and rank correlation of their energies."""
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
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("sequences", nargs="+")
    parser.add_argument("--model", default="default")
    parser.add_argument("--reference", default="gfn2")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    budget = BudgetSettings(evaluations=_SEARCH_CALLS_PER_MINIMUM * given.n, minutes=0)
    settings = replace(Settings(), potential=given.model, budget=budget)
    rows = []
    for sequence in given.sequences:
        rows.append(measure(sequence, settings, given.reference, given.n, given.runs / sequence.lower()))
        write_json(without_nan({"reference": given.reference, "peptides": rows}), given.out)
        print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
