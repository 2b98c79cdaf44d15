"""Whether a network knows structures or guesses."""

import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from safetensors.numpy import load_file, save_file

from explorer.errors import CheckpointError
from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential, components
from explorer.records.uncertainty import UncertaintyEstimate
from explorer.system import System
from explorer.uncertainty.calibration import Calibration
from explorer.uncertainty.observation import Observation, observe
from explorer.uncertainty.support import Cloud, Support

SUPPORT, CALIBRATION = "support.safetensors", "calibration.json"
AT_A_TIME = 16  # places for structures in one program, so that it is compiled once; empty ones cost nothing


class Assessor(NamedTuple):
    """What a checkpoint knows of its own limits."""

    support: Support
    calibration: Calibration


class MoleculeAssessor:
    """Says how well a network knows structures of one molecule; it compiles on first use.

    Args:
        assessor: of the checkpoint.
        potential: the network of the checkpoint.
        system: the molecule; its dtype is that of the arithmetic.
    """

    def __init__(self, assessor: Assessor, potential: Potential, system: System):
        self._assessor, self._potential, self._system = assessor, potential, system

    def __call__(self, positions: Float[np.ndarray, "n N 3"]) -> list[UncertaintyEstimate]:
        """Assess structures, Å.

        Raises:
            ConfigError: when the potential is no network.
        """
        seen = self.observe(positions)
        numbers, (support, calibration) = np.asarray(self._system.atomic_numbers), self._assessor
        distance = support.distances(numbers, np.asarray(seen.features, float)).max(axis=1)
        spreads = np.asarray(seen.energy_spread, float), np.asarray(seen.force_spread, float)
        columns = (*spreads, distance, calibration.expected_error(spreads[1], distance))
        rows = zip(*(column.tolist() for column in columns), calibration.verdicts(spreads[1], distance), strict=True)
        return [UncertaintyEstimate(*row) for row in rows]

    def observe(self, positions: Float[np.ndarray, "n N 3"]) -> Observation:
        """What the network betrays about structures, Å, without a verdict."""
        self._potential = with_capacity_for(
            self._potential, positions
        )  # it stays, or each crowded structure would be compiled for
        return _observe_all(self._potential, self._system, positions)


def _observe_all(potential: Potential, system: System, positions: Float[np.ndarray, "n N 3"]) -> Observation:
    parts = []
    for first in range(0, len(positions), AT_A_TIME):
        some = positions[first : first + AT_A_TIME]
        places = np.zeros((AT_A_TIME, *some.shape[1:]), system.positions.dtype)
        places[: len(some)] = some
        seen = jax.device_get(_observed(potential, system, places, np.int32(len(some))))
        parts.append(jax.tree.map(lambda leaf, n=len(some): leaf[:n], seen))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


@jax.jit
def _observed(
    potential: Potential, system: System, positions: Float[Array, "places N 3"], n: Int[Array, ""]
) -> Observation:
    """Of the first n structures; zero for the others."""

    def of_one(positions: Float[Array, "N 3"]) -> Observation:
        return observe(lambda moved: components(potential, moved), system.replace(positions=positions))

    def put(k: Int[Array, ""], seen: Observation) -> Observation:
        return jax.tree.map(lambda all, one: all.at[k].set(one), seen, of_one(positions[k]))

    shapes = jax.eval_shape(jax.vmap(of_one), positions)
    return jax.lax.fori_loop(0, n, put, jax.tree.map(lambda one: jnp.zeros(one.shape, one.dtype), shapes))


def save_assessor(folder: Path, assessor: Assessor) -> None:
    """Write it into a checkpoint folder."""
    arrays = {
        f"{number}.{name}": np.asarray(value, np.float32)
        for number, cloud in assessor.support.clouds.items()
        for name, value in cloud._asdict().items()
    }
    save_file(arrays, folder / SUPPORT)
    (folder / CALIBRATION).write_text(json.dumps(assessor.calibration._asdict(), indent=1, allow_nan=False) + "\n")


def load_assessor(folder: Path) -> Assessor | None:
    """What `save_assessor` wrote; None for a checkpoint without it.

    Raises:
        CheckpointError: when the files are damaged.
    """
    if not (folder / CALIBRATION).exists():
        return None
    try:
        raw = json.loads((folder / CALIBRATION).read_text())
        limits = {name: tuple(raw[name]) for name in ("error_limits", "distance_limits")}
        arrays = load_file(folder / SUPPORT)
        numbers = sorted({int(name.partition(".")[0]) for name in arrays})
        clouds = {z: Cloud(*(arrays[f"{z}.{name}"].astype(float) for name in Cloud._fields)) for z in numbers}
        return Assessor(Support(clouds), Calibration(**{**raw, **limits}))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise CheckpointError(
            f"{folder} does not say where its model can be trusted: {SUPPORT} or {CALIBRATION} is damaged ({error}). "
            "Fetch the model again."
        ) from None
