"""Trajectories are read as they were stored, and can be added to older runs."""

import math

from older import as_of_schema
from rounds import assert_same, begin, make_round

from explorer.records.trajectories import ThermodynamicEnsemble, Trajectory
from explorer.store.read import read_run
from explorer.store.store import Store

HELD = Trajectory(
    ensemble=ThermodynamicEnsemble.THERMOSTATTED,
    temperature=300.0,
    seed=0,
    minimum=1,
    picoseconds=20.0,
    failure="",
    reason="",
    mean_temperature=301.5,
)
FAILED = Trajectory(
    ensemble=ThermodynamicEnsemble.CONSTANT_ENERGY,
    temperature=500.0,
    seed=3,
    minimum=1,
    picoseconds=1.4,
    failure="bond-broken",
    reason="bond C1-C2 broken",
    mean_temperature=498.0,
    drift=0.02,
    fluctuation=0.06,
)


def test_trajectories_are_read_as_stored_and_later_ones_replace_earlier_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
        assert read_run(tmp_path).trajectories == ()
        store.save_trajectories([HELD, HELD, HELD])
        store.save_trajectories([FAILED, HELD])
        store.commit(make_round(1, 2))
    trajectories = read_run(tmp_path).trajectories
    assert_same(trajectories, (FAILED, HELD))
    assert trajectories[0].ensemble is ThermodynamicEnsemble.CONSTANT_ENERGY
    assert math.isnan(trajectories[1].drift)


def test_run_of_schema_8_has_no_trajectories_and_accepts_new_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0, 2))
    as_of_schema(8, tmp_path / "run.sqlite")
    assert read_run(tmp_path).trajectories == ()
    with Store.resume(tmp_path) as store:
        store.save_trajectories([HELD])
    assert_same(read_run(tmp_path).trajectories, (HELD,))
