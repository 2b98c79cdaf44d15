"""Error messages of `learn` before any computation."""

import pytest

from explorer.config import Settings


@pytest.mark.parametrize(
    ("potential", "message"),
    [
        ("lennard-jones", "Lennard-Jones (lennard-jones), which cannot be trained here"),
        (
            "ase:ase.calculators.emt:EMT",
            "an ASE calculator (ase:ase.calculators.emt:EMT), which cannot be trained here",
        ),
        ("default", "The run was made with model"),  # another digest than that of the shipped one
    ],
)
def test_a_run_without_its_network_is_one_line_and_exit_1(pes_explore, make_run, tmp_path, potential, message):
    make_run(tmp_path / "run", Settings(potential=potential))
    code, out, err = pes_explore("learn", tmp_path / "run", "--out", tmp_path / "out")
    assert (code, out) == (1, "")
    assert err.startswith("pes-explore: ")
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_only_training_settings_can_be_set(pes_explore, make_run, tmp_path):
    make_run(tmp_path / "run")
    code, _, err = pes_explore("learn", tmp_path / "run", "--out", tmp_path / "out", "--set", "hopping.mdmin=3")
    assert code == 1
    assert "Settings of the trainings are fit.NAME, received 'hopping.mdmin'" in err
