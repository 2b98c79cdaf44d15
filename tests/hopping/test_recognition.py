"""Minima that are recognised during a relaxation are those where it would have ended."""

from collections import Counter
from dataclasses import replace
from itertools import takewhile
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fixed_network import FIXED_NETWORK
from scipy.spatial.transform import Rotation

from explorer.config import IdentitySettings
from explorer.config_file import load_settings
from explorer.hopping.engine import make_engine
from explorer.hopping.explore import Checkpoint, explore
from explorer.hopping.recognition import (
    MATCH_SHARE,
    MAX_FORCE_TO_RECOGNISE,
    NOT_RECOGNISED,
    KnownMinima,
    make_projection,
    recognised_minimum,
)
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import from_sequence, from_smiles
from explorer.potential.load import load_potential
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.similarity.fingerprint import fingerprint_batch
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.strategy.outcomes import RECOGNISED
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.topology.rotors import find_rotors
from explorer.topology.torsion_rotation import TorsionRotation

MOLECULE = from_sequence("AF")


def turned(molecule: Molecule, n: int, seed: int) -> np.ndarray:
    """Structures of a molecule with random torsions, Å."""
    rotors, _ = find_rotors(topology_of(molecule))
    angles = np.random.default_rng(seed).uniform(0, 360, (n, len(rotors)))
    return np.array(list(TorsionRotation(rotors, molecule.n_atoms).rotate(molecule.positions, angles)))


SHAPES = turned(MOLECULE, 300, seed=0)  # more than one block of known minima
ENERGIES = np.linspace(-1, 1, len(SHAPES))
PROJECTION = make_projection(MOLECULE, IdentitySettings())


def minima(positions, energies, structure_classes=None):
    structure_classes = structure_classes or [StructureClass.INTACT] * len(energies)
    parts = zip(energies, positions, structure_classes, strict=True)
    return [
        Minimum(
            id=k, energy=float(e), positions=x, structure_class=structure_class, fmax=1e-3, n_evaluations=0, round=0
        )
        for k, (e, x, structure_class) in enumerate(parts)
    ]


def projected_minima(projection=PROJECTION, positions=SHAPES, energies=ENERGIES):
    known_minima = KnownMinima(projection, "float64")
    known_minima.add(minima(positions, energies))
    return known_minima.projected


def recognise(positions, foreseen, *, energy=None, fmax=0.01, n_known=len(SHAPES), projection=PROJECTION, known=None):
    n = len(positions)
    foreseen, fmax = jnp.broadcast_to(jnp.asarray(foreseen), n), jnp.broadcast_to(jnp.asarray(fmax), n)
    energy = foreseen + 1e-3 if energy is None else jnp.broadcast_to(jnp.asarray(energy), n)
    known = known or projected_minima()

    def of_one(positions, energy, foreseen, fmax):
        state = SimpleNamespace(positions=positions, energy=energy, predicted_energy=foreseen, fmax=fmax)
        return recognised_minimum(projection, known, state, jnp.asarray(n_known))

    return np.asarray(jax.jit(jax.vmap(of_one))(jnp.asarray(positions), energy, foreseen, fmax)).tolist()


def test_displaced_and_rotated_minima_are_recognised_and_other_structures_are_not():
    rng = np.random.default_rng(1)
    displaced = SHAPES + rng.normal(0, 0.01, SHAPES.shape)
    rotated = np.einsum("nij,npj->npi", Rotation.random(len(SHAPES), rng=rng).as_matrix(), displaced) + 2.0
    assert recognise(rotated, ENERGIES) == list(range(len(SHAPES)))
    others = turned(MOLECULE, 300, seed=1)
    assert set(recognise(others, ENERGIES)) == {NOT_RECOGNISED}


def test_only_minima_known_when_the_hop_began_are_recognised():
    assert recognise(SHAPES[250:280], ENERGIES[250:280], n_known=265) == [*range(250, 265), *[NOT_RECOGNISED] * 15]


@pytest.mark.parametrize(
    "otherwise",
    [
        {"foreseen": ENERGIES[:5] + 0.003},
        {"foreseen": ENERGIES[:5] - 0.003},
        {"energy": ENERGIES[:5] - 1e-3},
        {"fmax": 1.1 * MAX_FORCE_TO_RECOGNISE},
        {"n_known": 0},
    ],
    ids=["above", "below", "lower already", "steep", "nothing known"],
)
def test_structures_that_miss_a_condition_are_not_recognised(otherwise):
    assert recognise(SHAPES[:5], **({"foreseen": ENERGIES[:5]} | otherwise)) == [NOT_RECOGNISED] * 5


def test_the_nearest_of_two_minima_is_recognised():
    rng = np.random.default_rng(2)
    twin = SHAPES[7] + rng.normal(0, 0.02, SHAPES[7].shape)
    both = projected_minima(positions=np.stack([SHAPES[7], twin]), energies=np.zeros(2))
    at = np.stack([SHAPES[7] + 0.2 * (twin - SHAPES[7]), SHAPES[7] + 0.8 * (twin - SHAPES[7])])
    assert recognise(at, 0.0, n_known=2, known=both) == [0, 1]


def test_projections_preserve_the_distance_of_fingerprints():
    fingerprints = fingerprint_batch(symmetry_of(MOLECULE), SHAPES, signed=True)
    wanted = np.linalg.norm(fingerprints[1:] - fingerprints[:-1], axis=1) / np.sqrt(fingerprints.shape[1])
    projections = np.asarray(PROJECTION.project(jnp.asarray(SHAPES)))
    ratio = np.linalg.norm(projections[1:] - projections[:-1], axis=1) / wanted
    assert ratio.mean() == pytest.approx(1, abs=0.05)
    assert ratio.std() < 0.15
    assert np.linalg.norm(projections[1:] - projections[:-1], axis=1).min() > MATCH_SHARE * PROJECTION.rmsd


