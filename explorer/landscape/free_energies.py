"""Free energies of the certified minima of a run, from all of their vibrations."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from explorer.records.certificates import StationaryPointType
from explorer.records.run import RunRecord
from explorer.similarity.point_group import symmetry_number
from explorer.vibrations.modes import standard_masses
from explorer.vibrations.thermochemistry import free_energy, zero_point_energy


class Thermochemistry(NamedTuple):
    """Of one minimum."""

    zero_point_energy: float  # eV
    free_energy: float  # eV, without translation


def free_energies(
    run: RunRecord, temperature: float, degeneracies: Int[np.ndarray, "n_minima"]
) -> dict[int, Thermochemistry]:
    """Zero-point and free energy by id, of the minima whose vibrations are all known.

    Equal atoms can be labelled in as many ways in all minima of a molecule, but for the rotations that leave a
    minimum as it is: rotamers enter by its symmetry number alone.

    Args:
        run: with certificates.
        temperature: K.
        degeneracies: by id, 2 where a minimum stands for its mirror image too.
    """
    masses = standard_masses(run.molecule.atomic_numbers)
    found = {}
    for certificate in run.certificates:
        if certificate.point_type != StationaryPointType.MINIMUM or not len(certificate.wavenumbers):
            continue
        positions = run.minima[certificate.minimum].positions
        found[certificate.minimum] = Thermochemistry(
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
    return found
