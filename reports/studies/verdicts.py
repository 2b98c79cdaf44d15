"""Verdicts of a model on chemistry that its training data lack, and on held-out tripeptides, against true errors.

    python reports/studies/verdicts.py --reference gfn2 --work runs/verdicts --out reports/bench/verdicts.json
    python reports/studies/verdicts.py --molecules 2 --frames 3 --held-out 1 --work runs/try --out try.json

Ten charged and modified peptides, and two that the training data have, are built from SMILES with random torsions and
displaced along all modes of a model Hessian at 300 K. A frame is wrong if the root-mean-square force error of the model
against the reference is above 0.3 eV/Å. The model doubts a frame if its verdict is not `trusted`; `out-of-distribution`
is counted apart, and so is a molecule that the model refuses for its elements. Held-out frames bring their labels
along. Finished molecules are kept in the folder of work, so an interrupted call resumes.
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from explorer.active_learning.cached import cached
from explorer.active_learning.hunt_molecules import build_start
from explorer.config import HoppingSettings, Settings
from explorer.dataset.dataset import load_dataset
from explorer.dataset.displacements import stiffness_matrix, thermally_displaced
from explorer.dataset.network_reference import SingleStructure, public_reference
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.devices import configure_jax
from explorer.errors import ExplorerWarning, InputError
from explorer.evaluate.model_card_tables import table
from explorer.files import without_nan, write_json
from explorer.io.build import from_sequence
from explorer.potential.load import potential_of
from explorer.potential.prediction import predict_all
from explorer.records.molecule import Molecule
from explorer.records.uncertainty import ANY_LEVEL, TrustLevel
from explorer.system import system_of
from explorer.workflows.criteria import criteria_for

SIDE_CHAINS = {
    "thiolate": "C[S-]",
    "tyrosinate": "Cc1ccc([O-])cc1",
    "neutral arginine": "CCCN=C(N)N",
    "phosphoserine": "COP(=O)([O-])[O-]",
    "nitrophenylalanine": "Cc1ccc([N+](=O)[O-])cc1",
    "methionine sulfoxide": "CCS(C)=O",
    "azidoalanine": "CN=[N+]=[N-]",
    "trimethyllysine": "CCCC[N+](C)(C)C",
    "fluorophenylalanine": "Cc1ccc(F)cc1",
    "selenocysteine": "C[SeH]",
}
CONTROLS = {"serine": "CO", "lysine": "CCCC[NH3+]"}  # which the training data have
TEMPERATURE = 300.0  # K
MAX_FORCE_ERROR = 0.3  # eV/Å, root mean square, as in a hunt
PARTS = ("unknown", "known", "held_out")  # chemistry that the training data lack or have; held-out tripeptides
COLUMNS = (
    "molecule",
    "frames",
    "force error (eV/Å)",
    "wrong",
    "trusted",
    "uncertain",
    "out of distribution",
    "refused",
)


def displaced(molecule: Molecule, n: int, rng: np.random.Generator) -> Float[np.ndarray, "n N 3"]:
    """Return displaced structures of a molecule, Å."""
    hessian = stiffness_matrix(molecule, molecule.positions)
    return np.array([thermally_displaced(hessian, molecule.positions, TEMPERATURE, rng) for _ in range(n)])


def judged(
    known_as: Molecule, molecule: Molecule, model: str, positions: Float[np.ndarray, "n N 3"], forces: np.ndarray
) -> dict[str, Any]:
    """Return verdicts of a model, and its force errors (eV/Å, root mean square over atoms).

    Args:
        known_as: The molecule with formal charges, in any order of atoms.
        molecule: The molecule in the order of the frames.
        model: Name or folder of the model.
        positions: Frames, Å.
        forces: Forces of the reference, eV/Å; NaN where it failed.
    """
    settings = Settings(potential=model, hopping=HoppingSettings(max_uncertainty=ANY_LEVEL))
    try:
        potential, info = potential_of(settings, molecule)
    except InputError as error:  # an element that the model was not trained on
        return {"refused": str(error), "unseen": [], "levels": [], "force_errors": []}
    unseen = getattr(criteria_for(info, potential, known_as, settings), "unseen", ())
    criteria = criteria_for(info, potential, molecule, settings)
    if criteria is None or criteria.estimate is None:
        raise SystemExit(f"{model} has no calibration.json, so it gives no verdicts.")
    predicted, _ = predict_all(potential, system_of(molecule, np.dtype("float64")), positions)
    differences = np.asarray(predicted.mean().forces, float) - forces
    errors = np.sqrt((differences**2).sum(-1).mean(-1))
    levels = [str(TrustLevel.OUT_OF_DISTRIBUTION)] * len(positions)
    if not unseen:
        levels = [str(one.trust_level) for one in criteria.estimate(positions)]
    return {"refused": "", "unseen": list(unseen), "levels": levels, "force_errors": errors.tolist()}


def of_peptide(name: str, model: str, reference: ReferenceLabels, n: int) -> dict[str, Any]:
    """Return verdicts and errors of displaced structures of a peptide."""
    smiles, rng = f"CC(=O)N[C@@H]({(SIDE_CHAINS | CONTROLS)[name]})C(=O)NC", np.random.default_rng(0)
    molecule = build_start(name, smiles, rng)
    positions = displaced(molecule, n, rng)
    charge, n_unpaired = molecule.total_charge, molecule.multiplicity - 1
    frames = [SingleStructure(molecule.atomic_numbers, charge, n_unpaired, frame) for frame in positions]
    forces = np.array([label for _, label in reference.of(molecule)(frames)])
    return {"molecule": name, "smiles": smiles, **without_nan(judged(molecule, molecule, model, positions, forces))}


def of_held_out(file: Path, name: str, model: str, n: int) -> dict[str, Any]:
    """Return verdicts and errors of frames of a held-out tripeptide, such as `ac-eal-nhme`."""
    data = load_dataset(file)[name]
    chosen = np.random.default_rng(0).permutation(len(data.energy))[:n]
    known_as, molecule = from_sequence(name.split("-")[1].upper()), data.as_molecule(name)
    return {
        "molecule": name,
        **without_nan(judged(known_as, molecule, model, data.positions[chosen], data.forces[chosen])),
    }


def row(name: str, molecules: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the texts below `COLUMNS`, of all frames whose true error is known."""
    pairs = [p for one in molecules for p in zip(one["levels"], one["force_errors"], strict=True) if p[1] is not None]
    errors, levels = np.array([error for _, error in pairs]), [level for level, _ in pairs]
    wrong = errors > MAX_FORCE_ERROR
    return (
        *(name, str(len(pairs)), f"{errors.mean():.3f}" if len(pairs) else "–", str(int(wrong.sum()))),
        *(str(sum(level == str(one) for level in levels)) for one in TrustLevel),
        str(sum(bool(one.get("refused")) for one in molecules)),
    )