def test_mirror_images_are_distinguished_or_nothing_is_recognised():
    assert recognise(-SHAPES, ENERGIES) == [NOT_RECOGNISED] * len(SHAPES)
    butane = from_smiles("CCCC")  # every atom has an equivalent one
    assert make_projection(butane, IdentitySettings()) is not None  # both count as one
    assert make_projection(butane, IdentitySettings(mirror="distinct")) is None


def test_clusters_and_searches_without_recognition_have_no_projection():
    settings = load_settings()
    without = replace(settings, hopping=replace(settings.hopping, recognise=False))
    projection = make_engine(MOLECULE, settings).projection
    assert projection is not None
    assert projection is make_projection(MOLECULE, settings.identity)  # the same object for all searches
    assert make_engine(MOLECULE, without).projection is None
    cluster = replace(MOLECULE, bonds=np.empty((0, 2), int), bond_orders=np.empty(0))
    assert make_engine(cluster, settings).projection is None


@pytest.mark.slow
def test_relaxations_that_are_stopped_would_have_ended_at_the_recognised_minimum():
    """The same jumps are relaxed twice, the second time with half of their ends known."""
    molecule = from_sequence("AA")
    settings = load_settings(overrides={"hopping.n_walkers": 16})
    potential, _ = load_potential(FIXED_NETWORK, molecule, "float64")
    rng, (rotors, _) = np.random.default_rng(0), find_rotors(topology_of(molecule))
    changes = np.zeros((16, len(rotors)))
    changes[np.arange(16), np.arange(16) % len(rotors)] = rng.uniform(60, 300, 16)
    starts = np.array(list(TorsionRotation(rotors, molecule.n_atoms).rotate(molecule.positions, changes)))
    history = History(symmetry_of(molecule), settings.identity)

    def relaxed(n_known):
        with WalkerPool(potential, molecule, settings) as pool:
            pool.add_known_minima(history.minima)
            pool.assign(
                [
                    HopRequest(
                        walker=k, origin=start, mode=EscapeMode.JUMP, target=start, temperature=300.0, n_known=n_known
                    )
                    for k, start in enumerate(starts)
                ]
            )
            ended = {}
            while len(ended) < len(starts):
                pool.start_round(100)
                batch = pool.finish_round()[0]
                ended |= {
                    int(walker): jax.tree.map(lambda leaf, k=k: leaf[k], batch) for k, walker in enumerate(batch.walker)
                }
        return [ended[k] for k in range(len(starts))]

    whole = relaxed(0)
    positions = np.array([one.positions - one.positions.mean(axis=0) for one in whole], float)
    structure_classes = [found.structure_class for found in classify_batch(topology_of(molecule), positions)]
    reached = []
    for one, x, structure_class in zip(whole, positions, structure_classes, strict=True):
        known = history.identify(float(one.energy), x, structure_class)
        minimum = Minimum(
            id=len(history),
            energy=float(one.energy),
            positions=x,
            structure_class=structure_class,
            fmax=float(one.fmax),
            n_evaluations=0,
            round=0,
        )
        reached.append(history.add(minimum) if known is None else known)
    n_known = (len(history) + 1) // 2
    cut = relaxed(n_known)
    assert [one.recognised for one in whole] == [NOT_RECOGNISED] * len(starts)
    assert [int(one.recognised) for one in cut] == [k if k < n_known else NOT_RECOGNISED for k in reached]
    saved = [int(a.n_ticks - b.n_ticks) for a, b in zip(whole, cut, strict=True)]
    assert [n > 0 for n in saved] == [k < n_known for k in reached]
    assert sum(saved) > 0.2 * sum(int(one.n_ticks) for one, k in zip(whole, reached, strict=True) if k < n_known)


@pytest.mark.slow
def test_a_resumed_search_recognises_the_same_minima_as_an_uninterrupted_one():
    molecule, n_rounds, stop = from_sequence("A"), 24, 11
    settings = load_settings(overrides={"hopping.n_walkers": 8})
    potential, _ = load_potential(FIXED_NETWORK, molecule, "float64")

    def rounds_of(history, checkpoint=None):
        rounds = explore(potential, molecule, settings, history, checkpoint)
        return list(takewhile(lambda round: round.index <= n_rounds, rounds))

    history = History(symmetry_of(molecule), settings.identity)
    rounds = rounds_of(history)
    hops = [hop for round in rounds[: stop + 1] for hop in round.hops]
    later = [hop for round in rounds[stop + 1 :] for hop in round.hops]
    known = [minimum for round in rounds[: stop + 1] for minimum in round.minima]
    visits = Counter(hop.end for hop in hops)
    resumed = History(symmetry_of(molecule), settings.identity, known, visits, Counter(hop.start for hop in hops))
    last = rounds[stop]
    at = Checkpoint(
        index=stop,
        walkers=last.walkers,
        n_evaluations=last.n_evaluations,
        wall_seconds=0.0,
        potential_seconds=0.0,
        n_idle=last.n_idle,
        hops=hops,
    )
    again = [hop for round in rounds_of(resumed, at) for hop in round.hops]
    assert again == later
    assert sum(RECOGNISED in hop.reason for hop in later) >= 5
    assert all(hop.end is not None for hop in later if RECOGNISED in hop.reason)
