"""Starts with more pairs than fit into a compiled program: they are expanded a little, or not at all."""

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.potential.capacity import expanded_to_fit
from explorer.potential.load import load_potential
from explorer.potential.pairs import count_pairs


@pytest.fixture(scope="module")
def starts_and_potential():
    molecule = from_sequence("AA")
    potential, _ = load_potential(FIXED_NETWORK, molecule, "float64")
    starts = embed(to_rdkit(molecule), 2, seed=0)
    starts -= starts.mean(axis=1, keepdims=True)
    starts[0] *= 1.2  # has fewer pairs than the other
    return starts, potential


def test_only_a_crowded_start_is_expanded_as_little_as_needed(starts_and_potential):
    starts, potential = starts_and_potential
    crowded = potential.replace(capacity=count_pairs(starts[1], potential.cutoff) - 2)
    fitting = expanded_to_fit(starts, crowded)
    assert np.array_equal(fitting[0], starts[0])
    factor = fitting[1] / starts[1]
    assert np.ptp(factor) < 1e-9
    assert 1 < factor.mean() <= 1.03
    assert count_pairs(fitting[1], potential.cutoff) <= crowded.capacity
    smaller = starts[1] * (factor.mean() - 0.0025)
    assert count_pairs(smaller, potential.cutoff) > crowded.capacity


def test_a_start_that_is_far_too_crowded_stays_as_it_is(starts_and_potential):
    starts, potential = starts_and_potential
    assert np.array_equal(expanded_to_fit(starts, potential.replace(capacity=10)), starts)


def test_a_program_for_all_pairs_has_room_for_every_start(starts_and_potential):
    starts, potential = starts_and_potential
    assert np.array_equal(expanded_to_fit(starts, potential.replace(capacity=0)), starts)
