"""Labels around a structure: the structure itself, its relaxation, and thermal displacements of the minimum."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.optimize import BFGS
from jaxtyping import Float

from explorer.dataset.force_field import ForceField
from explorer.dataset.label import reference_calculator
from explorer.dataset.parts import SampledFrame, save_part
from explorer.dataset.rounding import GridCalculator
from explorer.dataset.sample import LABEL_MAX_STEP, labelled_frame
from explorer.errors import ConfigError, InputError
from explorer.io.build import to_rdkit
from explorer.potential.charged_atoms import atoms_of
from explorer.records.molecule import Molecule
from explorer.units import BOLTZMANN

SELECTED_STAGE = "chosen"  # stage of the frame of the selected structure itself
_MAX_RELAX_STEPS = 45  # of the labelled relaxation; not tuned
_RELAX_STRIDE = 3  # relaxation steps from one frame to the next; not tuned
RELAX_FMAX = 0.03  # eV/Å, largest force at the end of the labelled relaxation; not tuned
N_DISPLACED = 4  # number of thermally displaced structures; not tuned
_DISPLACEMENT_TEMPERATURE = 300.0  # K, of the thermal displacements; not tuned
_FALLBACK_STIFFNESS = 70.0  # eV/Å², where MMFF94s has no parameters; the initial value of ASE's BFGS


def label_neighbourhood(
    path: Path, molecule: Molecule, reference: str, positions: Float[np.ndarray, "N 3"], seed: tuple[int, ...]
) -> None:
    """Label frames around one structure and write them into a file, with the reason of a failure.

    Args:
        path: The npz file.
        molecule: Molecule; its positions are not used.
        reference: Name for `reference_calculator`.
        positions: Positions of the structure, Å.
        seed: Seed of the displacements.

    Raises:
        ConfigError: When there is no such reference method.
    """
    atoms = atoms_of(molecule, positions)
    atoms.calc = GridCalculator(reference_calculator(reference))
    frames: list[SampledFrame] = []
    failures: list[str] = []
    try:
        frames.extend(_frames_around(atoms, molecule, np.random.default_rng(seed)))
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:  # calculators raise types of their own; frames before the failure are kept
        failures.append(f"{type(error).__name__}: {error}")
    save_part(path, molecule.atomic_numbers, frames, {"failures": failures})


def _frames_around(atoms: Atoms, molecule: Molecule, rng: np.random.Generator) -> Iterator[SampledFrame]:
    yield labelled_frame(atoms, SELECTED_STAGE)
    hessian = harmonic_hessian(molecule, atoms.positions)
    optimizer = BFGS(atoms, logfile=None, maxstep=LABEL_MAX_STEP)
    optimizer.H0 = hessian
    step = 0
    for step, _ in enumerate(optimizer.irun(fmax=RELAX_FMAX, steps=_MAX_RELAX_STEPS)):
        if step and step % _RELAX_STRIDE == 0:
            yield labelled_frame(atoms, "relaxation")
    if step % _RELAX_STRIDE:
        yield labelled_frame(atoms, "relaxation")  # the last step, usually the minimum
    minimum = atoms.positions.copy()
    for _ in range(N_DISPLACED):
        atoms.positions = minimum + thermal_displacement(hessian, _DISPLACEMENT_TEMPERATURE, rng)
        yield labelled_frame(atoms, f"displaced-{_DISPLACEMENT_TEMPERATURE:.0f}")


def harmonic_hessian(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3N 3N"]:
    """Return a positive definite Hessian of MMFF94s, eV/Å².

    Where MMFF94s has no parameters, it is a multiple of the identity matrix.

    Args:
        molecule: Molecule; its positions are not used.
        positions: Positions, Å.
    """
    try:
        return ForceField(to_rdkit(molecule)).hessian(positions)
    except (InputError, ValueError, KeyError, RuntimeError):  # RDKit raises these for molecules that it rejects
        return _FALLBACK_STIFFNESS * np.eye(positions.size)


def thermal_displacement(
    hessian: Float[np.ndarray, "3N 3N"], temperature: float, rng: np.random.Generator
) -> Float[np.ndarray, "N 3"]:
    """Draw a displacement of a harmonic minimum at a temperature, Σ_k √(k T / λ_k) ξ_k v_k.

    Args:
        hessian: Positive definite Hessian with eigenvalues λ_k and eigenvectors v_k, eV/Å².
        temperature: Temperature T, K.
        rng: Random number generator of the normal numbers ξ_k.

    Returns:
        Displacement of each atom, Å.
    """
    values, vectors = np.linalg.eigh(hessian)
    amplitudes = np.sqrt(BOLTZMANN * temperature / values) * rng.normal(size=len(values))
    return (vectors @ amplitudes).reshape(-1, 3)
