"""Unpaired electrons: refused by models that know no spin, warned about by the others."""

import warnings

import pytest

from explorer.api import load_potential
from explorer.errors import ExplorerWarning, InputError
from explorer.io.build import from_smiles
from explorer.potential.load import load_potential as load
from explorer.potential.spin import check_spin


def test_singlets_pass_in_silence():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_spin(1, False, "default")
        check_spin(1, True, "so3lr")


def test_a_model_without_spin_refuses_and_one_with_spin_warns():
    with pytest.raises(InputError, match=r"multiplicity is 3, but default knows no spin.* without unpaired electrons"):
        check_spin(3, False, "default")
    with pytest.warns(ExplorerWarning, match="so3lr takes it as an input, but was trained on singlets"):
        check_spin(3, True, "so3lr")


def test_the_shipped_model_refuses_a_radical_in_a_search_and_in_a_calculator():
    radical = from_smiles("[CH3]")
    assert radical.multiplicity == 2
    with pytest.raises(InputError, match="knows no spin"):
        load("default", radical)
    with pytest.raises(InputError, match="knows no spin"):
        load_potential("default").energy_and_forces(radical)
