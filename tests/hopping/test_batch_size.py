"""Number of walkers from the memory; a number in the settings is kept."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from explorer.bench.systems import peptide
from explorer.config import Settings
from explorer.hopping.batch_size import MAX_WALKERS_CPU, device_memory, slot_bytes, walkers_that_fit, with_walkers
from explorer.hopping.engine import make_engine
from explorer.hopping.slot import WALKERS_PER_SLOT, empty_slot
from explorer.potential.load import load_potential
from explorer.system import system_of

SMALL = peptide(22)
SETTINGS = Settings()


def test_bytes_are_those_of_a_slot():
    system, engine = system_of(SMALL), make_engine(SMALL, SETTINGS)
    slot = jax.jit(lambda: empty_slot(engine, system.positions))()
    assert slot_bytes(engine, system) == sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(slot))


@pytest.mark.slow
def test_fewer_walkers_of_a_protein_fit_than_of_a_peptide():
    fitting = {}
    for n_atoms in (22, 162):
        molecule = peptide(n_atoms)
        potential, _ = load_potential("default", molecule)
        engine = make_engine(molecule, SETTINGS)
        fitting[n_atoms] = walkers_that_fit(engine, potential, system_of(molecule), memory=2**26)
    assert fitting[22] == MAX_WALKERS_CPU
    assert 1 <= fitting[162] < MAX_WALKERS_CPU


def test_there_is_at_least_one_slot():
    potential, _ = load_potential("default", SMALL)
    assert walkers_that_fit(make_engine(SMALL, SETTINGS), potential, system_of(SMALL), memory=1) == WALKERS_PER_SLOT


def test_a_given_number_is_kept_and_zero_is_replaced():
    potential, _ = load_potential("default", SMALL)
    given = replace(SETTINGS, hopping=replace(SETTINGS.hopping, n_walkers=5))
    assert with_walkers(potential, SMALL, given) == given
    assert with_walkers(potential, SMALL, SETTINGS).hopping.n_walkers == MAX_WALKERS_CPU
    assert device_memory() > 2**30
