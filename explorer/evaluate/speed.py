"""How fast a trained network is, on the molecule and the batch that all models are timed with."""

import time
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from explorer.io.read import read_molecule
from explorer.potential.capacity import choose_capacity
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.low_rank import low_rank
from explorer.potential.potential import evaluate_batch
from explorer.potential.so3krates import so3krates
from explorer.resources import data_folder
from explorer.system import system_of

PEPTIDE = "ac-ala3-nhme"
BATCH, REPEATS = 16, 5


@dataclass(frozen=True)
class Speed:
    """Of energies and forces.

    Attributes:
        molecule: name.
        n_atoms: of it.
        batch: structures at a time.
        milliseconds: per structure, the median of some calls.
        device: it was measured on.
    """

    molecule: str
    n_atoms: int
    batch: int
    milliseconds: float
    device: str


def time_forces(hp: Hyperparameters, params: Any) -> Speed:
    """Milliseconds per force call of a network, in float32 as in a search."""
    molecule = read_molecule(data_folder() / "peptides" / f"{PEPTIDE}.pdb")
    potential = so3krates(*low_rank(hp, params), choose_capacity(molecule.positions, hp.cutoff))
    rows = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (BATCH, *leaf.shape)), system_of(molecule))
    evaluate = jax.jit(evaluate_batch)
    seconds = []
    for _ in range(REPEATS + 1):  # the first one compiles
        started = time.perf_counter()
        jax.block_until_ready(evaluate(potential, rows))
        seconds.append(time.perf_counter() - started)
    milliseconds = 1e3 * float(np.median(seconds[1:])) / BATCH
    return Speed(PEPTIDE, molecule.n_atoms, BATCH, milliseconds, jax.devices()[0].device_kind)
