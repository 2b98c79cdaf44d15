"""Golden runs: short searches repeat the stored hops one by one, so that no renaming or move of code changes them."""

import pytest
from golden import RUNS, search, stored, trace

ENERGY = 1e-6  # eV
SLOW = "ac-ala-nhme"  # two minutes, nearly all of it compilation


@pytest.mark.parametrize(
    "name", [name if name != SLOW else pytest.param(name, marks=pytest.mark.slow) for name in RUNS]
)
def test_search_repeats_the_stored_hops(name, tmp_path):
    search(name, tmp_path / "run")
    made, wanted = trace(tmp_path / "run"), stored(name)
    assert made["hops"] == wanted["hops"]
    assert made["n_evaluations"] == wanted["n_evaluations"]
    energies = [minimum.pop("energy") for minimum in made["minima"]]
    assert energies == pytest.approx([minimum.pop("energy") for minimum in wanted["minima"]], abs=ENERGY)
    assert made["minima"] == wanted["minima"]
