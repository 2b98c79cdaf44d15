"""Selection and recognition of training frames in data with known answers."""

from collections import Counter

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from explorer.comparison.training import (
    RelaxedFrames,
    TrainingFrames,
    compare_with_training,
    load_training_frames,
    select_frames,
)
from explorer.config import IdentitySettings
from explorer.dataset.dataset import MoleculeData, save_dataset
from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass

MOLECULE = from_sequence("AA")
STRUCTURES = embed(to_rdkit(MOLECULE), 6, seed=4)  # all RMSDs above 0.3 Å: each is a minimum of its own
SETTINGS = IdentitySettings()


def moved(structure: int, seed: int) -> np.ndarray:
    """A shifted and rotated copy with less noise than the identity threshold."""
    generator = np.random.default_rng(seed)
    rotation = Rotation.random(random_state=seed).as_matrix()
    noise = generator.normal(scale=0.01, size=STRUCTURES[structure].shape)
    return (STRUCTURES[structure] + noise) @ rotation.T + generator.normal(size=3)


def write_dataset(path, order: np.ndarray, frames: np.ndarray) -> None:
    """Store frames of the molecule in another atom order, after those of another molecule."""
    other = from_smiles("CCO")
    molecules = {}
    for name, numbers, bonds, positions in (
        ("ethanol", other.atomic_numbers, other.bonds, other.positions[None]),
        ("peptide", MOLECULE.atomic_numbers[order], np.argsort(order)[MOLECULE.bonds], frames[:, order]),
    ):
        n = len(positions)
        molecules[name] = MoleculeData(
            atomic_numbers=numbers.astype(np.int16),
            bonds=bonds.astype(np.int16),
            total_charge=0,
            positions=positions.astype(np.float32),
            energy=np.zeros(n),
            forces=np.zeros(positions.shape, np.float32),
            conformer=np.array([f"c{i % 3}" for i in range(n)]),
            stage=np.array(["dynamics-300"] * n),
            split=np.array(["train"] * n),
        )
    save_dataset(path, molecules, {})


def test_frames_of_the_molecule_are_found_in_another_atom_order(tmp_path):
    order = np.random.default_rng(1).permutation(MOLECULE.n_atoms)
    write_dataset(tmp_path / "data.npz", order, STRUCTURES)
    frames = load_training_frames(tmp_path / "data.npz", MOLECULE)
    heavy = MOLECULE.atomic_numbers > 1
    np.testing.assert_allclose(frames.positions[:, heavy], STRUCTURES[:, heavy], atol=1e-5)
    assert frames.conformers.tolist() == ["c0", "c1", "c2", "c0", "c1", "c2"]
    assert frames.source.startswith("data.npz sha256 ")
    assert load_training_frames(tmp_path / "data.npz", from_sequence("V")) is None


def make_frames(groups: list[tuple[str, str, int]]) -> TrainingFrames:
    conformers = np.array([conformer for conformer, _, n in groups for _ in range(n)])
    stages = np.array([stage for _, stage, n in groups for _ in range(n)])
    return TrainingFrames(np.zeros((len(stages), 3, 3)), conformers, stages, "test")


def test_selection_is_even_over_conformers_and_stages_and_the_same_each_time():
    frames = make_frames([("c0", "md", 100), ("c0", "relax", 3), ("c1", "md", 50), ("c1", "relax", 1)])
    chosen = select_frames(frames, 24, seed=5)
    counts = Counter(zip(frames.conformers[chosen].tolist(), frames.stages[chosen].tolist(), strict=True))
    assert counts == {("c0", "md"): 10, ("c0", "relax"): 3, ("c1", "md"): 10, ("c1", "relax"): 1}
    np.testing.assert_array_equal(chosen, select_frames(frames, 24, seed=5))
    assert set(chosen) != set(select_frames(frames, 24, seed=6))
    assert len(np.unique(chosen)) == 24


def test_selection_of_more_than_there_are_is_all_of_them():
    frames = make_frames([("c0", "md", 4)])
    assert select_frames(frames, 10, seed=0).tolist() == [0, 1, 2, 3]
    assert len(select_frames(frames, 0, seed=0)) == 0


@pytest.fixture(scope="module")
def comparison():
    """The run found structures 0, 1, 2; the data contain 1 (three times), 3 (twice), and two failures."""
    minima = [
        Minimum(
            id=i,
            energy=-10.0 - i,
            positions=STRUCTURES[i],
            structure_class=StructureClass.INTACT,
            fmax=0.001,
            n_evaluations=10,
            round=0,
        )
        for i in range(3)
    ]
    intact, cis, broken = StructureClass.INTACT, StructureClass.CIS_AMIDE, StructureClass.BOND_BROKEN
    rows = [
        (1, -11.0, intact, True),
        (3, -12.5, cis, True),
        (1, -11.0005, intact, True),
        (4, -9.0, intact, False),
        (2, -12.0, broken, True),
        (3, -12.5004, cis, True),
        (1, -10.9995, intact, True),
    ]
    relaxed = RelaxedFrames(
        positions=np.array([moved(row[0], seed) for seed, row in enumerate(rows)]),
        energies=np.array([row[1] for row in rows]),
        classes=[row[2] for row in rows],
        converged=np.array([row[3] for row in rows]),
        are_results=np.array([row[2] != broken for row in rows]),
    )
    frames = TrainingFrames(STRUCTURES[[1, 3, 4, 5]], np.array(["c"] * 4), np.array(["md"] * 4), "data.npz 0123")
    return compare_with_training(MOLECULE, minima, frames, relaxed, SETTINGS)


def test_training_minima_are_known_or_missed_as_built(comparison):
    missed, known = comparison.training_minima  # ascending energy
    assert (missed.id, missed.energy, missed.n_frames, missed.found) == (0, -12.5004, 2, None)
    assert (known.id, known.energy, known.n_frames, known.found) == (1, -11.0005, 3, 1)


def test_frames_that_relax_into_a_hole_are_no_training_minima():
    frames = TrainingFrames(STRUCTURES[:2], np.array(["c"] * 2), np.array(["md"] * 2), "")
    classes, converged = [StructureClass.INTACT] * 2, np.ones(2, bool)
    relaxed = RelaxedFrames(STRUCTURES[:2], np.array([-9.0, -1.0]), classes, converged, np.array([False, True]))
    comparison = compare_with_training(MOLECULE, [], frames, relaxed, SETTINGS)
    assert [one.energy for one in comparison.training_minima] == [-1.0]
    assert comparison.n_failed == 1


def test_failed_relaxations_are_counted_and_left_out(comparison):
    assert (comparison.n_frames, comparison.n_relaxed, comparison.n_failed) == (4, 7, 2)


def test_minima_have_the_distance_to_their_nearest_frame(comparison):
    assert comparison.nearest_frame_distance.shape == (3,)
    assert comparison.nearest_frame_distance[1] < 1e-6
    assert comparison.nearest_frame_distance[[0, 2]].min() > 1
    assert comparison.frames_torsions.shape == (4, 2, 2)
    assert comparison.source == "data.npz 0123"


def test_no_usable_relaxation_gives_no_training_minima():
    frames = TrainingFrames(STRUCTURES[:1], np.array(["c"]), np.array(["md"]), "")
    relaxed = RelaxedFrames(
        STRUCTURES[:1], np.array([-1.0]), [StructureClass.INTACT], np.array([False]), np.array([True])
    )
    comparison = compare_with_training(MOLECULE, [], frames, relaxed, SETTINGS)
    assert comparison.training_minima == ()
    assert comparison.nearest_frame_distance.shape == (0,)
