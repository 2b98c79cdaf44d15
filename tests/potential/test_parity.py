"""Parity with the published code for the published SO3LR parameters."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms

from explorer.io.build import from_smiles
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.potential.long_range import LongRange
from explorer.potential.potential import components, evaluate, evaluate_batch
from explorer.potential.so3krates import so3krates
from explorer.potential.so3lr import read_so3lr
from explorer.system import System, from_arrays, system_of

N_PADDED = 56  # the small molecules share one compiled program, and padding is tested on the way
SMALL = ["ethanol", "glyH", "ala3", "dha", "dha_lr12"]


@jax.jit
def both(potential, system):
    return evaluate(potential, system), components(potential, system)


@cache
def model(folder: Path):
    return read_so3lr(folder)


def results(reference_data: Path, name: str, dtype: jnp.dtype):
    """Our evaluation and components of a parity file, cut to its atoms, and the file."""
    data = np.load(reference_data / "parity" / f"{name}.npz")
    potential = so3krates(
        *model(reference_data / "so3lr"),
        long_range=LongRange(float(data["lr_cutoff"]), float(data["dispersion_damping"])),
    )
    state = (float(data["total_charge"]), float(data["num_unpaired_electrons"]))
    system = from_arrays(data["atomic_numbers"], data["positions"], *state, dtype)
    n_atoms = len(data["atomic_numbers"])
    evaluation, parts = both(potential, padded(system, max(0, N_PADDED - n_atoms)))
    assert not evaluation.overflow
    return evaluation, parts, data, slice(0, n_atoms)


def padded(system: System, n: int) -> System:
    return system.replace(
        atomic_numbers=jnp.pad(system.atomic_numbers, (0, n)),
        positions=jnp.pad(system.positions, ((0, n), (0, 0))),
        atom_mask=jnp.pad(system.atom_mask, (0, n)),
    )


def assert_equal_to_published_code(evaluation, parts, data, atoms):
    close = {
        "energy": (evaluation.energy, 1e-6),
        "forces": (evaluation.forces[atoms], 1e-6),
        "e_local": (parts.local, 1e-6),
        "e_zbl": (parts.zbl, 1e-6),
        "e_elec": (parts.electrostatic, 1e-6),
        "e_disp": (parts.dispersion, 1e-6),
        "partial_charges": (parts.charges[atoms], 1e-8),
        "hirshfeld_ratios": (parts.hirshfeld_ratios[atoms], 1e-8),
    }
    for key, (ours, tolerance) in close.items():
        np.testing.assert_allclose(ours, data[f"{key}_p64"], rtol=0, atol=tolerance, err_msg=key)
    # ours is about the centre of the atoms
    moved = parts.dipole + data["total_charge"] * data["positions"].mean(axis=0)
    np.testing.assert_allclose(moved, data["dipole_p64"], rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", SMALL)
def test_everything_equals_the_published_code_in_float64(reference_data, name):
    evaluation, parts, data, atoms = results(reference_data, name, jnp.float64)
    assert_equal_to_published_code(evaluation, parts, data, atoms)
    np.testing.assert_array_equal(evaluation.forces[len(data["atomic_numbers"]) :], 0)


@pytest.mark.parametrize("name", SMALL[:-1])
def test_float32_keeps_energies_to_0_2_mev(reference_data, name):
    evaluation, parts, data, atoms = results(reference_data, name, jnp.float32)
    assert evaluation.energy.dtype == evaluation.forces.dtype == parts.charges.dtype == jnp.float32
    np.testing.assert_allclose(evaluation.energy, data["energy_p64"], rtol=0, atol=2e-4)
    np.testing.assert_allclose(evaluation.forces[atoms], data["forces_p64"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(parts.charges[atoms], data["partial_charges_p64"], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "energy", "forces"), [(jnp.float64, 1e-6, 1e-6), (jnp.float32, 2e-4, 1e-4)])
def test_folded_peptide_of_162_atoms_equals_the_published_code(reference_data, dtype, energy, forces):
    evaluation, parts, data, atoms = results(reference_data, "ala15_folded", dtype)
    np.testing.assert_allclose(evaluation.energy, data["energy_p64"], rtol=0, atol=energy)
    np.testing.assert_allclose(evaluation.forces, data["forces_p64"], rtol=0, atol=forces)
    if dtype == jnp.float64:
        assert_equal_to_published_code(evaluation, parts, data, atoms)


IONS = {
    "acetate": ("CC(=O)[O-]", 1),
    "methylammonium": ("C[NH3+]", 1),
    "glycine zwitterion": ("[NH3+]CC(=O)[O-]", 1),
    "methyl radical": ("[CH3]", 2),
    "ethanethiolate": ("CC[S-]", 1),
    "triplet methylene": ("[CH2]", 3),
    "phosphate": ("OP(=O)([O-])[O-]", 1),
    "chlorofluoromethane": ("FCCl", 1),
}


def test_forces_of_ions_radicals_and_all_elements_are_finite_differences(reference_data):
    molecules = {name: replace(from_smiles(s), multiplicity=m) for name, (s, m) in IONS.items()}
    rng, step = np.random.default_rng(0), 2e-5
    potential = so3krates(*model(reference_data / "so3lr"))
    systems = [padded(system_of(m, jnp.float64), 10 - m.n_atoms) for m in molecules.values()]
    directions = [np.where(s.atom_mask[:, None], rng.normal(size=(10, 3)), 0) for s in systems]
    shifted = [
        s.replace(positions=s.positions + sign * step * d)
        for s, d in zip(systems, directions, strict=True)
        for sign in (0, 1, -1)
    ]
    batch = jax.jit(evaluate_batch)(potential, jax.tree.map(lambda *leaves: jnp.stack(leaves), *shifted))
    assert not batch.overflow.any()
    energies = batch.energy.reshape(-1, 3)
    slopes = (energies[:, 1] - energies[:, 2]) / (2 * step)
    along = np.sum(batch.forces[::3] * np.stack(directions), axis=(1, 2))
    largest = np.abs(batch.forces[::3]).max(axis=(1, 2))
    np.testing.assert_array_less(np.abs(along + slopes), 1e-6 * np.maximum(largest, 1), err_msg=str(list(molecules)))


def test_ase_calculator_gives_the_published_numbers_of_an_ion_far_from_the_origin(reference_data):
    data = np.load(reference_data / "parity" / "glyH.npz")
    shift = np.array([300.0, -200.0, 100.0])
    atoms = Atoms(data["atomic_numbers"], positions=data["positions"] + shift, info={"charge": 1})
    atoms.calc = ExplorerCalculator(f"so3lr:{reference_data / 'so3lr'}", precision="float64", lr_cutoff=1000)
    assert atoms.get_potential_energy() == pytest.approx(float(data["energy_p64"]), abs=1e-6)
    np.testing.assert_allclose(atoms.get_forces(), data["forces_p64"], atol=1e-6)
    np.testing.assert_allclose(atoms.get_charges(), data["partial_charges_p64"], atol=1e-8)
    np.testing.assert_allclose(atoms.get_dipole_moment(), data["dipole_p64"] + shift, atol=1e-8)
