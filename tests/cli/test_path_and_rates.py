"""`path` and `rates` on a stored run: tables, JSON, frames, and errors for people."""

import json

import ase.io
import pytest
from connected_run import write_connected_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("connected")
    write_connected_run(folder)
    return folder


def test_rates_as_json_have_the_promised_keys(pes_explore, folder):
    code, out, _ = pes_explore(
        "rates", folder, "--from", "0", "--to", "phi>0", "--temperature", "310", "--format", "json"
    )
    found = json.loads(out)
    assert code == 0
    assert found["temperature"] == 310
    assert found["to"] == [1, 3]
    assert found["limiting_saddle"] == 1
    assert found["k_forward"] > 0
    assert found["mfpt_forward"] == pytest.approx(1 / found["k_forward"], rel=0.2)  # C5 holds the rest
    assert found["k_forward"] / found["k_backward"] == pytest.approx(
        found["populations"][1] / found["populations"][0], rel=1e-12
    )


def test_rates_as_a_table_say_what_they_rest_on(pes_explore, folder):
    code, out, err = pes_explore("rates", folder, "--from", "0", "--to", "1", "--harmonic", "--lump", "1ps")
    assert code == 0
    assert "classical harmonic" in out
    assert "mean first-passage time A to B" in out
    assert "factor of 5.4" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "0", "--to", "0"), "minimum 0 is in both"),
        (("--from", "0", "--to", "11"), "minima 0 to 5, received 11"),
        (("--from", "0", "--to", "1", "--lump", "3"), "--lump takes a time with its unit"),
        (("--from", "0", "--to", "everything"), "received 'everything'"),
    ],
)
def test_rates_refuse_what_makes_no_sense_in_one_line(pes_explore, folder, arguments, message):
    code, _, err = pes_explore("rates", folder, *arguments)
    assert code == 1
    assert message in err
    assert "Traceback" not in err


def test_path_prints_a_profile_and_writes_its_stationary_points(pes_explore, folder, tmp_path):
    out_file = tmp_path / "new" / "path.extxyz"
    code, out, _ = pes_explore("path", folder, "2", "3", "--out", out_file, "--images", "0")
    assert code == 0
    assert "saddle 1" in out
    frames = ase.io.read(out_file, ":")
    assert [frame.info["label"] for frame in frames] == [
        "minimum 2", "saddle 0", "minimum 0", "saddle 1", "minimum 1", "saddle 2", "minimum 3",
    ]  # fmt: skip
    assert frames[0].info["path_length"] == 0
    assert frames[-1].info["path_length"] > frames[1].info["path_length"] > 0
    code, _, err = pes_explore("path", folder, "2", "3", "--out", out_file, "--images", "0")
    assert code == 1
    assert "--force" in err


def test_fastest_paths_are_listed(pes_explore, folder):
    code, out, err = pes_explore("path", folder, "0", "1", "--fastest", "2")
    assert code == 0
    assert out.count("barrier from the start") == 2
    assert "Path 2" in err


def test_path_that_does_not_exist_advises_connect(pes_explore, folder):
    code, _, err = pes_explore("path", folder, "0", "5")
    assert code == 1
    assert "pes-explore connect RUN" in err
