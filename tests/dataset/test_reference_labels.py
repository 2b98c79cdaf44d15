"""Labels by any reference method: the same in one process and in several, and failures as missing numbers."""

import numpy as np
import pytest

from explorer.bench.mmff import MMFF
from explorer.dataset.network_reference import SingleStructure
from explorer.dataset.reference_labels import ReferenceLabels
from explorer.errors import ConfigError
from explorer.io.build import from_smiles
from explorer.potential.charged_atoms import atoms_of

REFERENCE = "ase:explorer.bench.mmff:MMFF"
ETHANOL = from_smiles("CCO")


def structures(n: int) -> list[SingleStructure]:
    rng = np.random.default_rng(0)
    return [
        SingleStructure(ETHANOL.atomic_numbers, 0, 0, ETHANOL.positions + rng.normal(0, 0.05, (9, 3))) for _ in range(n)
    ]


@pytest.mark.parametrize("n_processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_labels_are_those_of_the_calculator_in_order(n_processes):
    wanted = structures(3)
    with ReferenceLabels(REFERENCE, n_processes) as reference:
        labels = reference.of(ETHANOL)(wanted)
        assert reference.of(ETHANOL)([]) == []
    for structure, (energy, forces) in zip(wanted, labels, strict=True):
        atoms = atoms_of(ETHANOL, structure.positions)
        atoms.calc = MMFF()
        assert energy == pytest.approx(atoms.get_potential_energy())
        assert forces == pytest.approx(atoms.get_forces())


def test_a_failure_is_a_missing_number():
    borane = from_smiles("CB(C)C")  # MMFF94 has no parameters for it
    structure = SingleStructure(borane.atomic_numbers, 0, 0, borane.positions)
    with ReferenceLabels(REFERENCE) as reference:
        ((energy, forces),) = reference.of(borane)([structure])
    assert np.isnan(energy)
    assert np.isnan(forces).all()
    assert forces.shape == (borane.n_atoms, 3)


def test_an_unknown_reference_is_refused_at_once():
    with pytest.raises(ConfigError, match="Reference 'dft' is unknown"):
        ReferenceLabels("dft")
