"""Error messages and tables of `hunt` without any computation."""

import sys
from types import ModuleType

import pytest
from fixed_network import FIXED_NETWORK


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lennard-jones",), "lennard-jones is Lennard-Jones, which cannot be trained here"),
        (("nowhere/model",), "nowhere/model"),
        ((FIXED_NETWORK, "--reference", "so3lr:folder"), "was trained on labels of gfn2, received so3lr:folder"),
        ((FIXED_NETWORK, "--set", "hopping.mdmin=3"), "Settings of the trainings are fit.NAME"),
        ((FIXED_NETWORK, "--max-energy-error", "5"), "--max-energy-error"),
        ((FIXED_NETWORK, "--molecules", "missing.toml"), "missing.toml"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_1(pes_explore, tmp_path, arguments, message):
    code, out, err = pes_explore("hunt", *arguments, "--out", tmp_path / "out")
    assert (code, out) == (1, "")
    assert err.startswith("pes-explore: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_rounds_and_verdicts_are_printed(pes_explore, tmp_path, monkeypatch):
    finds = {"hole": 2, "wrong energy": 1, "wrong forces": 0, "out-of-distribution": 3, "uncertain": 4}
    row = {
        "verdict": "trusted", "n": 30, "n_wrong": 2, "n_wrong_energy": 1, "n_wrong_forces": 1,
        "force_error_median": 61.2, "force_error_90": None, "energy_error_median": 0.5, "energy_error_largest": 7.25,
    }  # fmt: skip
    record = {
        "round": 1, "n_molecules": 5, "n_refused": 1, "n_minima": 40, "finds": finds, "hole_share": 0.031,
        "labels": {"n_frames": 120}, "force_error_at_finds": [410.0, 95.0], "verdicts": [row],
    }  # fmt: skip
    module = ModuleType("explorer.active_learning.hunt")
    module.hunt = lambda plan, rounds, processes, progress: [record]
    monkeypatch.setitem(sys.modules, "explorer.active_learning.hunt", module)
    code, out, _ = pes_explore("hunt", FIXED_NETWORK, "--n", 5, "--rounds", 1, "--out", tmp_path / "out")
    assert code == 0
    assert "410 → 95" in out
    assert "7.25" in out
    assert out.rstrip().endswith("hunt.html")
    assert (tmp_path / "out" / "settings.json").exists()
