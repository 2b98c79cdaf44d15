"""Trajectories come back as they were stored, also in runs that are older than they are."""

import math

from older import as_of_schema
from rounds import assert_same, begin, make_round

from explorer.records.trajectories import ThermodynamicEnsemble, Trajectory
from explorer.store.read import read_run
from explorer.store.store import Store

HELD = Trajectory(ThermodynamicEnsemble.THERMOSTATTED, 300.0, 0, 1, 20.0, "", "", 301.5)
FAILED = Trajectory(
    ThermodynamicEnsemble.CONSTANT_ENERGY, 500.0, 3, 1, 1.4, "bond-broken", "bond C1-C2 broken", 498.0, 0.02, 0.06
)


def test_trajectories_come_back_and_later_ones_replace_earlier_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
        assert read_run(tmp_path).trajectories == ()
        store.save_trajectories([HELD, HELD, HELD])
        store.save_trajectories([FAILED, HELD])
        store.commit(make_round(1, 2))
    found = read_run(tmp_path).trajectories
    assert_same(found, (FAILED, HELD))
    assert found[0].ensemble is ThermodynamicEnsemble.CONSTANT_ENERGY
    assert math.isnan(found[1].drift)


def test_run_of_schema_8_has_no_trajectories_and_takes_new_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
    as_of_schema(8, tmp_path / "run.sqlite")
    assert read_run(tmp_path).trajectories == ()
    with Store.resume(tmp_path) as store:
        store.save_trajectories([HELD])
    assert_same(read_run(tmp_path).trajectories, (HELD,))
