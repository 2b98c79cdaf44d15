"""The number of walkers follows from the memory, and a number that is given stays."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from explorer.bench.peptides import peptide
from explorer.config import Settings
from explorer.hopping.engine import make_engine
from explorer.hopping.memory import MOST_ON_CPU, device_memory, row_bytes, walkers_that_fit, with_walkers
from explorer.hopping.row import WALKERS_PER_ROW, empty_row
from explorer.potential.load import load_potential
from explorer.system import from_molecule

SMALL = peptide(22)
SETTINGS = Settings()


def test_bytes_are_those_of_a_row():
    system, engine = from_molecule(SMALL), make_engine(SMALL, SETTINGS)
    row = jax.jit(lambda: empty_row(engine, system.positions))()
    assert row_bytes(engine, system) == sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(row))


@pytest.mark.slow
def test_fewer_walkers_of_a_protein_fit_than_of_a_peptide():
    fitting = {}
    for n_atoms in (22, 571):
        molecule = peptide(n_atoms)
        potential, _ = load_potential("default", molecule)
        engine = make_engine(molecule, SETTINGS)
        fitting[n_atoms] = walkers_that_fit(engine, potential, from_molecule(molecule), memory=2 * 2**30)
    assert fitting[22] == MOST_ON_CPU
    assert 1 <= fitting[571] < MOST_ON_CPU


def test_at_least_one_row_starts():
    potential, _ = load_potential("default", SMALL)
    assert walkers_that_fit(make_engine(SMALL, SETTINGS), potential, from_molecule(SMALL), memory=1) == WALKERS_PER_ROW


def test_a_given_number_stays_and_an_open_one_is_settled():
    potential, _ = load_potential("default", SMALL)
    given = replace(SETTINGS, hopping=replace(SETTINGS.hopping, n_walkers=5))
    assert with_walkers(potential, SMALL, given) == given
    assert with_walkers(potential, SMALL, SETTINGS).hopping.n_walkers == MOST_ON_CPU
    assert device_memory() > 2**30
