"""Training on several devices gives the results of one device."""

import subprocess
import sys

PROGRAM = """
from explorer.devices import configure_jax
configure_jax(2)
import jax, jax.numpy as jnp, numpy as np
jax.config.update("jax_disable_most_optimizations", True)
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize
from explorer.dataset.dataset import MoleculeData
from explorer.train.settings import FitSettings
from explorer.train.trainer import Trainer
from explorer.train.loss import LossSettings, batch_gradient
from explorer.train.predict import predict
from explorer.train.step import as_one_array

rng = np.random.default_rng(0)
frames = rng.normal(size=(12, 5, 3)) + 1.5 * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
data = MoleculeData(
    atomic_numbers=np.array([6, 1, 1, 1, 1]),
    bonds=np.array([[0, 1], [1, 2], [2, 3], [2, 4]]),  # not those of methane, so that there are rotatable bonds
    total_charge=0,
    positions=frames,
    energy=rng.normal(size=12),
    forces=rng.normal(size=(12, 5, 3)),
    conformer=np.array([f"a:{k}" for k in range(12)]),
    stage=np.array(["path"] * 12),
    split=np.repeat(["train", "validation"], [8, 4]),
)
hp = Hyperparameters(
    n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=4, radial_filter="linear",
    zbl=False, charge_spin_embedding=False, trained_elements=(1, 6),
)
settings = FitSettings(batch_size=8, torque_weight=1.0)
trainer = Trainer({"methane": data}, hp, settings, 1)
state = trainer.start(initialize(hp, 0))
(bucket,) = trainer.train
alike = jax.device_put((as_one_array(state.params), state.step), trainer.everywhere)
parts = trainer.gradients(*alike, bucket.frames)
print([leaf.sharding.num_devices for leaf in jax.tree.leaves(parts)][0], "devices")
gradient, errors = jax.tree.map(lambda leaf: np.asarray(leaf).mean(axis=0), parts)
epoch = trainer.epoch(state)  # its validation too
moved = epoch.params
weights = np.ones((8, 1), np.float32)
weight = LossSettings(settings.energy_weight, settings.torque_weight, settings.force_delta, settings.force_limit)
alone = jax.jit(lambda params: batch_gradient(params, hp, bucket.frames, weights, weight))(state.params)
alone = as_one_array(alone[0]), alone[1]
for here, there in zip(jax.tree.leaves((gradient, errors)), jax.tree.leaves(alone), strict=True):
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
off = [np.abs(a - b).max() for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(state.params), strict=True)]
assert 0 < max(off) < 0.1
predicted, labels = predict(trainer.train, hp, state.params)
off = np.abs(predicted.forces - labels.forces)[:, :5].mean()
assert abs(off - float(errors.forces)) < 1e-5 * off
"""


def test_a_batch_on_two_devices_has_the_gradient_of_one():
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=240, check=False)
    assert (finished.returncode, finished.stdout.strip()) == (0, "2 devices"), finished.stderr
