"""Frames with large forces keep a bounded weight in the loss."""

import jax
import numpy as np
import pytest
from random_network import random_parameters

from explorer.errors import ConfigError
from explorer.train.frames import fill_buckets
from explorer.train.loss import LossSettings, frame_loss, frame_weight
from explorer.train.settings import FitSettings


@pytest.mark.parametrize(("largest", "weight"), [(0.0, 1.0), (9.9, 1.0), (20.0, 0.5), (1000.0, 0.01)])
def test_weight_falls_with_the_largest_force(largest, weight):
    forces = np.zeros((4, 3))
    forces[2] = largest * np.array([0.6, 0.0, 0.8])
    assert float(frame_weight(forces, 10.0)) == pytest.approx(weight)


def test_weight_multiplies_the_whole_loss(ethanol_data, hp):
    (bucket,) = fill_buckets(ethanol_data, hp, 1)
    frame = jax.tree.map(lambda leaf: leaf[0], bucket.frames)
    largest = float(np.linalg.norm(frame.labels.forces, axis=-1).max())
    params = random_parameters(hp, 0)
    loss = jax.jit(lambda limit: frame_loss(params, hp, frame, np.ones(1), LossSettings(1.0, 1.0, 0.1, limit))[0])
    losses = [float(loss(limit)) for limit in (np.inf, largest / 4)]
    assert losses[1] == pytest.approx(losses[0] / 4, rel=1e-5)


def test_limit_is_a_positive_force():
    with pytest.raises(ConfigError, match="force_limit"):
        FitSettings(force_limit=0.0)
