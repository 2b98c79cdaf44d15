"""Along what a network errs: bonds, angles or dihedrals, by the shares of them in the error of its forces.

python reports/studies/error_directions.py --data data/training/peptides-heldout.npz --out FILE.json

The Cartesian directions that change bond lengths come first, then those of the rest that change angles, then dihedrals.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from explorer.bench.results import write_json
from explorer.dataset.dataset import MoleculeData, load_dataset
from explorer.devices import configure_jax
from explorer.potential.load import Network, read_model
from explorer.records.molecule import Molecule
from explorer.relax.coordinates import Coordinates, internal_coordinates
from explorer.relax.wilson import b_matrix
from explorer.train.frames import fill_buckets
from explorer.train.predict import predict

KINDS = ("bonds", "angles", "dihedrals")
SMALLEST = 1e-6  # singular values below, relative to the largest, are no directions


def directions(coordinates: Coordinates, rows: Float[np.ndarray, "M 3N"]) -> dict[str, Float[np.ndarray, "3N n"]]:
    """Orthonormal directions of each kind, orthogonal to those of the kinds before.

    Args:
        coordinates: of a single molecule, without anchors.
        rows: their derivatives, Wilson's B-matrix.
    """
    n_bonds, n_dihedrals = len(coordinates.distances), coordinates.n_dihedrals
    known, found = np.zeros((rows.shape[1], 0)), {}
    for kind, of_kind in zip(KINDS, np.split(rows, [n_bonds, len(rows) - n_dihedrals]), strict=True):
        rest = of_kind.T - known @ (known.T @ of_kind.T)
        vectors, sizes, _ = np.linalg.svd(rest, full_matrices=False)
        found[kind] = vectors[:, sizes > SMALLEST * sizes[0]]
        known = np.hstack([known, found[kind]])
    return found


def measure(molecules: dict[str, MoleculeData], network: Network) -> dict[str, Any]:
    """Share of each kind in the squared error, error and force per direction (root mean square, eV/Å), their ratio."""
    sums = {kind: np.zeros(3) for kind in KINDS}  # squared errors, squared forces, directions
    n_frames = 0
    for name, data in molecules.items():
        n_atoms = len(data.atomic_numbers)
        plain = np.ones(len(data.bonds)), np.zeros(n_atoms, int), data.total_charge
        coordinates = internal_coordinates(Molecule(name, data.atomic_numbers, data.positions[0], data.bonds, *plain))
        matrix = jax.jit(partial(b_matrix, coordinates))
        buckets = fill_buckets({name: data}, network.hyperparameters)
        predicted, wanted = (
            found.forces[:, :n_atoms] for found in predict(buckets, network.hyperparameters, network.params)
        )
        for positions, ours, theirs in zip(data.positions, predicted, wanted, strict=True):
            for kind, along in directions(coordinates, np.asarray(matrix(positions))).items():
                error, force = (ours - theirs).ravel() @ along, theirs.ravel() @ along
                sums[kind] += error @ error, force @ force, along.shape[1]
        n_frames += len(data.energy)
    total = sum(values[0] for values in sums.values())
    return {
        "digest": network.digest,
        "n_frames": n_frames,
        "kinds": {
            kind: {
                "share": squared / total,
                "error": (squared / n) ** 0.5,
                "force": (forces / n) ** 0.5,
                "ratio": (squared / forces) ** 0.5,
            }
            for kind, (squared, forces, n) in sums.items()
        },
    }


def main() -> None:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--stage", default="dynamics-500", help="of the frames that are looked at")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    chosen = {name: data.select(data.stage == given.stage) for name, data in load_dataset(given.data).items()}
    result = measure({name: data for name, data in chosen.items() if len(data.energy)}, read_model(given.model))
    print(write_json(result, given.out).read_text(), end="")


if __name__ == "__main__":
    main()
