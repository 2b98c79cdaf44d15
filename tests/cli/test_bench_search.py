"""Commands that compare searches: what they ask for, print and refuse."""

import pytest

from explorer.bench import first_encounter, recall, search, time_shares

ROW = {
    "n_evaluations": 5000, "seconds": 9.0, "failure": "", "n_claimed": 6, "n_true": 3, "rejected": {"a saddle": 3},
    "claimed_per_true": 2.0, "calls_per_true_minimum": 1666.7, "calls_per_true_minimum_early": None,
    "lowest_eV": -1.25, "found_after": [100, 300, 900],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    given = {}

    def measure(molecule, settings, n_evaluations, n_seeds, n_peer_seeds, report):
        given.update(
            n_atoms=molecule.n_atoms,
            moves=settings.hopping.moves,
            potential=settings.potential,
            counts=(n_evaluations, n_seeds, n_peer_seeds),
        )
        programs = {search.OURS: [ROW, ROW], search.PEER: [ROW]}
        return {"molecule": molecule.name, "n_atoms": 3, "potential": "p", "programs": programs}

    monkeypatch.setattr(search, "measure", measure)
    return given


def test_table_and_files(pes_explore, asked, tmp_path):
    code, out, _ = pes_explore(
        "bench",
        "search",
        "--sequence",
        "G",
        "--potential",
        "ase:explorer.bench.mmff:MMFF",
        "--moves",
        "hopping",
        "--evaluations",
        "5000",
        "--seeds",
        "2",
        "--peer-seeds",
        "1",
        "--out",
        str(tmp_path),
    )
    assert code == 0
    assert asked == {
        "n_atoms": 19,
        "moves": ("hopping",),
        "potential": "ase:explorer.bench.mmff:MMFF",
        "counts": (5000, 2, 1),
    }
    assert "1667" in out
    assert (tmp_path / "search.json").is_file()
    assert (tmp_path / "search.svg").is_file()


def test_files_are_not_overwritten_unasked(pes_explore, asked, tmp_path):
    (tmp_path / "search.svg").write_text("mine")
    code, _, err = pes_explore("bench", "search", "ac-ala3-nhme", "--out", str(tmp_path))
    assert code == 1
    assert "would be overwritten" in err
    assert not asked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((), "One molecule was expected"), (("--sequence", "G", "--moves", "jump"), "--moves takes one or more")],
)
def test_a_wrong_wish_is_refused_in_one_line(pes_explore, asked, tmp_path, arguments, message):
    code, _, err = pes_explore("bench", "search", *arguments, "--out", str(tmp_path))
    assert code == 1
    assert message in err
    assert not asked


@pytest.fixture
def encountered(monkeypatch):
    given = {}

    def measure(settings, n_atoms, energy, seeds, limit, report):
        given.update(n_walkers=settings.hopping.n_walkers, n_atoms=n_atoms, energy=energy, n=len(seeds), limit=limit)
        found = [first_encounter.Encounter(0, True, 800, energy, 1.0), first_encounter.Encounter(1, False, limit, 0, 1)]
        for one in found:
            report(one)
        searches = [one._asdict() for one in found]
        return {
            "n_atoms": n_atoms,
            "energy_eV": energy,
            "limit": limit,
            "searches": searches,
            **first_encounter.summarise(found),
        }

    monkeypatch.setattr(first_encounter, "measure", measure)
    return given


def test_first_encounter_says_how_many_were_cut(pes_explore, encountered, tmp_path):
    arguments = ("--seeds", "2", "--limit", "1000", "--set", "hopping.n_walkers=3", "--out", str(tmp_path))
    code, out, err = pes_explore("bench", "first-encounter", *arguments)
    assert code == 0
    assert encountered == {"n_walkers": 3, "n_atoms": 38, "energy": -173.928427, "n": 2, "limit": 1000}
    assert "1 of them cut at 1000" in out
    assert "1800 ± 1800" in out
    assert "seed 1: cut" in err
    assert (tmp_path / "first-encounter.json").is_file()
    code, _, err = pes_explore("bench", "first-encounter", *arguments)
    assert code == 1
    assert "would be overwritten" in err


def test_first_encounter_refuses_an_unknown_setting(pes_explore, encountered, tmp_path):
    code, _, err = pes_explore("bench", "first-encounter", "--set", "hopping.walker=3", "--out", str(tmp_path))
    assert code == 1
    assert "Did you mean" in err
    assert not encountered


@pytest.fixture
def recalled(monkeypatch):
    given = {}

    def measure(ensemble, settings, n_evaluations, window, progress):
        given.update(name=ensemble.name, seed=settings.seed, n_evaluations=n_evaluations, window=window)
        progress("force calls", 1, 1)
        side = {"n_conformers": 5, "n_structures": 9}
        return {
            "molecule": "m",
            "n_atoms": 3,
            "start": "embedding",
            "n_evaluations": n_evaluations,
            "seconds": 2.0,
            "window_eV": window,
            "n_wanted": 4,
            "n_found": 3,
            "found_after": [10, 20, 30],
            "lowest_against_ensemble_eV": -0.0434,
            "missed": [{"structure": 7, "above_lowest_eV": 0.1}],
            "comparison": {"a": side, "b": side},
        }

    monkeypatch.setattr(recall, "measure", measure)
    return given


def test_recall_says_what_was_missed_and_who_went_lower(pes_explore, recalled, tmp_path):
    arguments = ("crest.xyz", "--window", "3kcal", "--seed", "4", "--evaluations", "200", "--out", str(tmp_path))
    code, out, _ = pes_explore("bench", "recall", *arguments)
    assert code == 0
    assert recalled == {
        "name": "crest.xyz",
        "seed": 4,
        "n_evaluations": 200,
        "window": pytest.approx(0.13009, abs=1e-5),
    }
    assert "3 of 4 (75 %)" in out
    assert "-1.00 kcal/mol" in out
    assert "7 (+2.31)" in out
    code, _, err = pes_explore("bench", "recall", *arguments)
    assert code == 1
    assert "would be overwritten" in err


def test_recall_wants_a_unit_of_its_window(pes_explore, recalled, tmp_path):
    code, _, err = pes_explore("bench", "recall", "crest.xyz", "--window", "3", "--out", str(tmp_path))
    assert code == 1
    assert "an energy with its unit" in err
    assert not recalled


def test_time_shares_of_a_molecule_and_a_number_of_walkers(pes_explore, monkeypatch, tmp_path):
    def measure(molecule, settings, n_rounds, progress):
        assert (molecule.n_atoms, settings.potential, n_rounds) == (19, "peptides-large", 7)
        progress("rounds", 7, 7)
        parts = {"potential": 0.25, "host": 0.125}
        return {
            "n_walkers": settings.hopping.n_walkers,
            "milliseconds_per_call": parts,
            "share": dict.fromkeys(parts, 0.5),
        }

    monkeypatch.setattr(time_shares, "measure", measure)
    asked = (
        "bench",
        "time-shares",
        "--sequence",
        "G",
        "--walkers",
        "8",
        "--rounds",
        "7",
        "--potential",
        "peptides-large",
        "--out",
        str(tmp_path),
    )
    code, out, _ = pes_explore(*asked)
    assert code == 0
    assert "0.125" in out
    assert (tmp_path / "time-shares-8.json").is_file()
    code, _, err = pes_explore(*asked)
    assert code == 1
    assert "would be overwritten" in err
