"""Errors of a model on held-out molecules: minima that stay, their relative energies and order, forces at 500 K.

    python reports/studies/held_out_errors.py runs/held-out/* --reference so3lr:FOLDER --out errors.json
    python reports/studies/held_out_errors.py runs/held-out/00* --minima 5 --frames 3 --out try.json

The runs are those of `held_out_search.py`. Conformers are relaxed with the reference. Dynamics on the model start at
conformers, and their frames are computed with the reference. Results of a run are kept in its folder.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from explorer.active_learning.cached import cached
from explorer.dataset.batched_paths import run_together
from explorer.dataset.network_reference import NetworkReference, SingleStructure, public_reference
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.devices import configure_jax
from explorer.errors import ExplorerError
from explorer.evaluate.model_card_tables import table
from explorer.evaluate.relative_energies import LOW_WINDOW
from explorer.files import without_nan, write_json
from explorer.records.comparisons import Validation
from explorer.records.run import RunRecord
from explorer.statistics import rank_correlation
from explorer.store.database import RUN_FILE_NAME
from explorer.units import KCAL_PER_MOL
from explorer.workflows.session import Session
from explorer.workflows.validate import validate_run

_TEMPERATURE, _STEPS, _STRIDE = 500.0, 400, 200  # K and steps of 0.5 fs of the dynamics; not tuned
COLUMNS = (
    "model", "reference", "molecules", "minima", "stay (%)", "energy MAE (kcal/mol)",
    "Spearman within 5 kcal/mol, median", "lowest Spearman", "force MAE at 500 K (meV/Å)",
)  # fmt: skip


def measure(session: Session, reference: ReferenceLabels, n: int, n_frames: int) -> dict[str, Any]:
    """Relax conformers of a run with the reference, and compare forces along dynamics on the model.

    Args:
        session: The run.
        reference: Reference method.
        n: Number of conformers to relax.
        n_frames: Number of conformers from which dynamics start.
    """
    record = session.record
    values = {"molecule": record.molecule.name, "n_atoms": record.molecule.n_atoms}
    if not record.conformers:
        return values | {"failed": "no conformer"}
    values["force_mae"] = force_error(record, session.settings.potential, reference, n_frames)
    try:
        validation = record.validation
        if validation is None or validation.reference != public_reference(reference.reference):
            validation = validate_run(session, reference.reference, n)
    except ExplorerError as error:
        return values | {"failed": str(error)}
    return values | {"failed": ""} | summarise(validation)


def summarise(validation: Validation) -> dict[str, Any]:
    """Return how many minima stay, and error (kcal/mol) and rank correlation of the energies of these.

    Args:
        validation: Minima relaxed with the reference.
    """
    stayed = np.asarray(validation.stayed, bool)
    model, true = validation.energy[stayed], validation.reference_energy[stayed]
    low = true - true.min(initial=np.inf) <= LOW_WINDOW
    difference = model - true
    return {
        "n": len(stayed),
        "n_stayed": int(stayed.sum()),
        "energy_mae": float(np.abs(difference - np.mean(difference)).mean() / KCAL_PER_MOL) if len(model) else None,
        "n_low": int(low.sum()),
        "low_spearman": rank_correlation(model[low], true[low]),
    }


def force_error(record: RunRecord, model: str, reference: ReferenceLabels, n_frames: int) -> float:
    """Return the mean absolute error of force components along dynamics on the model at 500 K, meV/Å.

    Args:
        record: The run.
        model: Name of the model.
        reference: Reference method.
        n_frames: Number of conformers from which dynamics start.
    """
    molecule = record.molecule
    evaluate = NetworkReference(model, "float32", exact=False).evaluate
    conformers = sorted(record.conformers, key=lambda m: m.energy)[:n_frames]
    starts = [
        SingleStructure(molecule.atomic_numbers, molecule.total_charge, molecule.multiplicity - 1, m.positions)
        for m in conformers
    ]
    rngs = [np.random.default_rng([0, m.id]) for m in conformers]
    paths = run_together(evaluate, starts, [_TEMPERATURE] * len(starts), _STEPS, _STRIDE, 0.5, rngs)
    frames = [start._replace(positions=x) for start, path in zip(starts, paths, strict=True) for x in path]
    if not frames:
        return float("nan")
    errors = [
        np.abs(a - b).mean() for (_, a), (_, b) in zip(evaluate(frames), reference.of(molecule)(frames), strict=True)
    ]
    return 1000 * float(np.nanmean(errors)) if np.isfinite(errors).any() else float("nan")


def row(result: dict[str, Any]) -> tuple[str, ...]:
    """Return the totals over all molecules as texts below `COLUMNS`.

    Args:
        result: Content of the output file.
    """
    done = [one for one in result["molecules"] if not one["failed"]]
    n, n_stayed = (sum(one[key] for one in done) for key in ("n", "n_stayed"))

    def mean(key: str, statistic: Any = np.mean) -> str:
        values = [one[key] for one in done if one[key] is not None]
        return f"{statistic(values):.2f}" if values else "–"

    return (
        *(result["model"], result["reference"], str(len(done)), str(n)),
        f"{100 * n_stayed / n:.0f}" if n else "–",
        *(mean("energy_mae"), mean("low_spearman", np.median), mean("low_spearman", np.min), mean("force_mae")),
    )


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--reference", default="gfn2")
    parser.add_argument("--minima", type=int, default=20, help="conformers of each molecule to relax")
    parser.add_argument("--frames", type=int, default=5, help="conformers of each molecule from which dynamics start")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    result: dict[str, Any] = {"model": "", "reference": public_reference(given.reference), "molecules": []}
    runs = [folder for folder in given.runs if (folder / RUN_FILE_NAME).exists()]
    with ReferenceLabels(given.reference) as reference:
        for k, folder in enumerate(runs):
            session = Session.open(folder)
            result["model"] = session.settings.potential
            done = cached(
                folder / "errors.json",
                lambda s=session: without_nan(measure(s, reference, given.minima, given.frames)),
            )
            result["molecules"].append(done)
            write_json(result, given.out)
            print(f"{k + 1} of {len(runs)}: {done}", file=sys.stderr, flush=True)
    text = table(COLUMNS, [row(result)])
    given.out.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
