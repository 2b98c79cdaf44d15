"""Searches of held-out molecules: conformers with a wrong energy, artefacts as the lowest one, calls spent on holes.

    python reports/studies/held_out_search.py --reference so3lr:FOLDER --work runs/held-out --out search.json
    python reports/studies/held_out_search.py --molecules 3 --evaluations 500 --work runs/held-out --out try.json

The molecules are those of a recipe, by default the 100 that no shipped model is trained on, and neutral and
zwitterionic peptides without caps. All conformers of a search are computed with the reference at the same positions.
Finished searches and labels are kept in the folder of work, so an interrupted call resumes.
"""

import argparse
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from explorer.active_learning.cached import cached
from explorer.active_learning.finds import errors_of_minima
from explorer.active_learning.hunt_molecules import build_start, smiles_of
from explorer.config import BudgetSettings, Settings
from explorer.dataset.network_reference import SingleStructure, public_reference
from explorer.dataset.recipe import load_recipe
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.devices import configure_jax
from explorer.errors import ExplorerError
from explorer.evaluate.model_card_tables import table
from explorer.files import without_nan, write_json
from explorer.io.build import from_sequence
from explorer.io.sequence import Caps
from explorer.records.molecule import Molecule
from explorer.records.run import RunRecord
from explorer.store.database import RUN_FILE_NAME
from explorer.units import KCAL_PER_MOL
from explorer.workflows.run import resume_run, start_run
from explorer.workflows.session import Session

PEPTIDES = ("GGF", "FGG", "WG")  # those of MPCONF196 that fell into holes of earlier models
FORMS: dict[str, Caps] = {"neutral": "h-oh", "zwitterion": "none"}  # their chain ends
MAX_ERROR = 5.0  # kcal/mol, of a relative energy
COLUMNS = (
    "model", "reference", "force calls", "molecules", "refused", "conformers", "wrong", "artefact lowest",
    "calls from the unknown (%)", "calls from or to (%)",
)  # fmt: skip


def molecules_of(recipe: Path, n: int, seed: int) -> dict[str, Molecule]:
    """Return molecules by name: neutral and zwitterionic peptides without caps, then those of a recipe.

    Args:
        recipe: File of the recipe.
        n: Number of molecules in all; 0 for all.
        seed: Seed of the structures from which searches start, and of the order of the recipe.
    """
    built = {f"{one}-{form}": from_sequence(one, caps) for one in PEPTIDES for form, caps in FORMS.items()}
    entries = load_recipe(recipe).molecules
    order = np.random.default_rng(seed).permutation(len(entries))
    n = n or len(entries) + len(built)
    for k in order[: max(0, n - len(built))]:
        rng = np.random.default_rng([seed, int(k)])
        built[entries[k].name] = build_start(entries[k].name, smiles_of(entries[k]), rng)
    return dict(list(built.items())[:n])


def measure(molecule: Molecule, settings: Settings, folder: Path, reference: ReferenceLabels) -> dict[str, Any]:
    """Search a molecule and compare its conformers with the reference, unless this is done already.

    Args:
        molecule: Molecule to start from.
        settings: Settings of the search.
        folder: Folder of the run.
        reference: Reference method.
    """
    is_stored = (folder / RUN_FILE_NAME).exists()
    search = partial(start_run, molecule, settings, folder)
    try:
        with Session.open(folder, writing=True) if is_stored else nullcontext() as stored:
            search = search if stored is None else partial(resume_run, stored)
            with search(lambda progress: None, lambda: False) as session:
                run = session.record
    except ExplorerError as error:
        return {"refused": str(error)}
    return {"refused": "", **summarise(run, reference)}


