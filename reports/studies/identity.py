"""Errors and speed of the identity of minima: planted pairs, timings, CREST ensembles checked by irmsd.

python reports/studies/identity.py --out reports/bench/identity.json --crest ../shared/data/crest
"""

import argparse
import importlib
import time
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import ase.io
import ase.units
import numpy as np

from explorer.bench import planted_pairs
from explorer.comparison.distinct import distinct_structures
from explorer.config import IdentitySettings
from explorer.files import write_json
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.io.ensemble import read_ensemble
from explorer.records.molecule import Molecule
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.topology.bonds import topology_of
from explorer.topology.torsions import dihedrals

_cached_symmetry = lru_cache(symmetry_of)
SETTINGS = IdentitySettings()
SEQUENCES = ("AF", "GV", "LD", "RS", "KE", "TI", "WG", "AAA", "YN", "QM")
N_CONFORMERS = 6
DISTINCT = {
    "diastereomer": planted_pairs.diastereomer,
    "mirror image": planted_pairs.mirror_image,
    "cis amide": planted_pairs.other_amide,
    "rotamer": planted_pairs.rotamer,
    "exchanged H of a CH2": planted_pairs.exchanged_methylene,
    "distortion of 0.13 Å": planted_pairs.distorted(0.13),
}
COPIES = {"copy": planted_pairs.copied, "distortion of 0.12 Å": planted_pairs.distorted(0.12)}


@lru_cache
def molecules_with_conformers() -> list[tuple[Molecule, np.ndarray]]:
    """Return capped dipeptides and a tripeptide with all types of side chains, and embedded conformers of each."""
    molecules = [from_sequence(sequence) for sequence in SEQUENCES]
    return [(m, embed(to_rdkit(m), N_CONFORMERS, seed=11)) for m in molecules]


def plant_pairs(plants: dict, n_pairs: int, seed: int) -> dict[str, dict[str, int]]:
    """Count the planted pairs of each type that are merged; both structures get the same energy.

    Args:
        plants: Functions that make the second structure of a pair, by name.
        n_pairs: Number of pairs of all types together, the same for each.
        seed: Seed of the random choices.
    """
    rng, pool = np.random.default_rng(seed), molecules_with_conformers()
    counts = {}
    for name, plant in plants.items():
        merged = made = 0
        while made < n_pairs // len(plants) + 1:
            molecule, conformers = pool[rng.integers(len(pool))]
            first = conformers[rng.integers(len(conformers))]
            second = plant(molecule, first, rng)
            if second is not None:
                merged += _is_merged(molecule, first, second)
                made += 1
        counts[name] = {"pairs": made, "merged": merged}
    return counts


def _is_merged(molecule: Molecule, first: np.ndarray, second: np.ndarray) -> bool:
    labels = deduplicate(_cached_symmetry(molecule), np.zeros(2), np.stack([first, second]), ["intact"] * 2, SETTINGS)
    return bool(labels[0] == labels[1])


def measure_speed(n: int, copies: int = 7, noise: float = 0.01, seed: int = 5) -> dict:
    """Measure the time to deduplicate structures of Ac-Ala3-NHMe with random torsions and distorted, rotated copies.

    The energy is a smooth function of the backbone torsions that spreads them over about 0.7 eV, and copies differ
    by 1e-4 eV, so that an energy window holds as many candidates as in a real search.

    Args:
        n: Number of structures.
        copies: Number of copies of each structure.
        noise: Standard deviation of the distortions, Å.
        seed: Seed of torsions and distortions.
    """
    molecule, rng = from_sequence("AAA"), np.random.default_rng(seed)
    topology = topology_of(molecule)
    n_originals = -(-n // copies)
    positions = embed(to_rdkit(molecule), 20, seed=seed)[rng.integers(20, size=n_originals)]
    for quadruple in topology.backbone.reshape(-1, 4):
        bond = (int(quadruple[1]), int(quadruple[2]))
        angles = rng.uniform(-180, 180, size=n_originals)
        positions = planted_pairs.rotated(positions, bond, planted_pairs.downstream(molecule, *bond), angles)
    angles = np.radians(dihedrals(positions, topology.backbone.reshape(-1, 4)))
    energies = 0.05 * np.sum(np.cos(angles) + 0.5 * np.sin(2 * angles), axis=-1)
    energies = np.repeat(energies, copies)[:n] + 1e-4 * rng.normal(size=n)
    positions = np.array(
        [planted_pairs.copied(molecule, x, rng, noise) for x in np.repeat(positions, copies, axis=0)[:n]]
    )
    symmetry = _cached_symmetry(molecule)
    wall, cpu = time.perf_counter(), time.process_time()
    labels = deduplicate(symmetry, energies, positions, ["intact"] * n, SETTINGS)
    return {
        "structures": n,
        "planted_distinct": n_originals,
        "found_distinct": len(set(labels.tolist())),
        "wall_seconds": round(time.perf_counter() - wall, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
    }


def check_crest(path: Path) -> dict:
    """Count duplicates in a CREST ensemble before and after our deduplication, by the independent irmsd package.

    A duplicate is a pair within the RMSD over all atoms and the energy window. irmsd also permutes atoms that no motion
    permutes, so it may call more pairs equal. Energies are read from `gfn2_energy_hartree`.

    Args:
        path: Extended XYZ file of the ensemble.
    """
    try:
        irmsd = importlib.import_module("irmsd")  # not a dependency
    except ImportError:
        return {"skipped": "irmsd is not installed: pip install irmsd, in an environment of its own"}
    molecules = read_ensemble(path).molecules
    hartree = [atoms.info["gfn2_energy_hartree"] for atoms in ase.io.iread(path, index=":")]
    energies = np.array(hartree) * ase.units.Hartree
    kept = distinct_structures(molecules, energies, SETTINGS).representatives
    numbers = molecules[0].atomic_numbers

    def count(chosen: np.ndarray) -> int:
        pairs = [(i, j) for i, j in combinations(chosen, 2) if abs(energies[i] - energies[j]) <= SETTINGS.energy_window]
        distances = [
            irmsd.get_irmsd(numbers, molecules[i].positions, numbers, molecules[j].positions, iinversion=2)[0]
            for i, j in pairs
        ]
        return int(np.sum(np.array(distances) <= SETTINGS.rmsd))

    return {
        "structures": len(molecules),
        "representatives": len(kept),
        "duplicate_pairs_before": count(np.arange(len(molecules))),
        "duplicate_pairs_among_representatives": count(kept),
    }


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=1000, help="planted pairs of distinct structures, and of copies")
    parser.add_argument("--crest", type=Path, help="folder with CREST ensembles as extended XYZ")
    arguments = parser.parse_args()
    files = sorted(arguments.crest.glob("*.extxyz")) if arguments.crest else []
    result = {
        "rmsd_angstrom": SETTINGS.rmsd,
        "energy_window_eV": SETTINGS.energy_window,
        "planted_distinct": plant_pairs(DISTINCT, arguments.pairs, seed=1),
        "planted_copies": plant_pairs(COPIES, arguments.pairs, seed=2),
        "speed": [measure_speed(n) for n in (5_000, 50_000)],
        "crest_checked_by_irmsd": {path.stem: check_crest(path) for path in files},
    }
    print(write_json(result, arguments.out).read_text(), end="")


if __name__ == "__main__":
    main()
