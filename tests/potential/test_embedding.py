"""Embedding of charge and spin against its equations in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer.potential.embedding import AtomEmbedding

NUMBERS = np.array([6, 1, 8, 0])
MASK = NUMBERS > 0
EMBEDDING = AtomEmbedding(8, ("charge", "spin"))


@pytest.fixture(scope="module")
def params():
    init = jax.jit(lambda: EMBEDDING.init(jax.random.key(0), NUMBERS, MASK, jnp.float64(0), jnp.float64(0)))
    return init()["params"]


def silu(x):
    return x / (1 + np.exp(-x))


def share(block, psi):
    row = 1 if psi < 0 else 0
    query, key, value = (np.asarray(block[name]["embedding"], float) for name in ("query", "key", "value"))
    weight = np.log1p(np.exp(query[NUMBERS[MASK]] @ key[row] / np.sqrt(8)))
    h = (psi * weight / weight.sum())[:, None] * value[row]
    w0, w1 = (np.asarray(block[f"dense_{k}"]["kernel"], float) for k in (1, 2))
    return h + silu(silu(h) @ w0) @ w1


@pytest.mark.parametrize(("charge", "unpaired"), [(0, 0), (1, 0), (-1, 0), (-2, 1), (0, 2)])
def test_charge_and_unpaired_electrons_are_shared_among_the_atoms(params, charge, unpaired):
    ours = EMBEDDING.apply({"params": params}, NUMBERS, MASK, jnp.float64(charge), jnp.float64(unpaired))
    element = np.asarray(params["element"]["embedding"], float)[NUMBERS[MASK]]
    wanted = (element + share(params["charge"], charge) + share(params["spin"], unpaired)) / np.sqrt(3)
    np.testing.assert_allclose(ours[MASK], wanted, atol=1e-7)
