"""History against planted minima and against deduplication."""

import time

import numpy as np
import pytest
from rdkit.Chem import AllChem
from scipy.spatial.transform import Rotation

from explorer.config import IdentitySettings
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History

INTACT, CIS = StructureClass.INTACT, StructureClass.CIS_AMIDE
MOLECULE = from_sequence("A")
SYMMETRY = symmetry_of(MOLECULE)
SETTINGS = IdentitySettings()


def minimum(id, energy, positions, structure_class=INTACT) -> Minimum:
    return Minimum(
        id=id,
        energy=float(energy),
        positions=np.asarray(positions),
        structure_class=structure_class,
        fmax=0.001,
        n_evaluations=10 * id,
        round=0,
    )


def displaced(positions, rng, noise=0.01):
    return Rotation.random(rng=rng).apply(positions) + noise * rng.normal(size=positions.shape)


@pytest.fixture(scope="module")
def relaxed():
    """Force-field minima: energies in eV above the lowest, positions, several copies of each among them."""
    mol = to_rdkit(MOLECULE)
    ends = []
    for positions in embed(mol, 40, seed=7):
        one = to_rdkit(MOLECULE, positions)
        field = AllChem.MMFFGetMoleculeForceField(one, AllChem.MMFFGetMoleculeProperties(one))
        field.Minimize(maxIts=5000, forceTol=1e-6, energyTol=1e-10)
        ends.append((field.CalcEnergy() * 0.0433641, one.GetConformer().GetPositions()))
    return np.array([e for e, _ in ends]), np.array([x for _, x in ends])


def test_history_counts_the_same_minima_as_deduplication(relaxed):
    energies, positions = relaxed
    history = History(SYMMETRY, SETTINGS)
    for energy, one in zip(energies, positions, strict=True):
        known = history.identify(energy, one, INTACT)
        if known is None:
            history.add(minimum(len(history), energy, one))
        else:
            history.record_visit(known)
    labels = deduplicate(SYMMETRY, energies, positions, [INTACT] * len(energies), SETTINGS)
    representatives, counts = np.unique(labels, return_counts=True)
    assert 3 < len(representatives) < 30
    assert len(history) == len(representatives)
    assert sorted(history.visits.values()) == sorted(counts.tolist())


def test_rotated_and_displaced_copies_are_identified_one_by_one_and_as_a_batch(relaxed):
    energies, positions = relaxed
    rng = np.random.default_rng(0)
    labels = deduplicate(SYMMETRY, energies, positions, [INTACT] * len(energies), SETTINGS)
    distinct = sorted(set(labels.tolist()))
    history = History(SYMMETRY, SETTINGS, [minimum(k, energies[i], positions[i]) for k, i in enumerate(distinct)])
    copies = np.array([displaced(positions[i], rng) for i in distinct])
    expected = list(range(len(distinct)))
    assert history.identify_batch(energies[distinct], copies, [INTACT] * len(copies)) == expected
    assert [history.identify(energies[i], copies[k], INTACT) for k, i in enumerate(distinct)] == expected


def test_class_energy_and_mirror_image_make_another_minimum():
    history = History(SYMMETRY, SETTINGS, [minimum(0, -1.0, MOLECULE.positions)])
    assert history.identify(-1.0, MOLECULE.positions, INTACT) == 0
    assert history.identify(-1.0, MOLECULE.positions, CIS) is None
    assert history.identify(-1.0 + 1.1 * SETTINGS.energy_window, MOLECULE.positions, INTACT) is None
    assert history.identify(-1.0, -MOLECULE.positions, INTACT) is None
    merging = IdentitySettings(mirror="merge")
    assert History(SYMMETRY, merging, history.minima).identify(-1.0, -MOLECULE.positions, INTACT) == 0


def test_nearest_of_two_matching_minima_is_taken_in_either_order():
    rng = np.random.default_rng(1)
    near, far = MOLECULE.positions, MOLECULE.positions + 0.05 * rng.normal(size=MOLECULE.positions.shape)
    assert History(SYMMETRY, SETTINGS, [minimum(0, 0, near), minimum(1, 0, far)]).identify(0, near, INTACT) == 0
    assert History(SYMMETRY, SETTINGS, [minimum(0, 0, far), minimum(1, 0, near)]).identify(0, near, INTACT) == 1


def test_visits_are_counted_and_survive_a_resume():
    history = History(SYMMETRY, SETTINGS)
    assert history.identify(0.0, MOLECULE.positions, INTACT) is None
    assert history.identify_batch(np.empty(0), np.empty((0, 22, 3)), []) == []
    history.add(minimum(0, 0.0, MOLECULE.positions))
    assert history.visits == {0: 1}
    assert history.record_visit(0) == 2
    resumed = History(SYMMETRY, SETTINGS, history.minima, history.visits)
    assert resumed.visits == {0: 2}
    assert resumed[0] is history[0]


def test_ids_must_follow_the_order_of_discovery():
    history = History(SYMMETRY, SETTINGS)
    with pytest.raises(ValueError, match="id 0, received 3"):
        history.add(minimum(3, 0.0, MOLECULE.positions))


def test_a_query_among_two_thousand_minima_takes_milliseconds():
    rng = np.random.default_rng(2)
    shapes = embed(to_rdkit(MOLECULE), 20, seed=3)
    energies = rng.uniform(0, 1, size=2000)
    noisy = shapes[rng.integers(20, size=2000)] + 0.2 * rng.normal(size=(2000, 22, 3))
    history = History(SYMMETRY, SETTINGS, [minimum(k, energies[k], noisy[k]) for k in range(2000)])
    queries = rng.permutation(2000)[:100]
    begin = time.process_time()
    answers = [history.identify(energies[k], noisy[k], INTACT) for k in queries]
    assert (time.process_time() - begin) / len(queries) < 5e-3  # five times the target, for busy machines
    assert answers == queries.tolist()
