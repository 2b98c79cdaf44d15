"""The command of the search benchmark: what it asks for, prints and refuses."""

import pytest

from explorer.bench import search

ROW = {
    "n_evaluations": 5000, "seconds": 9.0, "failure": "", "n_claimed": 6, "n_true": 3, "rejected": {"a saddle": 3},
    "claimed_per_true": 2.0, "calls_per_true_minimum": 1666.7, "calls_per_true_minimum_early": None,
    "lowest_eV": -1.25, "found_after": [100, 300, 900],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch):
    given = {}

    def measure(molecule, settings, n_evaluations, n_seeds, n_peer_seeds, report):
        given.update(n_atoms=molecule.n_atoms, moves=settings.hopping.moves, potential=settings.potential,
                     counts=(n_evaluations, n_seeds, n_peer_seeds))  # fmt: skip
        programs = {search.OURS: [ROW, ROW], search.PEER: [ROW]}
        return {"molecule": molecule.name, "n_atoms": 3, "potential": "p", "programs": programs}

    monkeypatch.setattr(search, "measure", measure)
    return given


def test_table_and_files(pes_explore, asked, tmp_path):
    code, out, _ = pes_explore(
        "bench", "search", "--sequence", "G", "--potential", "ase:explorer.bench.mmff:MMFF", "--moves", "hopping",
        "--evaluations", "5000", "--seeds", "2", "--peer-seeds", "1", "--out", str(tmp_path),
    )  # fmt: skip
    assert code == 0
    assert asked == {
        "n_atoms": 19, "moves": ("hopping",), "potential": "ase:explorer.bench.mmff:MMFF", "counts": (5000, 2, 1)
    }  # fmt: skip
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
    [((), "One molecule was wanted"), (("--sequence", "G", "--moves", "jump"), "hopping.moves takes one or more")],
)
def test_a_wrong_wish_is_refused_in_one_line(pes_explore, asked, tmp_path, arguments, message):
    code, _, err = pes_explore("bench", "search", *arguments, "--out", str(tmp_path))
    assert code == 1
    assert message in err
    assert not asked
