"""Timing of force calls: test peptides, the reference evaluation, and the files."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from random_network import random_parameters

from explorer.bench.potential import Timing, median_milliseconds, operations, write
from explorer.bench.reference_network import straightforward
from explorer.bench.systems import HELIX_PHI, HELIX_PSI, peptide
from explorer.errors import ConfigError
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.low_rank import low_rank
from explorer.potential.pairs import n_all_pairs
from explorer.potential.potential import evaluate
from explorer.potential.so3krates import so3krates
from explorer.system import system_of
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.torsions import backbone_torsions

HP = Hyperparameters(
    n_features=16, n_heads=2, degrees=(1, 2), n_layers=2, n_radial=8, electrostatics=True, dispersion=True
)


@pytest.mark.parametrize("n_atoms", [22, 42, 162])
def test_peptide_has_the_atoms_asked_for_and_is_a_helix(n_atoms):
    molecule = peptide(n_atoms)
    topology = topology_of(molecule)
    torsions = backbone_torsions(molecule.positions, topology.backbone)
    assert molecule.n_atoms == n_atoms
    np.testing.assert_allclose(torsions, np.broadcast_to([HELIX_PHI, HELIX_PSI], torsions.shape), atol=1e-6)
    assert classify_batch(topology, molecule.positions[None])[0][0] == "intact"


def test_peptide_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="21 atoms"):
        peptide(21)


@pytest.mark.slow
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(("n_channels", "filter_channels", "value_filter"), [(1, 0, False), (2, 0, True), (4, 2, True)])
def test_straightforward_evaluation_gives_the_same_energy_and_forces(fast, n_channels, filter_channels, value_filter):
    hp = replace(HP, n_channels=n_channels, filter_channels=filter_channels, value_filter=value_filter)
    params = random_parameters(hp, 5)
    molecule = peptide(22)
    system = system_of(molecule, jnp.float64).replace(total_charge=jnp.asarray(1.0))
    ours = so3krates(*(low_rank(hp, params) if fast else (hp, params)))
    theirs = straightforward(hp, params, n_all_pairs(22))
    a, b = (jax.jit(evaluate)(potential, system) for potential in (ours, theirs))
    assert a.energy == pytest.approx(float(b.energy), abs=1e-7)
    np.testing.assert_allclose(a.forces, b.forces, atol=1e-7)


@pytest.mark.slow
def test_more_layers_are_more_operations():
    molecule = peptide(22)
    deeper = replace(HP, n_layers=3)
    counts = [operations(so3krates(hp, random_parameters(hp, 0)), molecule) for hp in (HP, deeper)]
    assert 1.2 * counts[0] < counts[1] < 2 * counts[0]


def test_median_is_of_the_repeats():
    calls = []
    assert median_milliseconds(lambda: calls.append(1) or jnp.zeros(1), repeats=4) > 0
    assert len(calls) == 5


def test_result_is_written_with_a_picture(tmp_path):
    rows = [Timing(n, 100, b, e, 1.0 * n, 0.1)._asdict() for n in (22, 42) for b in (1, 8) for e in (True, False)]
    picture = write({"model": "m", "rows": rows}, tmp_path / "bench")
    assert picture.read_text().lstrip().startswith("<?xml")
    assert json.loads((tmp_path / "bench" / "potential.json").read_text())["rows"] == rows
