"""Selection and recognition of training frames in data with known answers."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from explorer.comparison.training import (
    TrainingFrames,
    compare_with_training,
    load_training_frames,
    select_frames,
)
from explorer.comparison.training_minima import RelaxedFrames, TrainingMinima
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
    assert frames.source.startswith("data.npz sha256 ")
    assert load_training_frames(tmp_path / "data.npz", from_sequence("V")) is None


def test_selection_covers_rare_conformers_and_is_nested():
    # one conformer in 60 of 63 frames: a random choice of three would rarely have the other three
    common = np.array([moved(0, seed) for seed in range(60)])
    frames = TrainingFrames(np.concatenate([common, STRUCTURES[[1, 2, 3]]]), "test")
    chosen = select_frames(MOLECULE, frames, 4, seed=5)
    assert {60, 61, 62} <= set(chosen.tolist())
    assert select_frames(MOLECULE, frames, 4, seed=5).tolist() == chosen.tolist()
    assert select_frames(MOLECULE, frames, 9, seed=5)[:4].tolist() == chosen.tolist()
    assert len(set(select_frames(MOLECULE, frames, 9, seed=5).tolist())) == 9


def test_selection_of_more_than_there_are_or_of_all_is_all_of_them():
    frames = TrainingFrames(STRUCTURES[:4], "test")
    assert select_frames(MOLECULE, frames, 10, seed=0).tolist() == [0, 1, 2, 3]
    assert select_frames(MOLECULE, frames, None, seed=0).tolist() == [0, 1, 2, 3]
    assert len(select_frames(MOLECULE, frames, 0, seed=0)) == 0


def test_frames_without_torsions_are_selected_by_their_distances():
    water = from_smiles("O")
    stretched = water.positions.copy()
    stretched[1] *= 1.3
    frames = TrainingFrames(np.stack([water.positions] * 5 + [stretched]), "test")
    assert 5 in select_frames(water, frames, 2, seed=0)


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
        failures=["" if row[3] else "step limit" for row in rows],
        exclusions=["" for _ in rows],
    )
    collected = TrainingMinima(MOLECULE, minima, SETTINGS)
    collected.add(batch(relaxed, slice(0, 3)))  # a training minimum that batches share is one
    collected.add(batch(relaxed, slice(3, 7)))
    frames = TrainingFrames(STRUCTURES[[1, 3, 4, 5]], "data.npz 0123")
    return compare_with_training(MOLECULE, minima, frames, collected)


def batch(relaxed: RelaxedFrames, rows: slice) -> RelaxedFrames:
    return RelaxedFrames(**{name: values[rows] for name, values in vars(relaxed).items()})


def test_training_minima_are_known_or_missed_as_built(comparison):
    missed, known = comparison.training_minima  # ascending energy
    assert (missed.id, missed.energy, missed.n_frames, missed.found) == (0, -12.5004, 2, None)
    assert (known.id, known.energy, known.n_frames, known.found) == (1, -11.0005, 3, 1)


def test_frames_that_relax_into_a_hole_are_no_training_minima():
    relaxed = RelaxedFrames(
        positions=STRUCTURES[:2],
        energies=np.array([-9.0, -1.0]),
        classes=[StructureClass.INTACT] * 2,
        failures=["", ""],
        exclusions=["bond of 3 Å", ""],
    )
    collected = TrainingMinima(MOLECULE, [], SETTINGS)
    collected.add(relaxed)
    assert [one.energy for one in collected.minima] == [-1.0]
    assert collected.not_counted == {"unknown to the model: bond of 3 Å": 1}


def test_failed_relaxations_are_counted_and_left_out(comparison):
    assert (comparison.n_frames, comparison.n_relaxed, comparison.n_failed) == (4, 7, 2)


def test_minima_have_the_distance_to_their_nearest_frame(comparison):
    assert comparison.nearest_frame_distance.shape == (3,)
    assert comparison.nearest_frame_distance[1] < 1e-6
    assert comparison.nearest_frame_distance[[0, 2]].min() > 1
    assert comparison.frames_torsions.shape == (4, 2, 2)
    assert comparison.source == "data.npz 0123"


def test_no_usable_relaxation_gives_no_training_minima():
    collected = TrainingMinima(MOLECULE, [], SETTINGS)
    collected.add(
        RelaxedFrames(
            positions=STRUCTURES[:1],
            energies=np.array([-1.0]),
            classes=[StructureClass.INTACT],
            failures=["step limit"],
            exclusions=[""],
        )
    )
    comparison = compare_with_training(MOLECULE, [], TrainingFrames(STRUCTURES[:1], ""), collected)
    assert comparison.training_minima == ()
    assert (comparison.n_relaxed, comparison.n_failed) == (1, 1)
    assert comparison.nearest_frame_distance.shape == (0,)
