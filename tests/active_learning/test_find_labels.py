"""Labels around a find, on a model with a well that the reference does not have."""

import numpy as np
import pytest

from explorer.active_learning.find_labels import FOUND_STAGE, WAY_IN_STAGE, WAY_OUT_STAGE, label_finds, picked
from explorer.dataset.network_reference import SingleStructure
from explorer.dataset.second_opinion import NoSecondOpinion
from explorer.io.build import from_smiles

WATER = from_smiles("O")
STIFFNESS = 30.0  # eV/Å²


def springs(length: float):
    """Return a surface of three springs between all atoms of water; those to hydrogen have a length in Å."""

    def evaluate(structures: list[SingleStructure]) -> list[tuple[float, np.ndarray]]:
        labels = []
        for structure in structures:
            energy, forces = 0.0, np.zeros((3, 3))
            for i, j, rest in ((0, 1, length), (0, 2, length), (1, 2, 1.5)):
                vector = structure.positions[j] - structure.positions[i]
                distance = np.linalg.norm(vector)
                energy += 0.5 * STIFFNESS * (distance - rest) ** 2
                pull = STIFFNESS * (distance - rest) * vector / distance
                forces[i] += pull
                forces[j] -= pull
            labels.append((energy, forces))
        return labels

    return evaluate


def bond(frame: np.ndarray) -> float:
    return float(np.linalg.norm(frame[1] - frame[0]))


def find_with(length: float) -> np.ndarray:
    angle = np.arcsin(0.75 / length)
    return np.array([[0, 0, 0], *([s * length * np.sin(angle), 0, length * np.cos(angle)] for s in (1, -1))])


def test_ways_lead_into_the_find_on_the_model_and_out_of_it_on_the_reference():
    find, model, reference = find_with(1.3), springs(1.3), springs(0.96)
    rng = np.random.default_rng(0)
    frames, header = label_finds(WATER, find[None], model, reference, NoSecondOpinion(), rng)
    stages = np.array([frame.stage for frame in frames])
    assert set(stages) == {FOUND_STAGE, WAY_IN_STAGE, WAY_OUT_STAGE}
    assert header == {"n_failed": 0}
    (found,) = [frame for frame in frames if frame.stage == FOUND_STAGE]
    assert bond(found.positions) == pytest.approx(1.3, abs=1e-3)
    assert found.energy == pytest.approx(STIFFNESS * 0.34**2, rel=1e-2)  # of the reference: both springs
    out = [frame for frame in frames if frame.stage == WAY_OUT_STAGE]
    assert bond(out[-1].positions) == pytest.approx(0.96, abs=2e-3)
    assert np.all(np.diff([frame.energy for frame in out]) <= 1e-9)
    into = [bond(frame.positions) for frame in frames if frame.stage == WAY_IN_STAGE]
    assert any(abs(length - 1.3) > 0.02 for length in into)
    assert min(abs(length - 1.3) for length in into) < 2e-3
    for frame in frames:
        single = SingleStructure(WATER.atomic_numbers, 0, 0, frame.positions)
        ((energy, forces),) = reference([single])
        assert frame.energy == pytest.approx(energy)
        assert frame.forces == pytest.approx(forces, abs=1e-3)


def test_frames_where_the_reference_fails_are_counted_and_left_out():
    def fails_when_long(structures):
        labels = springs(0.96)(structures)
        return [
            (np.nan if bond(one.positions) > 1.29 else energy, forces)
            for one, (energy, forces) in zip(structures, labels, strict=True)
        ]

    finds = np.array([find_with(1.0), find_with(1.3)])
    frames, header = label_finds(
        WATER, finds, springs(1.0), fails_when_long, NoSecondOpinion(), np.random.default_rng(0)
    )
    assert header["n_failed"] > 0
    assert all(bond(frame.positions) <= 1.29 for frame in frames)
    assert [frame.conformer for frame in frames if frame.stage == FOUND_STAGE] == ["0"]


def test_picked_steps_include_the_last_one_once():
    way = [np.full((1, 3), float(k)) for k in range(8)]
    assert [x[0, 0] for x in picked(way, (0, 2, 5, 9))] == [0, 2, 5, 7]
    assert [x[0, 0] for x in picked(way, (7,))] == [7]
    assert picked([], (0, 1)) == []