def confusion(molecules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return numbers of frames by verdict and by whether the model is wrong there."""
    counts = {f"{level} and {truth}": 0 for level in TrustLevel for truth in ("right", "wrong")}
    for one in molecules:
        for level, error in zip(one["levels"], one["force_errors"], strict=True):
            if error is not None:
                counts[f"{level} and {'wrong' if error > MAX_FORCE_ERROR else 'right'}"] += 1
    n = max(1, sum(counts.values()))
    doubted = {level: counts[f"{level} and right"] / n for level in TrustLevel if level != TrustLevel.TRUSTED}
    return counts | {f"share of frames that are {level} although right": share for level, share in doubted.items()}


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--reference", default="gfn2")
    parser.add_argument("--molecules", type=int, default=len(SIDE_CHAINS))
    parser.add_argument("--frames", type=int, default=10, help="frames of each peptide")
    parser.add_argument("--data", type=Path, default=Path("data/training/peptides-heldout.npz"))
    parser.add_argument("--held-out", type=int, default=100, help="held-out molecules, of which all frames are taken")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    warnings.simplefilter("ignore", ExplorerWarning)
    result: dict[str, Any] = {"model": given.model, "reference": public_reference(given.reference)}
    result |= {part: [] for part in PARTS}

    def keep(part: str, name: str, compute: Any) -> None:
        result[part].append(cached(given.work / f"{name.replace(' ', '-')}.json", compute))
        print(result[part][-1]["molecule"], row(name, result[part][-1:]), file=sys.stderr, flush=True)

    with ReferenceLabels(given.reference) as reference:
        for name in list(SIDE_CHAINS)[: given.molecules]:
            keep("unknown", name, lambda name=name: of_peptide(name, given.model, reference, given.frames))
        for name in CONTROLS:
            keep("known", name, lambda name=name: of_peptide(name, given.model, reference, given.frames))
    for name in list(load_dataset(given.data))[: given.held_out]:
        keep("held_out", name, lambda name=name: of_held_out(given.data, name, given.model, 100))
    result["confusion"] = {part: confusion(result[part]) for part in PARTS}
    write_json(result, given.out)
    rows = [row(one["molecule"], [one]) for part in PARTS for one in result[part]]
    rows += [row(f"all {part}", result[part]) for part in PARTS]
    text = table(COLUMNS, rows)
    given.out.with_suffix(".md").write_text(text + "\n")
    print(text, result["confusion"])


if __name__ == "__main__":
    main()
