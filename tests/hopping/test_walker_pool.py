"""Walker pool: waiting for the device, pushes, and the memory of relaxations."""

import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.bench.systems import random_cluster
from explorer.config_file import load_settings
from explorer.hopping.escape import PUSH_LENGTH
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import from_sequence
from explorer.potential.load import load_potential
from explorer.potential.potential import Potential
from explorer.relaxation.relaxer import Status
from explorer.relaxation.tight import TightRelaxer
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.topology.bonds import topology_of
from explorer.topology.rotors import find_rotors
from explorer.topology.torsion_rotation import TorsionRotation


def test_leaving_the_pool_waits_for_the_device():
    """An external calculator that is called while Python shuts down would abort the process."""
    settings = load_settings(overrides={"potential": "lennard-jones", "hopping.n_walkers": 2})
    cluster = random_cluster(13, 0)
    with WalkerPool(load_potential("lennard-jones", cluster, "float64")[0], cluster, settings) as pool:
        noise = np.random.default_rng(0).normal(size=cluster.positions.shape)
        pool.assign(
            [HopRequest(walker=0, origin=cluster.positions, mode=EscapeMode.SOFTENED, target=noise, temperature=300.0)]
        )
        before = pool.slots
        pool.start_round(200_000)
        jax.block_until_ready(before)
        assert not pool.slots.n_calls.is_ready()
    assert pool.slots.n_calls.is_ready()


def test_a_push_follows_the_soft_direction_and_then_relaxes():
    """On a quadratic surface that is soft along z of the first atom only."""
    stiffness = jnp.array([[9.0, 9.0, 9.0], [9.0, 9.0, 9.0], [9.0, 9.0, 1.0]])
    pair = replace(random_cluster(3, 0), positions=np.array([[-2.0, 0, 0], [2.0, 0, 0], [0, 3.0, 0]]))
    origin = pair.positions - pair.positions.mean(axis=0)
    potential = Potential(jnp.asarray(origin), lambda x0, s, _: jnp.sum(stiffness * (s.positions - x0) ** 2) / 2)
    steps = {"hopping.n_softening": 300, "hopping.softening_step": 0.05}
    settings = load_settings(overrides={"potential": "lennard-jones", "hopping.n_walkers": 2, **steps})
    with WalkerPool(potential, pair, settings) as pool:
        noise = np.random.default_rng(0).normal(size=(3, 3))
        pool.assign([HopRequest(walker=0, origin=origin, mode=EscapeMode.PUSH, target=noise, temperature=300.0)])
        pool.start_round(2000)
        ended, _, n_calls = pool.finish_round()
    moved = ended.escaped[0] - origin
    assert abs(moved[2, 2]) == pytest.approx(PUSH_LENGTH, rel=1e-3)
    assert np.abs(moved).sum() == pytest.approx(PUSH_LENGTH, rel=0.02)
    assert np.isinf(ended.highest_energy[0])
    assert ended.energy[0] == pytest.approx(0, abs=1e-6)
    assert 300 < ended.n_ticks[0] == n_calls


@pytest.mark.slow
def test_learned_curvature_saves_force_calls_of_the_tight_relaxation():
    molecule = from_sequence("AAA")
    settings = load_settings(overrides={"hopping.n_walkers": 8})
    potential, _ = load_potential(FIXED_NETWORK, molecule, "float64")
    rotors, _ = find_rotors(topology_of(molecule))
    with WalkerPool(potential, molecule, settings) as pool:
        rotation = TorsionRotation(rotors, molecule.n_atoms)
        starts = list(rotation.rotate(molecule.positions, 120.0 * np.eye(len(rotors))[:4]))
        pool.assign(
            [
                HopRequest(walker=k, origin=molecule.positions, mode=EscapeMode.JUMP, target=start, temperature=300.0)
                for k, start in enumerate(starts)
            ]
        )
        pool.start_round(150)
        ended, memory, _ = pool.finish_round()
    relax_tightly, ends = TightRelaxer(molecule, potential, settings), ended.positions.astype(float)
    anew, helped = relax_tightly(ends), relax_tightly(ends, memory)
    assert set(anew.status) == set(helped.status) == {Status.CONVERGED}
    assert helped.energy == pytest.approx(anew.energy, abs=1e-6)
    assert helped.n_steps.mean() <= anew.n_steps.mean() - 2


ONE_SLOT = """
from explorer.devices import configure_jax
configure_jax(2)
import jax
from explorer.config_file import load_settings
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import from_sequence
from explorer.potential.lennard_jones import lennard_jones

settings = load_settings(overrides={"hopping.n_walkers": 2})
pool = WalkerPool(lennard_jones(), from_sequence("G"), settings)
jax.block_until_ready(pool.trial_round([], 0))
print(len(jax.devices()), "devices,", pool.n_slots, "slot")
"""


def test_one_slot_runs_where_there_are_more_devices():
    finished = subprocess.run(
        [sys.executable, "-c", ONE_SLOT], capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.stdout.strip() == "2 devices, 1 slot", finished.stderr
