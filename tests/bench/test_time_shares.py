"""Shares of the time of a search: complete, and nothing counted twice."""

import json

import jax
import jax.numpy as jnp
import pytest

from explorer.bench.systems import random_cluster
from explorer.bench.time_shares import measure, rows, write
from explorer.compilation import CompilationLog
from explorer.config import HoppingSettings, Settings
from explorer.errors import ConfigError


@pytest.mark.slow
def test_the_parts_add_up_to_the_whole():
    settings = Settings(potential="lennard-jones", hopping=HoppingSettings(n_walkers=4))
    measured = measure(random_cluster(7, 0), settings, 20)
    assert sum(measured["share"].values()) == pytest.approx(1, abs=0.05)
    assert measured["n_force_calls"] > 12 * 16  # of at least one slot in each counted round
    assert measured["share"]["committee"] < 0.01  # a pair potential has none
    assert measured["milliseconds_per_call"]["host"] > 0


def test_too_few_rounds_are_an_error():
    settings = Settings(potential="lennard-jones", hopping=HoppingSettings(n_walkers=4))
    with pytest.raises(ConfigError, match=r"None of 1 rounds counts.*Give more rounds"):
        measure(random_cluster(7, 0), settings, 1)


def test_a_row_for_each_part_and_a_file_for_each_number_of_walkers(tmp_path):
    result = {
        "n_walkers": 8,
        "milliseconds_per_call": {"potential": 0.5, "host": 0.125},
        "share": {"potential": 0.8, "host": 0.2},
    }
    assert rows(result) == [("potential", "0.500", "80.0%"), ("host", "0.125", "20.0%")]
    path = write(result, tmp_path / "new")
    assert path.name == "time-shares-8.json"
    assert json.loads(path.read_text()) == result


def test_a_compilation_is_counted_once():
    twice = jax.jit(lambda x: 2 * x)
    ready = jnp.arange(3.0)
    with CompilationLog() as log:
        twice(ready)
        n_first = len(log.compile_seconds())
        twice(ready)
        assert len(log.compile_seconds()) == n_first == 1
        assert log.compile_seconds()[0] > 0
    twice(jnp.ones((2, 2)))
    assert len(log.compile_seconds()) == 1
