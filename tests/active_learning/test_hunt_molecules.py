"""Molecules of a hunt: the same for every call, other ones in every round, and never those that are held out."""

import numpy as np
import pytest

from explorer.active_learning.hunt_molecules import build_start, molecules_of_round
from explorer.dataset.domain import draw_held_out_molecules
from explorer.errors import ConfigError


def test_rounds_have_different_molecules_of_the_domain():
    first, second = (molecules_of_round("", 6, 3, number) for number in (1, 2))
    assert len(first) == len(second) == 6
    assert not {*first.values()} & {*second.values()}
    assert molecules_of_round("", 6, 3, 2) == second
    assert molecules_of_round("", 6, 4, 1) != first
    held_out = {smiles for members in draw_held_out_molecules().values() for smiles in members.values()}
    assert len(held_out) == 100
    assert not held_out & {*first.values(), *second.values()}


def test_recipe_is_taken_in_random_order_until_it_begins_anew(tmp_path):
    path = tmp_path / "recipe.toml"
    names = ["methanol", "ethanol", "propanol"]
    path.write_text(
        "[[group]]\nn_starts = 1\n[group.smiles]\n"
        + "".join(f"{name} = '{'C' * (k + 1)}O'\n" for k, name in enumerate(names))
    )
    rounds = [molecules_of_round(str(path), 2, 0, number) for number in (1, 2, 3)]
    taken = [name for one in rounds for name in one]
    assert sorted(taken[:3]) == sorted(taken[3:]) == sorted(names)
    assert {**rounds[0], **rounds[1]}["propanol"] == "CCCO"
    assert list(molecules_of_round(str(path), 5, 0, 1)) == taken[:3]  # each once in a round


def test_starts_have_explicit_hydrogens_and_molecules_side_by_side():
    pair = build_start("pair", "CO.CC(=O)[O-]", np.random.default_rng(0))
    assert (pair.n_atoms, pair.total_charge, pair.name) == (6 + 7, -1, "pair")
    first, second = pair.positions[[0, 1]], pair.positions[[2, 3, 4, 5]]
    assert 1.5 < np.linalg.norm(first[:, None] - second[None], axis=-1).min() < 6
    with pytest.raises(ConfigError, match="could not be read"):
        build_start("x", "C(", np.random.default_rng(0))
