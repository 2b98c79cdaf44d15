"""The clock of a search stands still while JAX compiles."""

import time

import jax
import jax.numpy as jnp
import pytest

from explorer.hopping.clock import SearchClock


def test_time_passes_from_the_beginning_of_the_block_and_is_added_to_what_was_before():
    clock = SearchClock(before=100.0)
    time.sleep(0.2)
    with clock:
        assert clock.seconds() == pytest.approx(100.0, abs=0.05)
        time.sleep(0.2)
        assert 100.2 <= clock.seconds() < 100.35


def test_compilation_does_not_count():
    @jax.jit
    def slow_to_compile(x):
        for k in range(300):
            x = jnp.sin(x) * k + jnp.sort(x)
        return x

    with SearchClock() as clock:
        started = time.perf_counter()
        jax.block_until_ready(slow_to_compile(jnp.arange(7.0)))
        elapsed = time.perf_counter() - started
        counted = clock.seconds()
    assert elapsed > 0.3
    assert counted < 0.3 * elapsed
