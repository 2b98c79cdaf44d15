"""Properties of minima are read as they were stored, and can be added to older runs."""

import numpy as np
from older import as_of_schema
from rounds import assert_same, begin, make_round

from explorer.records.properties import Properties
from explorer.store.database import ADDITIONS, SCHEMA_VERSION
from explorer.store.read import read_run
from explorer.store.store import Store


def make_properties(n: int, n_atoms: int = 3, seed: int = 0) -> Properties:
    rng = np.random.default_rng(seed)
    parts = {name: rng.normal(size=n) for name in ("local", "zbl", "electrostatic", "dispersion")}
    return Properties(**parts, charges=rng.normal(size=(n, n_atoms)), dipoles=rng.normal(size=(n, 3)))


def test_properties_are_read_bit_for_bit_and_later_ones_replace_earlier_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
        assert read_run(tmp_path).properties is None
        store.save_properties(make_properties(1))
        store.save_properties(make_properties(2, seed=1))
    assert_same(read_run(tmp_path).properties, make_properties(2, seed=1))


def test_run_of_schema_3_has_no_properties_and_accepts_new_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
    as_of_schema(3, tmp_path / "run.sqlite")
    assert read_run(tmp_path).properties is None
    with Store.resume(tmp_path) as store:
        store.save_properties(make_properties(2))
    assert_same(read_run(tmp_path).properties, make_properties(2))


def test_additions_belong_to_versions_of_the_schema():
    assert max(ADDITIONS) <= SCHEMA_VERSION
