"""Time of a force call of a trained network. The molecule and the batch size are the same for all models."""

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

_TIMED_PEPTIDE = "ac-ala3-nhme"
_TIMED_BATCH = 16  # structures; not tuned
_N_TIMED_CALLS = 5  # calls whose median is reported; not tuned


@dataclass(frozen=True)
class Speed:
    """Time of a force call. The field names are keys of `errors.json`.

    Attributes:
        molecule: Name of the molecule.
        n_atoms: Number of its atoms.
        batch: Structures per call.
        milliseconds: Time of energy and forces per structure, ms; the median of several calls.
        device: Name of the device.
    """

    molecule: str
    n_atoms: int
    batch: int
    milliseconds: float
    device: str


def time_forces(hp: Hyperparameters, params: Any) -> Speed:
    """Measure the time of a force call of a network, in float32 as in a search.

    Args:
        hp: Hyperparameters of the network.
        params: Parameters of the network.
    """
    molecule = read_molecule(data_folder() / "peptides" / f"{_TIMED_PEPTIDE}.pdb")
    potential = so3krates(*low_rank(hp, params), choose_capacity(molecule.positions, hp.cutoff))
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (_TIMED_BATCH, *leaf.shape)), system_of(molecule))
    evaluate = jax.jit(evaluate_batch)
    seconds = []
    for _ in range(_N_TIMED_CALLS + 1):  # the first one compiles
        started = time.perf_counter()
        jax.block_until_ready(evaluate(potential, systems))
        seconds.append(time.perf_counter() - started)
    milliseconds = 1e3 * float(np.median(seconds[1:])) / _TIMED_BATCH
    return Speed(
        molecule=_TIMED_PEPTIDE,
        n_atoms=molecule.n_atoms,
        batch=_TIMED_BATCH,
        milliseconds=milliseconds,
        device=jax.devices()[0].device_kind,
    )
