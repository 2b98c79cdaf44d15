"""Whether a network knows structures or guesses."""

import json
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from safetensors.numpy import load_file, save_file

from explorer.errors import CheckpointError
from explorer.potential.load import roomy
from explorer.potential.potential import Potential, components
from explorer.system import System
from explorer.uncertainty.calibration import Calibration, Verdict
from explorer.uncertainty.observation import Observation, observe
from explorer.uncertainty.support import Cloud, Support

SUPPORT, CALIBRATION = "support.safetensors", "calibration.json"


class Assessment(NamedTuple):
    """Of structures, in their order."""

    energy_spread: Float[np.ndarray, "n"]  # eV; NaN without a committee
    force_spread: Float[np.ndarray, "n"]  # eV/Å; NaN without a committee
    distance: Float[np.ndarray, "n"]  # of the atom farthest from the training data, in standard deviations
    expected_error: Float[np.ndarray, "n"]  # eV/Å
    verdicts: list[Verdict]


class Assessor(NamedTuple):
    """What a checkpoint knows of its own limits."""

    support: Support
    calibration: Calibration

    def __call__(self, potential: Potential, system: System, positions: Float[np.ndarray, "n N 3"]) -> Assessment:
        """Assess structures of one molecule.

        Args:
            potential: the network of the checkpoint.
            system: the molecule; its dtype is that of the arithmetic.
            positions: Å.

        Raises:
            ConfigError: when the potential is no network.
        """
        seen = _observed(roomy(potential, positions), system, jnp.asarray(positions, system.positions.dtype))
        numbers = np.asarray(system.atomic_numbers)
        distance = self.support.distances(numbers, np.asarray(seen.features, float)).max(axis=1)
        energy, forces = np.asarray(seen.energy_spread, float), np.asarray(seen.force_spread, float)
        expected = self.calibration.expected_error(forces, distance)
        return Assessment(energy, forces, distance, expected, self.calibration.verdicts(forces, distance))


@jax.jit
def _observed(potential: Potential, system: System, positions: Float[Array, "n N 3"]) -> Observation:
    def of_one(positions: Float[Array, "N 3"]) -> Observation:
        return observe(lambda moved: components(potential, moved), system.replace(positions=positions))

    return jax.lax.map(of_one, positions)


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
