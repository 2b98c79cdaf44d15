"""Starts of attempts for pairs of minima."""

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.transition_states import AttemptKind, PairReason
from explorer.saddles.climb import Climber
from explorer.saddles.pairs import Plan
from explorer.saddles.starting_structures import StartMaker
from explorer.similarity.symmetry import symmetry_of


@pytest.mark.parametrize("sequence", ["A", "G"])
def test_each_attempt_for_a_pair_begins_at_another_structure(sequence):
    molecule = from_sequence(sequence)
    minima = [SimpleNamespace(positions=x, energy=0.0) for x in embed(to_rdkit(molecule), 2, seed=3)]
    maker = StartMaker(molecule, symmetry_of(molecule), Climber(molecule, 0), lambda m: None)
    plans = [Plan(AttemptKind.PAIR, PairReason.MISSING, 0, 1, number) for number in range(6)]
    asked = []

    def evaluate(structures):
        asked.append(structures)
        heights = np.tile([0.1, 0.3, 0.5, 0.6, 0.4, 0.2, 0.0], len(plans))
        return heights, np.zeros_like(structures)

    made = maker.starts(plans, minima, evaluate)
    starts, images = np.asarray(made.starts.positions), asked[0].reshape(len(plans), 7, -1)
    apart = [np.abs(starts[i] - starts[j]).max() for i in range(6) for j in range(i)]
    assert min(apart) > 1e-3
    assert np.array_equal(starts[0].ravel(), images[0, 3]), "the highest image of the best path is the first start"
