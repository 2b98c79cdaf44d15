"""Chemistry at the border of a model's training data: refusal or verdict, and the true error.

    python reports/studies/blind_spots.py --reference gfn2 --out reports/bench/blind-spots.json
    python reports/studies/blind_spots.py --molecules 3 --starts 2 --out try.json

Each molecule is relaxed with the model from random structures. A minimum is wrong if the root-mean-square force of the
reference on it is above 0.3 eV/Å. Right is a refusal or a verdict other than trusted where minima are wrong, and a
trusted minimum where they are not.
"""

import argparse
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.active_learning.hunt_molecules import build_start
from explorer.config import HoppingSettings, Settings
from explorer.dataset.network_reference import SingleStructure, public_reference
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.devices import configure_jax
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluate.model_card_tables import table
from explorer.files import without_nan, write_json
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.records.uncertainty import ANY_LEVEL
from explorer.workflows.criteria import check_chemistry, criteria_for
from explorer.workflows.relax import relax_structures

SIDE_CHAINS = {
    "thiolate": "C[S-]",
    "tyrosinate": "Cc1ccc([O-])cc1",
    "neutral arginine": "CCCN=C(N)N",
    "neutral lysine": "CCCCN",
    "azide": "CN=[N+]=[N-]",
    "phosphate": "COP(=O)([O-])[O-]",
    "radical": "C[CH2]",
    "metal": "CS[Zn]SC",
    "nitro": "Cc1ccc([N+](=O)[O-])cc1",
    "sulfoxide": "CCS(C)=O",
    "serine": "CO",
    "arginine": "CCCNC(N)=[NH2+]",
}
MAX_FORCE_ERROR = 0.3  # eV/Å, root mean square, as in a hunt
COLUMNS = (
    "model",
    "reference",
    "molecule",
    "a search is",
    "verdicts with any limit",
    "minima",
    "wrong",
    "force error (meV/Å)",
)


def measure(name: str, settings: Settings, reference: ReferenceLabels, n: int) -> dict[str, Any]:
    """Return what a search says to a molecule, verdicts on its minima, and their true errors.

    Args:
        name: Key of `SIDE_CHAINS`.
        settings: Settings of a search.
        reference: Reference method.
        n: Number of structures to relax.
    """
    smiles = f"CC(=O)N[C@@H]({SIDE_CHAINS[name]})C(=O)NC"
    values: dict[str, Any] = {"molecule": name, "smiles": smiles, "refusal": "", "verdicts": {}, "force_errors": []}
    starts: list[Molecule] = []
    try:
        starts = [build_start(name, smiles, np.random.default_rng([0, k])) for k in range(n)]
        potential, info = potential_of(settings, starts[0])
        check_chemistry(info.name, criteria_for(info, potential, starts[0], settings))
    except ExplorerError as error:
        values["refusal"] = str(error)
    any_level = replace(settings, hopping=HoppingSettings(max_uncertainty=ANY_LEVEL))
    try:
        relaxed = relax_structures(starts, any_level)
    except ExplorerError as error:
        return values | {"not_computed": str(error)}
    levels = ["hole" if r.exclusion else str(r.uncertainty.trust_level) if r.uncertainty else "none" for r in relaxed]
    values["verdicts"] = {level: levels.count(level) for level in dict.fromkeys(levels)}
    one = starts[0]
    structures = [
        SingleStructure(one.atomic_numbers, one.total_charge, one.multiplicity - 1, r.positions) for r in relaxed
    ]
    forces = np.array([f for _, f in reference.of(one)(structures)])
    return values | {"force_errors": np.sqrt((forces**2).sum(-1).mean(-1)).tolist()}


def row(result: dict[str, Any], one: dict[str, Any]) -> tuple[str, ...]:
    """Return the texts of one molecule below `COLUMNS`.

    Args:
        result: Content of the output file.
        one: Record of the molecule.
    """
    errors = np.array([np.nan if e is None else e for e in one["force_errors"]], float)
    known = errors[np.isfinite(errors)]
    return (
        *(result["model"], result["reference"], one["molecule"]),
        "refused" if one["refusal"] else "begun",
        ", ".join(f"{n} {level}" for level, n in one["verdicts"].items()) or "not computed",
        *(str(len(known)), str(int((known > MAX_FORCE_ERROR).sum()))),
        f"{1000 * known.mean():.0f}" if len(known) else "–",
    )


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--reference", default="gfn2")
    parser.add_argument("--molecules", type=int, default=len(SIDE_CHAINS))
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    warnings.simplefilter("ignore", ExplorerWarning)
    result: dict[str, Any] = {"model": given.model, "reference": public_reference(given.reference), "molecules": []}
    with ReferenceLabels(given.reference) as reference:
        for name in list(SIDE_CHAINS)[: given.molecules]:
            settings = Settings(potential=given.model)
            result["molecules"].append(without_nan(measure(name, settings, reference, given.starts)))
            write_json(result, given.out)
            print(result["molecules"][-1], file=sys.stderr, flush=True)
    text = table(COLUMNS, [row(result, one) for one in result["molecules"]])
    given.out.with_suffix(".md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
