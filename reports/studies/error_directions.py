"""Shares of bonds, angles and dihedrals in the squared error of the forces of a network.

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

from explorer.dataset.dataset import MoleculeData, load_dataset
from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.potential.load import Network, read_model
from explorer.relaxation.coordinates import Coordinates, internal_coordinates
from explorer.relaxation.wilson import b_matrix
from explorer.train.frames import fill_buckets
from explorer.train.predict import predict

COORDINATE_TYPES = ("bonds", "angles", "dihedrals")
_RANK_TOLERANCE = 1e-6  # relative to the largest singular value; smaller ones span no direction


def directions(coordinates: Coordinates, rows: Float[np.ndarray, "M 3N"]) -> dict[str, Float[np.ndarray, "3N n"]]:
    """Return orthonormal directions of each type of coordinate, orthogonal to those of the types before.

    Args:
        coordinates: Internal coordinates of a single molecule, without anchors.
        rows: Their derivatives, Wilson's B-matrix.
    """
    n_bonds, n_dihedrals = len(coordinates.distances), coordinates.n_dihedrals
    spanned, by_type = np.zeros((rows.shape[1], 0)), {}
    for name, derivatives in zip(COORDINATE_TYPES, np.split(rows, [n_bonds, len(rows) - n_dihedrals]), strict=True):
        rest = derivatives.T - spanned @ (spanned.T @ derivatives.T)
        vectors, sizes, _ = np.linalg.svd(rest, full_matrices=False)
        by_type[name] = vectors[:, sizes > _RANK_TOLERANCE * sizes[0]]
        spanned = np.hstack([spanned, by_type[name]])
    return by_type


def measure(molecules: dict[str, MoleculeData], network: Network) -> dict[str, Any]:
    """Return the share of each type in the squared error, and its error and force per direction.

    Errors and forces are root mean squares in eV/Å.

    Args:
        molecules: Labelled frames by molecule.
        network: Network to evaluate.
    """
    sums = {name: np.zeros(3) for name in COORDINATE_TYPES}  # squared errors, squared forces, directions
    n_frames = 0
    for name, data in molecules.items():
        n_atoms = len(data.atomic_numbers)
        coordinates = internal_coordinates(data.as_molecule(name))
        matrix = jax.jit(partial(b_matrix, coordinates))
        buckets = fill_buckets({name: data}, network.hyperparameters)
        predicted, labels = (
            one.forces[:, :n_atoms] for one in predict(buckets, network.hyperparameters, network.params)
        )
        for positions, ours, theirs in zip(data.positions, predicted, labels, strict=True):
            for coordinate_type, along in directions(coordinates, np.asarray(matrix(positions))).items():
                error, force = (ours - theirs).ravel() @ along, theirs.ravel() @ along
                sums[coordinate_type] += error @ error, force @ force, along.shape[1]
        n_frames += len(data.energy)
    total = sum(values[0] for values in sums.values())
    return {
        "digest": network.digest,
        "n_frames": n_frames,
        "kinds": {
            name: {
                "share": squared / total,
                "error": (squared / n) ** 0.5,
                "force": (forces / n) ** 0.5,
                "ratio": (squared / forces) ** 0.5,
            }
            for name, (squared, forces, n) in sums.items()
        },
    }


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--stage", default="dynamics-500", help="stage of the frames that are evaluated")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    configure_jax()
    chosen = {name: data.select(data.stage == given.stage) for name, data in load_dataset(given.data).items()}
    result = measure({name: data for name, data in chosen.items() if len(data.energy)}, read_model(given.model))
    print(write_json(result, given.out).read_text(), end="")


if __name__ == "__main__":
    main()
