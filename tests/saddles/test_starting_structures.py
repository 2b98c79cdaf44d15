"""Starts of attempts for pairs of minima."""

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import AttemptKind, PairReason, TransitionState, TransitionStateEnd
from explorer.saddles.climb import Climber
from explorer.saddles.pairs import Plan
from explorer.saddles.starting_structures import CLASH_ENERGY, StartMaker
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


def test_a_saddle_with_a_methyl_turned_keeps_its_imaginary_vibration_and_its_other_atoms():
    molecule = from_sequence("A")
    climber = Climber(molecule, 0)
    rng = np.random.default_rng(0)

    def saddle(number, minima):
        return TransitionState(
            id=number,
            energy=number / 10,
            positions=molecule.positions + 0.01 * rng.normal(size=molecule.positions.shape),
            fmax=0.0,
            direction=rng.normal(size=molecule.positions.shape),
            wavenumbers=np.array([-50.0, 20.0]),
            structure_class=StructureClass.INTACT,
            ends=tuple(TransitionStateEnd(minimum=m) for m in minima),
            n_evaluations=0,
            round=0,
        )

    saddles = [saddle(0, (1, 0)), saddle(1, (0, 0)), saddle(2, (0, 1))]
    minima = [SimpleNamespace(positions=molecule.positions, energy=0.0)] * 2
    maker = StartMaker(molecule, symmetry_of(molecule), climber, lambda m: None)
    numbers = range(2 * climber.n_methyls)  # of the first saddle of the pair, then of the second one
    plans = [Plan(AttemptKind.SADDLE_ROTOR, PairReason.ROTOR, 0, 1, number) for number in numbers]
    made = maker.starts(plans, minima, lambda x: (np.zeros(len(x)), np.zeros_like(x)), saddles)
    assert climber.n_methyls == 3
    for number in numbers:
        source = saddles[0] if number < 3 else saddles[2]
        moved = np.linalg.norm(made.starts.positions[number] - source.positions, axis=1)
        assert (moved > 0.1).sum() == 3  # three hydrogens
        assert np.array_equal(made.starts.direction[number], source.direction)
        assert made.starts.ceiling[number] == source.energy + CLASH_ENERGY
