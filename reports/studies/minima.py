"""Check that the conformers of a run are distinct minima, by relaxation to 1e-4 eV/Å in float64.

python reports/studies/minima.py runs/ac-ala3-nhme --out reports/bench/minima-ac-ala3-nhme.json
"""

import argparse
import importlib
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from explorer.config import IdentitySettings, Settings
from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.overrides import with_overrides
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.store.read import read_run
from explorer.workflows.relax import relax_tightly


def measure(run: Path) -> dict:
    """Return the loss of energy in tight relaxation (eV), the failures, and how many conformers become the same.

    Args:
        run: Folder of the run.
    """
    record = read_run(run)
    settings: Settings = with_overrides(Settings(), record.config)
    minima = record.conformers
    relaxed = relax_tightly(record.molecule, settings, np.array([m.positions for m in minima]))
    energy_losses = np.array([m.energy for m in minima]) - relaxed.energy
    classes = [m.structure_class for m in minima]
    labels = deduplicate(symmetry_of(record.molecule), relaxed.energy, relaxed.positions, classes, settings.identity)
    return {
        "run": run.name,
        "n_conformers": len(minima),
        "n_converged_to_1e-4": int((relaxed.status == 1).sum()),
        "n_distinct_after": len(set(labels.tolist())),
        "largest_fall_eV": float(energy_losses.max()),
        "n_falls_above_1e-4_eV": int((energy_losses > 1e-4).sum()),
        "median_force_calls": float(np.median(relaxed.n_steps)),
        "duplicates_by_irmsd": count_duplicates(record.molecule, minima, settings.identity),
    }


def count_duplicates(molecule: Molecule, minima: Sequence[Minimum], identity: IdentitySettings) -> dict:
    """Count pairs that the independent irmsd package calls equal, by energy window and RMSD over all atoms.

    irmsd also permutes atoms that no motion permutes, so it may call more pairs equal.

    Args:
        molecule: Molecule; its positions are not used.
        minima: Minima of the molecule.
        identity: Energy window and RMSD.
    """
    try:
        irmsd = importlib.import_module("irmsd")  # not a dependency
    except ImportError:
        return {"skipped": "irmsd is not installed: pip install irmsd, in an environment of its own"}
    numbers = molecule.atomic_numbers
    pairs = [(a, b) for a, b in combinations(minima, 2) if abs(a.energy - b.energy) <= identity.energy_window]
    distances = np.array(
        [irmsd.get_irmsd(numbers, a.positions, numbers, b.positions, iinversion=2)[0] for a, b in pairs]
    )
    return {"pairs_within_window": len(pairs), "duplicates": int((distances <= identity.rmsd).sum())}


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    configure_jax()
    result = measure(arguments.run)
    print(write_json(result, arguments.out).read_text(), end="")


if __name__ == "__main__":
    main()
