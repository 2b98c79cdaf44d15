"""The log of compilations."""

import jax
import jax.numpy as jnp
import pytest

from explorer.compilation import CompilationLog, Stage


def test_every_program_is_listed_once_it_is_compiled():
    @jax.jit
    def doubled_sine(x):
        return 2 * jnp.sin(x)

    with CompilationLog() as log:
        doubled_sine(1.0)
        doubled_sine(2.0)
    row = log.by_program()["doubled_sine"]
    assert row["n_compiled"] == 1
    assert min(row["trace"], row["lower"], row["compile"]) > 0
    n_stages = len(log.stages)
    jax.jit(lambda x: x + 1)(1.0)  # after the block
    assert len(log.stages) == n_stages


def test_seconds_count_stages_at_the_same_time_once():
    log = CompilationLog()
    log.stages += [Stage("a", "compile", 0.0, 4.0), Stage("b", "trace", 1.0, 2.0), Stage("b", "compile", 3.0, 6.0)]
    log.stages.append(Stage("c", "compile", 10.0, 11.0))
    assert log.seconds() == pytest.approx(7.0)
