"""Uncertainty of a network for structures of one molecule, and its files in the folder of the checkpoint."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from safetensors.numpy import save_file

from explorer.errors import CheckpointError, ConfigError
from explorer.files import write_atomically, write_json
from explorer.potential.model_files import read_model_json, read_tensors
from explorer.potential.potential import Potential
from explorer.potential.prediction import predict_all
from explorer.records.uncertainty import UncertaintyEstimate
from explorer.system import System
from explorer.uncertainty.calibration import Calibration
from explorer.uncertainty.observation import Observation, observation
from explorer.uncertainty.support import Cloud, Support

SUPPORT_FILE, CALIBRATION_FILE = "support.safetensors", "calibration.json"


class Assessor(NamedTuple):
    """Uncertainty model of a checkpoint: the support of its training data, and the calibration of expected errors."""

    support: Support
    calibration: Calibration


class MoleculeAssessor:
    """Uncertainty of structures of one molecule. The first call compiles.

    Args:
        assessor: Uncertainty model of the checkpoint.
        potential: Network of the checkpoint.
        system: The molecule; its dtype is that of the computation.
    """

    def __init__(self, assessor: Assessor, potential: Potential, system: System):
        self._assessor, self._potential, self._system = assessor, potential, system

    def __call__(self, positions: Float[np.ndarray, "n N 3"]) -> list[UncertaintyEstimate]:
        """Return the uncertainty of each structure.

        Args:
            positions: Positions of each structure, Å.

        Raises:
            ConfigError: When the potential is not a network.
        """
        observed = self.observe(positions)
        numbers, (support, calibration) = np.asarray(self._system.atomic_numbers), self._assessor
        distance = support.distances(numbers, np.asarray(observed.features, float)).max(axis=1)
        energy_spread, force_spread = (
            np.asarray(observed.energy_spread, float),
            np.asarray(observed.force_spread, float),
        )
        expected_error = calibration.expected_error(force_spread, distance)
        trust_levels = calibration.trust_levels(force_spread, distance)
        return [
            UncertaintyEstimate(
                energy_spread=float(energy_spread[k]),
                force_spread=float(force_spread[k]),
                distance=float(distance[k]),
                expected_error=float(expected_error[k]),
                trust_level=trust_levels[k],
            )
            for k in range(len(positions))
        ]

    def observe(self, positions: Float[np.ndarray, "n N 3"]) -> Observation:
        """Return spreads and features of structures, without a classification.

        Args:
            positions: Positions of each structure, Å.
        """
        # the larger capacity is kept; otherwise each crowded structure would compile the program again
        predicted, self._potential = predict_all(self._potential, self._system, positions, each_member=True)
        if predicted.parts is None:
            raise ConfigError("A network was wanted: an analytic potential has no features.")
        return observation(predicted.energies, predicted.forces, predicted.parts.features, positions.shape[1])


def save_assessor(folder: Path, assessor: Assessor) -> None:
    """Write an uncertainty model into a checkpoint folder."""
    arrays = {
        f"{number}.{name}": np.asarray(value, np.float32)
        for number, cloud in assessor.support.clouds.items()
        for name, value in cloud._asdict().items()
    }
    with write_atomically(folder / SUPPORT_FILE) as temporary:
        save_file(arrays, temporary)
    write_json(assessor.calibration._asdict(), folder / CALIBRATION_FILE)


def load_assessor(folder: Path) -> Assessor | None:
    """Read the uncertainty model of a checkpoint; None for a checkpoint without one.

    Raises:
        CheckpointError: When the files are damaged.
    """
    if not (folder / CALIBRATION_FILE).exists():
        return None
    raw, arrays = read_model_json(folder / CALIBRATION_FILE), read_tensors(folder / SUPPORT_FILE)
    try:
        limits = {name: tuple(map(float, raw[name])) for name in ("error_limits", "distance_limits")}
        numbers = sorted({int(name.partition(".")[0]) for name in arrays})
        clouds = {z: Cloud(*(arrays[f"{z}.{name}"].astype(float) for name in Cloud._fields)) for z in numbers}
        calibration = Calibration(**{**raw, **limits})
        _check(Support(clouds), calibration)
        return Assessor(Support(clouds), calibration)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder} has no readable uncertainty model: {SUPPORT_FILE} or {CALIBRATION_FILE} is damaged ({error}). "
            "Fetch the model again."
        ) from None


def _check(support: Support, calibration: Calibration) -> None:
    """Check limits and shapes.

    Raises:
        ValueError: If they cannot be those of an uncertainty model.
    """
    if not all(type(value) in (int, float) for value in calibration if not isinstance(value, tuple)):
        raise ValueError("numbers were expected")
    for limits in (calibration.error_limits, calibration.distance_limits):
        if len(limits) != 2 or not 0 <= limits[0] <= limits[1]:
            raise ValueError(f"limits must be two ascending numbers, received {limits}")
    widths = {cloud.points.shape[1:] for cloud in support.clouds.values()}
    for number, cloud in support.clouds.items():
        fits = {cloud.mean.shape, cloud.scale.shape} == widths and len(cloud.points)
        if not 1 <= number <= 118 or not fits or not (cloud.scale > 0).all():
            raise ValueError(f"the arrays of element {number} do not belong together")
