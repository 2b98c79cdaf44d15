"""What the reference says around a structure: at it, on the way downhill, and where heat moves it."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.optimize import BFGS
from jaxtyping import Float

from explorer.dataset.force_field import ForceField
from explorer.dataset.label import reference_calculator, save_part
from explorer.dataset.rounding import GridCalculator
from explorer.dataset.sample import SampledFrame, labelled_frame
from explorer.errors import ConfigError, InputError
from explorer.io.build import to_rdkit
from explorer.potential.charged_atoms import atoms_of
from explorer.records.molecule import Molecule
from explorer.units import BOLTZMANN

STRIDE, MOST_STEPS, FMAX = 3, 45, 0.03  # of the relaxation: keep every third step; eV/Å
N_DISPLACED = 4
TEMPERATURE = 300.0  # K, of the displaced structures
STIFFNESS = 70.0  # eV/Å², of every atom where the force field has no parameters; ASE's BFGS begins with it


def label_neighbourhood(
    path: Path, molecule: Molecule, reference: str, positions: Float[np.ndarray, "N 3"], seed: tuple[int, ...]
) -> None:
    """Write the frames around one structure into a file, with the reason where the reference fails.

    Args:
        path: of the npz file.
        molecule: any conformer.
        reference: name for `reference_calculator`.
        positions: of the structure, Å.
        seed: of the displacements.

    Raises:
        ConfigError: when there is no such reference.
    """
    atoms = atoms_of(molecule, positions)
    atoms.calc = GridCalculator(reference_calculator(reference))
    frames: list[SampledFrame] = []
    failures: list[str] = []
    try:
        frames.extend(_around(atoms, molecule, np.random.default_rng(seed)))
    except ConfigError:
        raise
    except Exception as error:  # calculators raise their own types; what came before stays
        failures.append(f"{type(error).__name__}: {error}")
    save_part(path, molecule.atomic_numbers, frames, {"failures": failures})


def _around(atoms: Atoms, molecule: Molecule, rng: np.random.Generator) -> Iterator[SampledFrame]:
    yield labelled_frame(atoms, "chosen")
    hessian = stiffness(molecule, atoms.positions)
    optimizer = BFGS(atoms, logfile=None, maxstep=0.15)
    optimizer.H0 = hessian
    step = 0
    for step, _ in enumerate(optimizer.irun(fmax=FMAX, steps=MOST_STEPS)):
        if step and step % STRIDE == 0:
            yield labelled_frame(atoms, "relaxation")
    if step % STRIDE:
        yield labelled_frame(atoms, "relaxation")  # where the minimum is, if the steps were enough
    bottom = atoms.positions.copy()
    for _ in range(N_DISPLACED):
        atoms.positions = bottom + thermal(hessian, TEMPERATURE, rng)
        yield labelled_frame(atoms, f"displaced-{TEMPERATURE:.0f}")


def stiffness(molecule: Molecule, positions: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3N 3N"]:
    """A positive definite Hessian by MMFF94s, eV/Å²; the same stiffness for all atoms where it has no parameters.

    Args:
        molecule: any conformer.
        positions: Å.
    """
    try:
        return ForceField(to_rdkit(molecule)).hessian(positions)
    except (InputError, ValueError, KeyError, RuntimeError):  # RDKit's errors for what it cannot sanitise
        return STIFFNESS * np.eye(positions.size)


def thermal(
    hessian: Float[np.ndarray, "3N 3N"], temperature: float, rng: np.random.Generator
) -> Float[np.ndarray, "N 3"]:
    """A displacement of a harmonic minimum at a temperature: Σ_k √(k T / λ_k) ξ_k v_k, Å.

    Args:
        hessian: eV/Å², positive definite.
        temperature: K.
        rng: draws the normal numbers ξ.
    """
    values, vectors = np.linalg.eigh(hessian)
    amplitudes = np.sqrt(BOLTZMANN * temperature / values) * rng.normal(size=len(values))
    return (vectors @ amplitudes).reshape(-1, 3)


def read_part(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """The header and the arrays of a file of `label_neighbourhood`."""
    with np.load(path, allow_pickle=False) as part:
        return json.loads(str(part["header"])), {name: part[name] for name in part.files if name != "header"}
