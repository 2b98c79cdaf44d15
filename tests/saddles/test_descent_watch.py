"""Descents note their paths, and end early at known minima, the same ones that they reach otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from cluster_run import cluster_record

from explorer.config import Settings
from explorer.potential.lennard_jones import lennard_jones
from explorer.records.run import RunRecord
from explorer.saddles.connect import Connector, ConnectTask
from explorer.saddles.ends import Descender
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of


@pytest.fixture(scope="module")
def record() -> RunRecord:
    connector = Connector(cluster_record(6), lennard_jones(), Settings(), ConnectTask())
    next(connector.rounds())
    return connector.record


def ends(record, recognise):
    settings = Settings()
    settings = replace(settings, hopping=replace(settings.hopping, recognise=recognise))
    molecule, symmetry = record.molecule, symmetry_of(record.molecule)
    descender = Descender(molecule, topology_of(molecule), lennard_jones(), settings)
    positions, directions = (
        np.array([getattr(s, n) for s in record.transition_states]) for n in ("positions", "direction")
    )
    pairs = descender.ends(positions, directions, History(symmetry, settings.identity, record.minima))
    return [end for pair in pairs for end in pair]


def test_recognised_ends_are_those_of_whole_descents_and_cost_less(record):
    early, whole = ends(record, True), ends(record, False)
    assert len(early) >= 2
    assert [end.known_id for end in early] == [end.known_id for end in whole]
    assert all(end.known_id is not None for end in early)
    assert sum(end.n_evaluations for end in early) < sum(end.n_evaluations for end in whole)


def test_paths_fall_all_the_way_and_their_length_is_stored(record):
    for end in ends(record, False):
        assert (np.diff(end.energies) < 1e-9).all()
        steps = np.sqrt((np.diff(np.array(end.images), axis=0) ** 2).sum(axis=(1, 2)))
        assert end.path_length == pytest.approx(steps.sum())
    stored = [end.path_length for state in record.transition_states for end in state.ends]
    assert all(length is not None and length > 0.1 for length in stored)
