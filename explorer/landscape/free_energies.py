"""Free energies of the certified minima of a run from their harmonic vibrations."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from explorer.records.certificates import StationaryPointType
from explorer.records.run import RunRecord
from explorer.similarity.point_group import symmetry_number
from explorer.vibrations.thermochemistry import free_energy, zero_point_energy


class Thermochemistry(NamedTuple):
    """Thermochemistry of one minimum.

    Attributes:
        zero_point_energy: Zero-point energy, eV.
        free_energy: Energy of the minimum plus free energy of vibration and rotation, eV, without translation.
    """

    zero_point_energy: float
    free_energy: float


def free_energies(
    run: RunRecord, temperature: float, degeneracies: Int[np.ndarray, "n_minima"]
) -> dict[int, Thermochemistry]:
    """Return the zero-point energy and the free energy, by id, of the certified minima whose vibrations are all known.

    The number of permutations of equivalent atoms is the same for all minima of a molecule, apart from rotations that
    map a minimum onto itself. So only the rotational symmetry number matters.

    Args:
        run: Run with certificates.
        temperature: Temperature, K.
        degeneracies: For each minimum by id, 2 if it represents its mirror image too, otherwise 1.
    """
    masses = run.molecule.masses
    results = {}
    for certificate in run.certificates:
        minimum = run.minima[certificate.minimum]
        is_minimum = certificate.point_type == StationaryPointType.MINIMUM and minimum.is_result
        if not is_minimum or not len(certificate.wavenumbers):
            continue
        positions = minimum.positions
        results[certificate.minimum] = Thermochemistry(
            zero_point_energy(certificate.wavenumbers),
            free_energy(
                certificate.energy,
                certificate.wavenumbers,
                positions,
                masses,
                temperature,
                symmetry_number(run.molecule.atomic_numbers, positions),
                int(degeneracies[certificate.minimum]),
            ),
        )
    return results
