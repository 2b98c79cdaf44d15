"""Relaxation on an ASE calculator uses the charge of the molecule."""

import pytest
from ase import Atoms

from explorer.config import RelaxSettings
from explorer.dataset.label import reference_calculator
from explorer.io.build import from_smiles
from explorer.relaxation.reference import ReferenceRelaxer
from explorer.relaxation.relaxer import Status


def test_an_anion_is_relaxed_with_its_charge():
    tblite = pytest.importorskip("tblite.ase")
    acetate = from_smiles("CC(=O)[O-]")
    found = ReferenceRelaxer(acetate, RelaxSettings(), reference_calculator("gfn2"))(acetate.positions)
    assert found.status == Status.CONVERGED
    anion, neutral = (
        Atoms(acetate.atomic_numbers, found.positions, calculator=tblite.TBLite(charge=charge, verbosity=0))
        for charge in (-1, 0)
    )
    assert found.energy == pytest.approx(anion.get_potential_energy(), abs=1e-4)
    assert abs(found.energy - neutral.get_potential_energy()) > 1
