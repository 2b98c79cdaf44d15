"""Potentials of other programs, and the loop that relaxes on them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from rdkit.Chem import AllChem

from explorer.io.build import to_rdkit
from explorer.potential.potential import Evaluation
from explorer.units import KCAL_PER_MOL


@pytest.fixture(scope="session")
def mmff():
    """MMFF94 by RDKit: molecule -> (positions -> energy, forces)."""

    def surface(molecule):
        mol = to_rdkit(molecule)
        properties = AllChem.MMFFGetMoleculeProperties(mol)

        def evaluate(positions):
            # a new field for each call: RDKit keeps distances of the first one otherwise
            field = AllChem.MMFFGetMoleculeForceField(mol, properties)
            flat = np.asarray(positions, float).ravel().tolist()
            gradient = np.array(field.CalcGrad(flat)).reshape(-1, 3)
            return field.CalcEnergy(flat) * KCAL_PER_MOL, -gradient * KCAL_PER_MOL

        return evaluate

    return surface


@pytest.fixture(scope="session")
def gfn2_atoms():
    """GFN2-xTB: molecule -> ASE atoms with a calculator."""
    tblite = pytest.importorskip("tblite.ase")

    def atoms(molecule):
        system = Atoms(molecule.atomic_numbers, molecule.positions)
        system.calc = tblite.TBLite(method="GFN2-xTB", verbosity=0, accuracy=0.1)
        return system

    return atoms


@pytest.fixture(scope="session")
def relax_on():
    """Runs a relaxer on a potential of the host: (relaxer, surface, positions) -> (positions, state)."""

    def relax(relaxer, surface, positions, dtype=jnp.float64):
        step = jax.jit(relaxer.step)
        positions = jnp.asarray(positions, dtype)
        state = relaxer.init(positions)
        while int(state.status) == 0:
            energy, forces = surface(np.asarray(positions, float))
            evaluation = Evaluation(jnp.asarray(energy, dtype), jnp.asarray(forces, dtype), jnp.asarray(False))
            positions, state = step(positions, evaluation, state)
        return positions, state

    return relax
