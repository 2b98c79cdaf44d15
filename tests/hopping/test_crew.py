"""What the device still does when a search ends."""

import jax
import numpy as np

from explorer.bench.first_encounter import random_cluster
from explorer.hopping.crew import Crew, Launch, Way
from explorer.potential.load import load_potential
from explorer.settings import load_settings


def test_a_search_ends_when_its_device_is_done():
    """A calculator of another program that is called while Python ends would abort the process."""
    settings = load_settings(overrides={"potential": "lennard-jones", "hopping.n_walkers": 2})
    cluster = random_cluster(13, 0)
    with Crew(load_potential("lennard-jones", cluster, "float64")[0], cluster, settings) as crew:
        noise = np.random.default_rng(0).normal(size=cluster.positions.shape)
        crew.give([Launch(0, cluster.positions, Way.NOISE, noise, 300.0)])
        crew.dispatch(200_000)
        jax.block_until_ready(crew._before)
        assert not crew.rows.n_calls.is_ready()
    assert crew.rows.n_calls.is_ready()
