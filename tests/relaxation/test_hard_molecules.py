"""Relaxation of rings, ions, straight chains, complexes, and a cluster with a double funnel."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.config import RelaxSettings
from explorer.io.build import from_sequence, from_smiles
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.load import load_potential
from explorer.potential.potential import evaluate
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import Status, ending, make_relaxer, relax_many
from explorer.system import from_arrays, system_of

SETTINGS = RelaxSettings()
MOLECULES = {
    "cyclo-(Gly)4": "C1NC(=O)CNC(=O)CNC(=O)CNC1=O",
    "cyclo-(Ala)5": "N1" + "[C@@H](C)C(=O)N" * 4 + "[C@@H](C)C1=O",
    "disulfide": "CC(=O)N[C@@H](CSSC)C(=O)NC",
    "ethane": "CC",
    "water": "O",
    "CO2": "O=C=O",
    "alkyne": "CC#CCO",
    "nitrile": "CC#N",
}
SEQUENCES = {"proline": "P", "histidine": "H", "tryptophan": "W", "aspartate": "D"}


def dimer(smiles: str, shift: tuple[float, float, float]) -> Molecule:
    """Two copies, the second rotated by 180° about z and shifted, Å."""
    one = from_smiles(smiles)
    n = one.n_atoms
    return replace(
        one,
        name=f"{smiles} dimer",
        atomic_numbers=np.tile(one.atomic_numbers, 2),
        positions=np.concatenate([one.positions, one.positions @ np.diag([-1, -1, 1]) + shift]),
        bonds=np.concatenate([one.bonds, one.bonds + n]),
        bond_orders=np.tile(one.bond_orders, 2),
        formal_charges=np.tile(one.formal_charges, 2),
        atom_names=one.atom_names * 2,
    )


def build(name: str) -> Molecule:
    if name in MOLECULES:
        return from_smiles(MOLECULES[name])
    if name == "zwitterion":
        return from_sequence("GA", caps="none")
    if name == "water dimer":
        return dimer("O", (0.5, 0.3, 3.0))
    return dimer("C(=O)N", (0.3, 4.0, 0.4)) if name == "formamide dimer" else from_sequence(SEQUENCES[name])


NAMES = [*MOLECULES, *SEQUENCES, "zwitterion", "water dimer", "formamide dimer"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_hard_molecule_relaxes_on_so3lr(name, reference_data):
    molecule = build(name)
    model = f"so3lr:{reference_data / 'so3lr'}"
    potential, _ = load_potential(model, molecule)
    result = relax_many(
        potential, make_relaxer(molecule, SETTINGS), system_of(molecule), molecule.positions[None], batch=1
    )
    assert ending(int(result.status[0]), int(result.fallback[0])).startswith("converged")
    exact, _ = load_potential(model, molecule, "float64")
    system = system_of(molecule, jnp.float64).replace(positions=jnp.asarray(result.positions[0], jnp.float64))
    forces = jax.jit(evaluate)(exact.replace(capacity=0), system).forces
    assert float(jnp.max(jnp.linalg.norm(forces, axis=-1))) < 1.1 * SETTINGS.fmax


def truncated_octahedron() -> np.ndarray:
    """The 38 sites of a face-centred lattice nearest to an octahedral hole, nearest neighbours 1.09 apart."""
    grid = np.array([(i, j, k) for i in range(-2, 3) for j in range(-2, 3) for k in range(-2, 3) if (i + j + k) % 2])
    order = np.argsort(np.sum(grid**2, axis=1), kind="stable")
    return grid[order[:38]] * 1.09 / 2**0.5


def test_38_lennard_jones_atoms_relax_to_the_known_minimum_of_the_narrow_funnel():
    start = truncated_octahedron()
    noise = 0.03 * np.random.default_rng(2).normal(size=(2, 38, 3))
    random = 1.6 * np.random.default_rng(1).normal(size=(2, 38, 3))
    cluster = Molecule(
        name="LJ38",
        atomic_numbers=np.full(38, 18),
        positions=start,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(38, int),
    )
    relaxer = make_relaxer(cluster, RelaxSettings(max_steps=1000))
    system = from_arrays(cluster.atomic_numbers, start, dtype=jnp.float64)
    result = relax_many(lennard_jones(), relaxer, system, np.concatenate([start + noise, random]), batch=4)
    assert np.all(result.status == Status.CONVERGED)
    np.testing.assert_allclose(result.energy[:2], -173.928427, atol=1e-5)
    assert np.all(result.energy > -173.928428)
