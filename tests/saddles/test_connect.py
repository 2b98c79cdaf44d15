"""The network of a Lennard-Jones cluster is found from one minimum, and an interrupted search goes on unchanged."""

import numpy as np
import pytest
from cluster_run import cluster_record

from explorer.config import Settings
from explorer.potential.lennard_jones import lennard_jones
from explorer.saddles.connect import Connector, ConnectTask

pytestmark = pytest.mark.slow

# Energies of the minima and index-1 saddles of six atoms (Doye, Miller & Wales, J. Chem. Phys. 111, 8417 (1999), have
# two minima and three saddles), and the minima on both sides
MINIMA = [-12.712062, -12.302928]
SADDLES = [-12.079031, -11.630307, -11.334033]
ENDS = [(0, 1), (1, 1), (1, 1)]


@pytest.fixture(scope="module")
def start():
    return cluster_record(6)


def after(record, n_rounds):
    connector = Connector(record, lennard_jones(), Settings(), ConnectTask())
    for _, _ in zip(range(n_rounds), connector.rounds(), strict=False):
        pass
    return connector.record


def test_network_of_six_atoms_is_complete(start):
    record = after(start, 4)
    energies = [m.energy for m in record.minima]
    order = np.argsort(energies)
    np.testing.assert_allclose(np.array(energies)[order], MINIMA, atol=1e-5)
    rank = {int(minimum): k for k, minimum in enumerate(order)}
    states = sorted(record.transition_states, key=lambda state: state.energy)
    np.testing.assert_allclose([s.energy for s in states], SADDLES, atol=1e-4)
    assert [tuple(sorted(rank[m] for m in s.minima)) for s in states] == ENDS
    assert all((s.wavenumbers < -10).sum() == 1 for s in states)


def test_search_that_was_interrupted_is_the_same(start):
    whole, parts = after(start, 3), after(after(start, 1), 2)
    assert [a.outcome for a in parts.saddle_attempts] == [a.outcome for a in whole.saddle_attempts]
    assert [s.minima for s in parts.transition_states] == [s.minima for s in whole.transition_states]
    assert [s.energy for s in parts.transition_states] == [s.energy for s in whole.transition_states]
