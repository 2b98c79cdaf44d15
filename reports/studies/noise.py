"""Spread of energy and RMSD among relaxations into the same minimum, the basis of the identity thresholds.

python reports/studies/noise.py --out reports/bench/noise.json
python reports/studies/noise.py --potential so3lr:FOLDER --out noise-so3lr.json
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.config import IdentitySettings, Settings
from explorer.config_file import load_settings
from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.io.build import embed, to_rdkit
from explorer.io.read import read_molecule
from explorer.records.molecule import Molecule
from explorer.resources import data_folder
from explorer.similarity.alignment import rmsd_batch
from explorer.similarity.symmetry import symmetry_of
from explorer.units import KCAL_PER_MOL
from explorer.workflows.relax import relax_structures

_MAX_RMSD = 0.25  # Å, twice the threshold of identity: copies beyond it have left their minimum


def measure(molecule: Molecule, settings: Settings, n_minima: int, n_copies: int, size: float) -> dict:
    """Return the spread of energy (eV) and RMSD (Å) among relaxations from displaced copies of relaxed conformers.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Settings of relaxation and identity.
        n_minima: Number of embedded conformers.
        n_copies: Number of copies of each.
        size: Standard deviation of the displacements of the copies, Å.
    """
    rng, symmetry = np.random.default_rng(0), symmetry_of(molecule)
    starts = embed(to_rdkit(molecule), n_minima, seed=2)
    minima = relax_structures([replace(molecule, positions=x) for x in starts], settings)
    copies = [
        replace(molecule, positions=m.positions + size * rng.normal(size=m.positions.shape))
        for m in minima
        for _ in range(n_copies)
    ]
    relaxed = relax_structures(copies, settings)
    energies, distances, n_left = [], [], 0
    for k, minimum in enumerate(minima):
        mine = [r for r in relaxed[k * n_copies : (k + 1) * n_copies] if r.status == "converged"]
        apart = rmsd_batch(symmetry, minimum.positions, np.array([r.positions for r in mine]))
        near = [r for r, distance in zip(mine, apart, strict=True) if distance <= _MAX_RMSD]
        energies += [r.energy - minimum.energy for r in near]
        distances += apart[apart <= _MAX_RMSD].tolist()
        n_left += n_copies - len(near)
    noise = float(np.std(energies))
    return {
        "molecule": molecule.name,
        "potential": settings.potential,
        "precision": settings.precision,
        "n_minima": n_minima,
        "n_relaxations": len(energies),
        "n_left_or_failed": n_left,
        "energy_noise_eV": noise,
        "largest_energy_difference_eV": float(np.abs(energies).max()),
        "rmsd_median_angstrom": float(np.median(distances)),
        "rmsd_largest_angstrom": float(np.max(distances)),
        "window_eV": max(0.05 * KCAL_PER_MOL, 3 * noise),
        "window_of_settings_eV": settings.identity.energy_window,
        "rmsd_of_settings_angstrom": IdentitySettings().rmsd,
    }


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--input", type=Path, default=data_folder() / "peptides" / "ac-ala3-nhme.pdb")
    parser.add_argument("--potential", default="default")
    parser.add_argument("--precision", default="float32", choices=["float32", "float64"])
    arguments = parser.parse_args()
    configure_jax()
    settings = load_settings(overrides={"potential": arguments.potential, "precision": arguments.precision})
    result = measure(read_molecule(arguments.input), settings, n_minima=16, n_copies=8, size=0.03)
    print(write_json(result, arguments.out).read_text(), end="")


if __name__ == "__main__":
    main()
