"""Settings that `run` passes to the search, and its error messages."""

import os
import signal
import sys
from types import ModuleType

import pytest

from explorer.config import BudgetSettings, Settings
from explorer.units import KCAL_PER_MOL


def test_flags_reach_the_settings(pes_explore, search, tmp_path):
    out = tmp_path / "run"
    code, text, err = pes_explore(
        "run",
        "--sequence",
        "A",
        "--out",
        out,
        "--walkers",
        4,
        "--seed",
        7,
        "--max-evaluations",
        900,
        "--time-limit",
        2.5,
        "--precision",
        "float64",
        "--potential",
        "lennard-jones",
        "--set",
        "hopping.mdmin=5",
    )
    assert code == 0
    assert search.settings.hopping.n_walkers == 4
    assert search.settings.hopping.mdmin == 5
    assert search.settings.seed == 7
    assert search.settings.precision == "float64"
    assert search.settings.potential == "lennard-jones"
    # six kcal/mol mean nothing to a cluster in reduced units
    assert search.settings.budget == BudgetSettings(hops=0, evaluations=900, minutes=2.5, window=0.0)
    assert search.finished == [out]
    assert "distinct minima" in text
    assert "C6H12N2O2" in err
    assert "2 conformers, lowest -1.250 eV, 25/s, ETA 0:00:36" in err


@pytest.mark.parametrize(
    ("flags", "budget"),
    [
        ([], Settings().budget),
        (["--hops", 5], BudgetSettings(hops=5, minutes=0.0)),
        (["--max-evaluations", 5], BudgetSettings(evaluations=5, minutes=0.0)),
        (["--hops", 5, "--time-limit", 1], BudgetSettings(hops=5, minutes=1.0)),
        (["--time-limit", 0, "--set", "budget.hops=3"], BudgetSettings(hops=3, minutes=0.0)),
    ],
)
def test_a_limit_of_hops_or_force_calls_removes_the_default_time_limit(pes_explore, search, tmp_path, flags, budget):
    assert pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", *flags).code == 0
    assert search.settings.budget == budget


def test_a_run_can_stop_at_an_estimated_coverage_of_a_window(pes_explore, search, tmp_path):
    out = ("run", "--smiles", "CC", "--out", tmp_path / "run")
    assert pes_explore(*out, "--stop-at", 0.95, "--window", "3kcal").code == 0
    assert search.settings.budget == BudgetSettings(coverage=0.95, window=3 * KCAL_PER_MOL)
    code, _, err = pes_explore(*out, "--force", "--window", "3")
    assert code == 1
    assert "--window takes an energy with its unit, such as 3kcal, 12.5kJ or 0.13eV; received '3'" in err
    code, _, err = pes_explore(*out, "--force", "--stop-at", 95)
    assert code == 1
    assert "--stop-at must be 0 (off) or between 0 and 1, such as 0.95, received 95" in err


@pytest.mark.parametrize("flags", [["--mirror", "distinct"], ["--set", "identity.mirror=distinct"]])
def test_mirror_option_reaches_the_settings(pes_explore, search, tmp_path, flags):
    assert pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", *flags).code == 0
    assert search.settings.identity.mirror == "distinct"


