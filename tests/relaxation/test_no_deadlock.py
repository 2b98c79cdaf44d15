"""Rounds of the walkers do not deadlock: a CPU factorises one matrix at a time, and a thousand rounds come to an end.

With jaxlib 0.10, a program on two CPU devices that factorises and solves with eight matrices at once on each stops
within a few hundred calls, with all threads asleep. It does so for 96 coordinates and more, not for 78.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import ClosedJaxpr, Jaxpr
from jax.scipy.linalg import cho_factor, cho_solve

from explorer.config_file import load_settings
from explorer.hopping.batch import advance
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import from_sequence
from explorer.potential.lennard_jones import lennard_jones

N_ROUNDS, FORCE_CALLS = 1000, 2  # force calls of each slot in a round
PROGRAM = f"""
from explorer.devices import configure_jax
configure_jax(2)
import jax, numpy as np
from explorer.config_file import load_settings
from explorer.hopping.batch import advance
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import from_sequence
from explorer.potential.lennard_jones import lennard_jones
from explorer.strategy.hop_request import EscapeMode, HopRequest

molecule, generator = from_sequence("AA"), np.random.default_rng(0)
start = molecule.positions

def jump(walker):
    target = start + 0.05 * generator.normal(size=start.shape)
    return HopRequest(walker=walker, origin=start, mode=EscapeMode.JUMP, target=target, temperature=300.0)

with WalkerPool(lennard_jones(), molecule, load_settings(overrides={{"hopping.n_walkers": 32}})) as pool:
    free, n_calls = range(32), 0
    for _ in range({N_ROUNDS}):
        pool.assign([jump(walker) for walker in free])
        pool.start_round({FORCE_CALLS})
        ended, _, n = pool.finish_round()
        free, n_calls = ended.walker.tolist(), n_calls + n
print(len(jax.devices()), "devices,", pool.n_slots, "slots,", n_calls, "force calls")
"""


def test_a_round_factorises_one_matrix_at_a_time():
    settings = load_settings(overrides={"hopping.n_walkers": 8})
    pool = WalkerPool(lennard_jones(), from_sequence("G"), settings)
    factorised = set(_factorised(jax.make_jaxpr(advance.__wrapped__)(*pool._trial_arguments([], 0))))
    assert pool.n_slots == 4
    assert {name for name, _ in factorised} == {"cholesky", "triangular_solve"}
    assert {n_axes for _, n_axes in factorised} == {2}


def test_matrices_that_are_factorised_at_once_are_noticed():
    solve = jax.vmap(lambda matrix, vector: cho_solve(cho_factor(matrix), vector))
    program = jax.make_jaxpr(jax.jit(solve))(jnp.ones((8, 3, 3)), jnp.ones((8, 3)))
    assert set(_factorised(program)) == {("cholesky", 3), ("triangular_solve", 3)}


def _factorised(program: ClosedJaxpr | Jaxpr) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of axes of each Cholesky factorisation and triangular solve of a program."""
    for step in program.jaxpr.eqns if isinstance(program, ClosedJaxpr) else program.eqns:
        if step.primitive.name in ("cholesky", "triangular_solve"):
            yield step.primitive.name, step.invars[0].aval.ndim
        leaves = jax.tree.leaves(list(step.params.values()), is_leaf=lambda v: isinstance(v, ClosedJaxpr | Jaxpr))
        for inner in leaves:
            if isinstance(inner, ClosedJaxpr | Jaxpr):
                yield from _factorised(inner)


@pytest.mark.slow
def test_a_thousand_rounds_on_two_devices_come_to_an_end():
    environment = {key: value for key, value in os.environ.items() if key not in ("XLA_FLAGS", "NPROC")}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    n_calls = N_ROUNDS * FORCE_CALLS * 16
    assert finished.stdout == f"2 devices, 16 slots, {n_calls} force calls\n", finished.stderr
