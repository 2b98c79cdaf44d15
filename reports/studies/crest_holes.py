"""Conformers of CREST relaxed with a model: how many fall into holes, and how many the model does not know.

python reports/studies/crest_holes.py FGG55.extxyz WG01.extxyz --out reports/bench/crest-holes.json
python reports/studies/crest_holes.py FGG55.extxyz --molecules 20 --out try.json
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.config import HoppingSettings, Settings
from explorer.devices import configure_jax
from explorer.evaluate.model_card_tables import table
from explorer.files import write_json
from explorer.io.ensemble import read_ensemble
from explorer.records.uncertainty import ANY_LEVEL
from explorer.workflows.relax import RelaxedStructure, relax_structures

COLUMNS = (
    "model",
    "ensemble",
    "conformers",
    "holes",
    "other class",
    "not converged",
    "trusted",
    "uncertain",
    "out of distribution",
)


def measure(path: Path, settings: Settings, n: int) -> dict[str, Any]:
    """Relax an ensemble and count holes and verdicts.

    Args:
        path: Structures of one molecule.
        settings: Potential and convergence, without a limit of the uncertainty: what is excluded then is a hole.
        n: Number of structures; 0 for all.
    """
    molecules = read_ensemble(path).molecules[: n or None]
    relaxed = relax_structures(molecules, settings)
    return {"ensemble": path.stem, "n": len(relaxed), **count(relaxed)}


def count(relaxed: list[RelaxedStructure]) -> dict[str, Any]:
    """Return numbers of holes, of other structures and of verdicts, and the reasons of holes.

    Args:
        relaxed: Relaxed structures of one molecule.
    """
    levels = [str(one.uncertainty.trust_level) for one in relaxed if one.uncertainty and not one.exclusion]
    return {
        "n_holes": sum(bool(one.exclusion) for one in relaxed),
        "n_other_class": sum(not one.structure_class.is_conformer and not one.exclusion for one in relaxed),
        "n_not_converged": sum(not one.status.startswith("converged") for one in relaxed),
        "levels": {level: levels.count(level) for level in ("trusted", "uncertain", "out-of-distribution")},
        "holes": [[k, one.exclusion] for k, one in enumerate(relaxed) if one.exclusion],
        "energies": [one.energy for one in relaxed],
    }


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ensembles", nargs="+", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--molecules", type=int, default=0, help="number of conformers of each; 0 for all")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    settings = replace(Settings(), potential=given.model, hopping=HoppingSettings(max_uncertainty=ANY_LEVEL))
    results: list[dict[str, Any]] = []
    for path in given.ensembles:
        results.append(measure(path, settings, given.molecules))
        write_json({"model": given.model, "ensembles": results}, given.out)
    rows = [
        (
            *(given.model, one["ensemble"], str(one["n"])),
            *(str(one[key]) for key in ("n_holes", "n_other_class", "n_not_converged")),
            *map(str, one["levels"].values()),
        )
        for one in results
    ]
    text = table(COLUMNS, rows)
    given.out.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