def test_set_overrides_options_and_options_override_the_file(pes_explore, search, tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("seed = 1\n[hopping]\nmdmin = 6\nn_walkers = 2\nticks_per_round = 9\n")
    arguments = ("--config", file, "--walkers", 3, "--seed", 2, "--set", "seed=4")
    assert pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", *arguments).code == 0
    hopping = search.settings.hopping
    assert (search.settings.seed, hopping.n_walkers, hopping.mdmin, hopping.ticks_per_round) == (4, 3, 6, 9)


def test_unknown_setting_names_the_nearest(pes_explore, search, tmp_path):
    code, _, err = pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", "--set", "hopping.mdmim=4")
    assert code == 1
    assert "Did you mean 'hopping.mdmin'?" in err


@pytest.mark.parametrize(
    ("flag", "names"),
    [
        ([], ()),
        (["--allow", "cis-amide"], ("cis-amide",)),
        (["--allow", "none"], ()),
        (["--allow", "cis-amide, reaction"], ("cis-amide", "reaction")),
        (["--set", "hopping.allow=proton-transfer"], ("proton-transfer",)),
    ],
)
def test_allow_sets_the_structural_changes(pes_explore, search, tmp_path, flag, names):
    assert pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", *flag).code == 0
    assert search.settings.hopping.allow == names


@pytest.mark.parametrize(
    ("given", "wanted"), [("cis-amid", "cis-amide"), ("cis-amide,proton", "proton-transfer"), ("none,reaction", "")]
)
def test_unknown_names_of_allow_are_refused_and_the_nearest_is_named(pes_explore, search, tmp_path, given, wanted):
    code, _, err = pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", "--allow", given)
    assert code == 1
    assert "--allow takes cis-amide, proton-transfer, stereo-inversion, reaction" in " ".join(err.split())
    assert f"Did you mean '{wanted}" in " ".join(err.split())
    assert search.settings is None


@pytest.mark.parametrize("arguments", [["--set", "mdmin", "--out", "x"], ["--resume"]])
def test_missing_arguments_are_wrong_usage(pes_explore, search, tmp_path, arguments):
    molecule = [] if "--resume" in arguments else ["--smiles", "CC"]
    assert pes_explore("run", *molecule, *arguments).code == 2


def test_a_shipped_peptide_is_found_by_name_from_any_folder(pes_explore, search, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert pes_explore("run", "ac-ala3-nhme", "--out", "run").code == 0
    assert search.molecule.n_atoms == 42


def test_a_missing_file_is_named(pes_explore, search, tmp_path):
    code, _, err = pes_explore("run", tmp_path / "nothing.pdb", "--out", tmp_path / "run")
    assert code == 1
    assert "nothing.pdb" in err


def test_no_molecule_and_two_molecules_are_refused(pes_explore, search, tmp_path):
    assert pes_explore("run", "--out", tmp_path / "run").code == 1
    code, _, err = pes_explore("run", "--smiles", "CC", "--sequence", "A", "--out", tmp_path / "run")
    assert code == 1
    assert "--smiles and --sequence" in err


@pytest.mark.parametrize(
    ("molecule", "folder"),
    [(("--sequence", "AG"), "runs/ac-ag-nhme"), (("--smiles", "CC"), "runs/molecule")],
)
def test_results_go_to_a_folder_with_the_name_of_the_molecule(
    pes_explore, search, tmp_path, monkeypatch, molecule, folder
):
    monkeypatch.chdir(tmp_path)
    assert pes_explore("run", *molecule).code == 0
    (out,) = search.finished
    assert out.as_posix() == folder


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--time-limit", -1), "--time-limit must be 0 or more, received -1.0."),
        (("--seed", -1), "--seed must be 0 or more, received -1."),
        (("--walkers", -2), "--walkers must be 0 or more, received -2."),
        (("--stop-at", 1.5), "--stop-at must be 0 (off) or between 0 and 1, such as 0.95, received 1.5."),
        (("--max-uncertainty", "no"), "--max-uncertainty must be trusted or uncertain or any, received 'no'."),
        (("--calculator-timeout", -1), "--calculator-timeout must be 0 or more, received -1.0."),
        (("--set", "budget.minutes=-1"), "budget.minutes must be 0 or more, received -1.0."),
        (("--time-limit", 0), "A search needs a limit (--time-limit, --hops, --max-evaluations, --stop-at)"),
    ],
)
def test_errors_name_what_was_typed(pes_explore, tmp_path, options, line):
    code, _, err = pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", *options)
    assert code == 1
    assert err.startswith(f"pes-explore: {line}")


@pytest.fixture
def connected(monkeypatch):
    """Limits with which a run was connected after its search."""
    limits = []

    def connect_after_search(session, budget, progress, stop):
        limits.append(budget)
        progress(session.record, 0.5)
        return "nothing is left to try"

    module = ModuleType("explorer.workflows.connect")
    module.connect_after_search = connect_after_search
    monkeypatch.setitem(sys.modules, "explorer.workflows.connect", module)
    return limits


def test_minima_are_connected_on_request_and_in_a_run_that_is_resumed(
    pes_explore, search, connected, make_run, tmp_path
):
    out = tmp_path / "run"
    pes_explore("run", "--smiles", "CC", "--out", out)
    assert not connected
    code, _, err = pes_explore("run", "--smiles", "CC", "--out", out, "--force", "--connect", "--time-limit", 4)
    assert (code, connected) == (0, [BudgetSettings(minutes=4.0, connect=True)])
    assert "0 saddles" in err
    assert "Ended: nothing is left to try." in err
    make_run(tmp_path / "other", Settings(budget=BudgetSettings(connect=True)))
    pes_explore("run", "--resume", tmp_path / "other")
    assert connected[1:] == [BudgetSettings(connect=True)], "as its settings say"
    pes_explore("run", "--resume", tmp_path / "other", "--no-connect")
    assert len(connected) == 2
    make_run(tmp_path / "plain")
    pes_explore("run", "--resume", tmp_path / "plain", "--connect", "--time-limit", 8)
    assert connected[2:] == [BudgetSettings(minutes=8.0, connect=True)]


def test_search_that_was_stopped_is_not_connected(pes_explore, search, connected, tmp_path):
    search.during = lambda progress: os.kill(os.getpid(), signal.SIGINT)
    assert pes_explore("run", "--smiles", "CC", "--out", tmp_path / "run", "--connect").code == 0
    assert not connected
    assert search.finished
