"""Barriers of a cluster by a reference method, against published energies of its minima and its transition state."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.analysis.saddle_validation import saddle_validation_counts, saddle_validation_rows
from explorer.bench.systems import random_cluster
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.errors import InputError
from explorer.records.minimum import Minimum
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import ConnectRound, TransitionState, TransitionStateEnd
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.workflows.session import Session
from explorer.workflows.validate_saddles import limiting_states, validate_saddles

REFERENCE = "ase:ase.calculators.lj:LennardJones?rc=1e3&smooth=False"
# Energies of two minima of six atoms and of the transition state between them, and rough structures, Å.
# Doye, Miller & Wales, J. Chem. Phys. 111, 8417 (1999)
BIPYRAMID, OCTAHEDRON, SADDLE = -12.302928, -12.712062, -12.079031
STRUCTURES = np.array(
    [
        [[-0.3, -0.4, 0.7], [0.4, 0.4, 0.2], [-0.1, -0.4, -0.4], [-0.7, 0.4, 0.1], [0, 0.7, -0.8], [0.7, -0.7, 0.2]],
        [[-0.2, -0.4, 0.6], [0.4, 0.5, 0.5], [-0.4, -0.5, -0.5], [-0.7, 0.4, 0], [0.2, 0.4, -0.6], [0.7, -0.4, 0]],
    ]
)
NEAR_SADDLE = np.array(
    [
        [-0.3, -0.45, 0.6],
        [0.4, 0.4, 0.4],
        [-0.25, -0.4, -0.5],
        [-0.65, 0.45, 0.05],
        [0.15, 0.6, -0.65],
        [0.65, -0.65, 0.1],
    ]
)
ACROSS = np.array([[0.1, 0, -0.1], [0, 0.5, 0.9], [-0.9, -0.5, -0.2], [0.2, 0, -0.1], [0.7, -1, 0.4], [-0.1, 1, -0.8]])


def state(id: int, a: int, b: int, energy: float) -> TransitionState:
    return TransitionState(
        id=id,
        energy=energy,
        positions=NEAR_SADDLE,
        fmax=0.1,
        direction=ACROSS,
        wavenumbers=np.array([-30.0, 20.0]),
        structure_class=StructureClass.INTACT,
        ends=(TransitionStateEnd(minimum=a), TransitionStateEnd(minimum=b)),
        n_evaluations=100,
        round=0,
    )


@pytest.fixture
def run(tmp_path):
    """Minima 1 and 2 are the same structure; saddle 1 joins them, and saddle 2 is above saddle 0."""
    minima = [
        Minimum(
            id=k,
            energy=energy,
            positions=STRUCTURES[which],
            structure_class=StructureClass.INTACT,
            fmax=0.1,
            n_evaluations=1,
            round=0,
        )
        for k, (energy, which) in enumerate([(-12.3, 0), (-12.7, 1), (-12.6, 1)])
    ]
    round = Round(
        index=0,
        minima=tuple(minima),
        hops=(),
        walkers={},
        n_evaluations=30,
        wall_seconds=1.0,
        potential_seconds=1.0,
    )
    states = (state(0, 0, 1, -12.0), state(1, 1, 2, -11.9), state(2, 0, 1, -11.0))
    settings = to_dict(Settings(potential="lennard-jones"))
    with Store.begin(tmp_path / "run.sqlite", random_cluster(6, 0), settings, {"potential": "lennard-jones"}) as store:
        store.commit(round)
        store.commit_connections(ConnectRound(index=0, transition_states=states))
    return tmp_path


def test_barriers_are_those_of_the_reference(run):
    assert [s.id for s in limiting_states(read_run(run))] == [0, 1], (
        "a higher one between the same minima limits nothing"
    )
    with Session.open(run, writing=True) as session:
        good, same = validate_saddles(session, REFERENCE, 5)
    assert (good.reason, same.reason) == ("", "both minima relax to the same one")
    assert good.energy == pytest.approx(SADDLE, abs=1e-5)
    assert good.end_energies == pytest.approx((BIPYRAMID, OCTAHEDRON), abs=1e-5)
    assert 0 < good.rmsd < 0.15

    record = read_run(run)
    assert record.saddle_validations == (good, same)
    counts = saddle_validation_counts(record)
    assert counts is not None
    assert (counts["n_refined"], counts["n_same_minima"]) == (2, 1)
    errors = np.array([0.3, 0.7]) - (SADDLE - np.array([BIPYRAMID, OCTAHEDRON]))  # by the energies of the made-up model
    assert counts["mean_barrier_error"] == pytest.approx(errors.mean(), abs=1e-5)
    assert counts["largest_barrier_error"] == pytest.approx(np.abs(errors).max(), abs=1e-5)
    rows = saddle_validation_rows(record)
    assert rows[0][1] == "0 - 1"
    assert rows[1][3:5] == ("–", "–")
    assert rows[1][-1] == same.reason


def test_a_run_without_transition_states_is_refused(tmp_path, run):
    record = replace(read_run(run), transition_states=())
    with pytest.raises(InputError, match="pes-explore connect"):
        validate_saddles(Session(run, record), REFERENCE, 5)
