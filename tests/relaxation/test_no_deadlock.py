"""Batched linear algebra on several devices does not deadlock."""

import os
import subprocess
import sys

PROGRAM = """
import jax, jax.numpy as jnp
from explorer.config import RelaxSettings
from explorer.io.build import from_sequence
from explorer.potential.potential import Evaluation
from explorer.relaxation.relaxer import make_relaxer

molecule = from_sequence("AAA")
relaxer = make_relaxer(molecule, RelaxSettings())
noise = jax.random.normal(jax.random.key(0), (8, molecule.n_atoms, 3), jnp.float32)
positions = jnp.asarray(molecule.positions, jnp.float32) + 0.05 * noise
state = jax.vmap(relaxer.init)(positions)
step = jax.jit(jax.vmap(relaxer.step))
for k in range(400):
    evaluation = Evaluation(jnp.full(8, -0.1 * k, jnp.float32), noise, jnp.zeros(8, bool))
    jax.block_until_ready(step(positions, evaluation, state))
print("done")
"""


def test_linear_algebra_of_the_relaxer_does_not_hang():
    """jaxlib 0.10 hung on two cores in batched Cholesky solves, five times of five within 300 runs."""
    environment = {key: value for key, value in os.environ.items() if key not in ("XLA_FLAGS", "NPROC")}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.stdout.strip() == "done", finished.stderr
