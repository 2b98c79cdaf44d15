"""Minima by id, class and rule for torsions, and what is refused."""

import pytest
from connected_run import write_connected_run

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.states import find_minima
from explorer.errors import InputError


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    return RunAnalysis(write_connected_run(tmp_path_factory.mktemp("run")))


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("3", [3]),
        ("5, 2,2", [2, 5]),
        ("cis-amide", [4]),
        ("C7", [0, 1]),  # C7eq and C7ax close a ring of seven atoms
        ("phi>0", [1, 3]),
        ("phi1<0 and psi > 100", [2, 5]),
        ("psi<-20&psi>-30.5", [4]),
    ],
)
def test_text_selects_minima(analysis, text, ids):
    assert find_minima(analysis, text) == ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9", "minima 0 to 5, received 9"),
        ("phi>170", "No minimum of the run fits 'phi>170'"),
        ("phi2<0", "residues 1 to 1"),
        ("omega<0", "'phi<0' or 'phi2>0 and psi2<90'"),
        ("fragmented", "No minimum of the run fits"),
        ("lowest", r"pattern of hydrogen bonds of the run \(C7, none\), .* received 'lowest'"),
    ],
)
def test_what_selects_nothing_is_explained(analysis, text, message):
    with pytest.raises(InputError, match=message):
        find_minima(analysis, text)
