"""Frames of ethanol near its minimum, labelled with MMFF94 by RDKit, and a network trained on them."""

import numpy as np
import pytest
from rdkit.Chem import AllChem
from small import HP, SETTINGS

from explorer.dataset.dataset import MoleculeData
from explorer.io.build import from_smiles, to_rdkit
from explorer.train.phases import train_phases
from explorer.train.train_model import complete_hyperparameters
from explorer.units import KCAL_PER_MOL


def mmff_labels(mol, positions):
    """Return the energy in eV and the forces in eV/Å."""
    properties = AllChem.MMFFGetMoleculeProperties(mol)
    field = AllChem.MMFFGetMoleculeForceField(mol, properties)
    flat = positions.ravel().tolist()
    return field.CalcEnergy(flat) * KCAL_PER_MOL, -np.reshape(field.CalcGrad(flat), (-1, 3)) * KCAL_PER_MOL


@pytest.fixture(scope="session")
def ethanol_data() -> dict[str, MoleculeData]:
    """Return 40 frames: 24 for training, 8 for validation, 8 for tests."""
    molecule = from_smiles("CCO")
    mol = to_rdkit(molecule)
    positions = molecule.positions + 0.06 * np.random.default_rng(0).normal(size=(40, 9, 3))
    positions -= positions.mean(axis=1, keepdims=True)
    labels = [mmff_labels(mol, frame) for frame in positions]
    data = MoleculeData(
        atomic_numbers=molecule.atomic_numbers,
        bonds=molecule.bonds,
        total_charge=0,
        positions=positions,
        energy=np.array([energy for energy, _ in labels]),
        forces=np.array([forces for _, forces in labels]),
        conformer=np.array([f"ethanol:{k // 4}" for k in range(40)]),
        stage=np.array(["relaxation", "dynamics-500"] * 20),
        split=np.repeat(["train", "validation", "test"], [24, 8, 8]),
    )
    return {"ethanol": data}


@pytest.fixture(scope="session")
def hp(ethanol_data):
    return complete_hyperparameters(HP, ethanol_data, "MMFF94", "ethanol.npz 0")


@pytest.fixture(scope="session")
def trained(ethanol_data, hp, tmp_path_factory):
    return train_phases(ethanol_data, hp, SETTINGS, tmp_path_factory.mktemp("fit"))