def summarise(run: RunRecord, reference: ReferenceLabels) -> dict[str, Any]:
    """Return errors of the conformers (kcal/mol, meV/Å), and shares of the force calls.

    Args:
        run: Finished run.
        reference: Reference method.
    """
    conformers = sorted(run.conformers, key=lambda m: m.energy)
    unknown = {m.id for m in run.unknown}
    calls = sum(hop.n_evaluations for hop in run.hops)
    values: dict[str, Any] = {
        "n_atoms": run.molecule.n_atoms,
        "n_conformers": len(conformers),
        "n_unknown": len(unknown),
        "force_calls": run.rounds[-1].n_evaluations,
        "share_from_unknown": sum(h.n_evaluations for h in run.hops if h.start in unknown) / max(calls, 1),
        "share_from_or_to_unknown": run.unknown_share,
    }
    if not conformers:
        return values | {"n_wrong": 0, "lowest_is_artefact": False, "largest_error": None, "force_error": None}
    numbers, charge, spin = run.molecule.atomic_numbers, run.molecule.total_charge, run.molecule.multiplicity - 1
    labels = reference.of(run.molecule)([SingleStructure(numbers, charge, spin, m.positions) for m in conformers])
    energies, forces = (np.array(column, dtype=float) for column in zip(*labels, strict=True))
    errors = errors_of_minima(conformers, energies, forces)
    kcal = errors.energy_error / KCAL_PER_MOL
    return values | {
        "n_failed": int(np.isnan(kcal).sum()),
        "n_wrong": int((np.abs(np.nan_to_num(kcal)) > MAX_ERROR).sum()),
        "lowest_is_artefact": bool(np.abs(np.nan_to_num(kcal[0])) > MAX_ERROR),
        "largest_error": float(np.nanmax(np.abs(kcal))) if np.isfinite(kcal).any() else None,
        "force_error": 1000 * float(np.nanmean(errors.force_error)) if np.isfinite(kcal).any() else None,
    }


def row(result: dict[str, Any]) -> tuple[str, ...]:
    """Return the totals over all molecules as texts below `COLUMNS`.

    Args:
        result: Content of the output file.
    """
    done = [one for one in result["molecules"].values() if not one["refused"]]
    calls = np.array([one["force_calls"] for one in done], float)

    def share(key: str) -> str:
        return f"{100 * np.average([one[key] for one in done], weights=calls):.1f}" if done else "–"

    return (
        *(result["model"], result["reference"], str(result["evaluations"])),
        *(str(len(result["molecules"])), str(len(result["molecules"]) - len(done))),
        *(str(sum(one[key] for one in done)) for key in ("n_conformers", "n_wrong", "lowest_is_artefact")),
        *(share("share_from_unknown"), share("share_from_or_to_unknown")),
    )


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--reference", default="gfn2")
    parser.add_argument("--recipe", type=Path, default=Path("data/training/chain-molecules-heldout.toml"))
    parser.add_argument("--molecules", type=int, default=0, help="number of molecules; 0 for all")
    parser.add_argument("--evaluations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--work", type=Path, required=True, help="folder of the searches")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    budget = BudgetSettings(evaluations=given.evaluations, minutes=0.0)
    settings = Settings(potential=given.model, seed=given.seed, training_frames=0, budget=budget)
    result: dict[str, Any] = {
        "model": given.model,
        "reference": public_reference(given.reference),
        "evaluations": given.evaluations,
        "seed": given.seed,
        "molecules": {},
    }
    molecules = molecules_of(given.recipe, given.molecules, given.seed)
    with ReferenceLabels(given.reference, given.processes) as reference:
        for k, (name, molecule) in enumerate(molecules.items()):
            folder = given.work / f"{k:03d}"
            done = cached(
                folder / "result.json",
                lambda m=molecule, f=folder: without_nan(measure(m, settings, f, reference)),
            )
            result["molecules"][name] = done
            write_json(result, given.out)
            print(f"{k + 1} of {len(molecules)}: {name} {done}", file=sys.stderr, flush=True)
    text = table(COLUMNS, [row(result)])
    given.out.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
