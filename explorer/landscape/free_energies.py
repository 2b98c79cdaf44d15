"""Free energies of the certified minima and the transition states of a run from their harmonic vibrations."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from explorer.records.certificates import Certificate, StationaryPointType
from explorer.records.run import RunRecord
from explorer.records.transition_states import TransitionState
from explorer.similarity.point_group import symmetry_number
from explorer.vibrations.thermochemistry import classical_free_energy, free_energy, zero_point_energy

StationaryFreeEnergy = Callable[[float, Float[np.ndarray, "n_modes"], Float[np.ndarray, "N 3"], int], float]


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
    compute = free_energy_function(run, temperature, classical=False)
    results = {}
    for id, certificate in certified_minima(run).items():
        positions, waves = run.minima[id].positions, certificate.wavenumbers
        results[id] = Thermochemistry(
            zero_point_energy(waves), compute(certificate.energy, waves, positions, int(degeneracies[id]))
        )
    return results


def certified_minima(run: RunRecord) -> dict[int, Certificate]:
    """Return the certificates, by id, of the results that are minima and whose vibrations are all known.

    Args:
        run: Run with certificates.
    """
    return {
        c.minimum: c
        for c in run.certificates
        if c.point_type == StationaryPointType.MINIMUM and run.minima[c.minimum].is_result and len(c.wavenumbers)
    }


def transition_states_with_vibrations(run: RunRecord) -> dict[int, TransitionState]:
    """Return the transition states, by id, whose vibrations are all known.

    Args:
        run: Run with transition states.
    """
    n_atoms = run.molecule.n_atoms  # linear structures have one vibration more
    return {s.id: s for s in run.transition_states if len(s.wavenumbers) >= max(1, 3 * n_atoms - 6)}


def free_energy_function(run: RunRecord, temperature: float, classical: bool) -> StationaryFreeEnergy:
    """Return the function (energy, wavenumbers, positions, degeneracy) -> free energy, for minima and saddles alike.

    With different functions for the two, rate constants would violate detailed balance.

    Args:
        run: Run, for the masses of the atoms.
        temperature: Temperature, K.
        classical: Whether oscillators are classical and rotation is left out; otherwise quasi-RRHO.
    """
    masses, numbers = run.molecule.masses, run.molecule.atomic_numbers

    def compute(energy: float, wavenumbers: np.ndarray, positions: np.ndarray, degeneracy: int) -> float:
        sigma = symmetry_number(numbers, positions)
        if classical:
            return classical_free_energy(energy, wavenumbers, temperature, sigma, degeneracy)
        return free_energy(energy, wavenumbers, positions, masses, temperature, sigma, degeneracy)

    return compute
