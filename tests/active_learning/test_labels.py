"""Labels around a structure with MMFF94s as the reference method, and the mixture of new and old frames."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from explorer.active_learning.labels import SelectedStructures, collect_labels, structure_file
from explorer.active_learning.neighbourhood import (
    N_DISPLACED,
    RELAX_FMAX,
    SELECTED_STAGE,
    harmonic_hessian,
    label_neighbourhood,
    thermal_displacement,
)
from explorer.active_learning.replay import REPLAY_RATIO, with_replay, write_training_data
from explorer.dataset.dataset import MoleculeData, load_dataset, save_dataset
from explorer.dataset.label import reference_calculator
from explorer.dataset.parts import read_part
from explorer.errors import InputError
from explorer.io.build import from_smiles
from explorer.similarity.symmetry import symmetry_of
from explorer.similarity.within_rmsd import within_rmsd
from explorer.units import BOLTZMANN

EMT_REFERENCE = "ase:ase.calculators.emt:EMT"
MMFF = "ase:explorer.bench.mmff:MMFF"
MOLECULE = from_smiles("CCO")
DISPLACED = MOLECULE.positions + 0.1 * np.random.default_rng(0).normal(size=MOLECULE.positions.shape)


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "00000.npz"
    label_neighbourhood(path, MOLECULE, MMFF, DISPLACED, (1, 2, 3))
    return path


def test_frames_are_the_structure_its_relaxation_and_displacements_of_the_minimum(part):
    header, frames = read_part(part)
    stages = frames["stage"].tolist()
    assert header == {"failures": []}
    assert stages[0] == SELECTED_STAGE
    assert stages[-N_DISPLACED:] == ["displaced-300"] * N_DISPLACED
    assert set(stages[1:-N_DISPLACED]) == {"relaxation"}
    largest = np.linalg.norm(frames["forces"], axis=-1).max(axis=-1)
    assert largest[0] > 1
    assert largest[-N_DISPLACED - 1] < RELAX_FMAX
    assert frames["energy"].argmin() == len(stages) - N_DISPLACED - 1


def test_labels_are_those_of_the_reference(part):
    _, frames = read_part(part)
    atoms = Atoms(MOLECULE.atomic_numbers, positions=frames["positions"][-1], calculator=reference_calculator(MMFF))
    assert frames["energy"][-1] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(frames["forces"][-1], atoms.get_forces(), atol=1e-3)


def test_failure_is_stored_with_its_reason(tmp_path):
    label_neighbourhood(tmp_path / "a.npz", from_smiles("[SiH4]"), "ase:ase.calculators.emt:EMT", np.eye(5, 3), (0,))
    header, frames = read_part(tmp_path / "a.npz")
    assert header["failures"][0].startswith("NotImplementedError")
    assert frames["positions"].shape == (0, 5, 3)


def test_thermal_displacement_has_the_energy_of_its_temperature():
    hessian = harmonic_hessian(MOLECULE, MOLECULE.positions)
    rng = np.random.default_rng(1)
    moves = np.array([thermal_displacement(hessian, 300.0, rng).ravel() for _ in range(120)])
    energies = 0.5 * np.einsum("ki,ij,kj->k", moves, hessian, moves)
    assert energies.mean() == pytest.approx(0.5 * BOLTZMANN * 300 * hessian.shape[0], rel=0.05)


def test_held_out_conformers_are_not_among_the_labels(part):
    symmetry = symmetry_of(MOLECULE)
    selected = SelectedStructures(np.array([7]), DISPLACED[None], np.array([0.1]), np.array(["train"]))
    assert structure_file(part.parent, 0) == part
    none = np.zeros((0, MOLECULE.n_atoms, 3))
    data, failures = collect_labels(MOLECULE, selected, part.parent, 2, symmetry, none, True)
    assert (failures, set(data.conformer)) == ([], {f"{MOLECULE.name}:round-2-minimum-7"})
    other = 2 * data.positions[:1].astype(float)
    kept, _ = collect_labels(MOLECULE, selected, part.parent, 2, symmetry, other, True)
    assert len(kept.energy) == len(data.energy)
    with pytest.raises(InputError, match="None of the selected structures"):
        collect_labels(MOLECULE, selected, part.parent, 2, symmetry, data.positions[:1].astype(float), True)


def test_structures_are_within_the_rmsd_of_their_heavy_atoms():
    symmetry, heavy = symmetry_of(MOLECULE), MOLECULE.atomic_numbers > 1
    stretched = np.array([MOLECULE.positions * s for s in (1.0, 1.1, 1.3, 1.8)])
    centred = stretched[:, heavy] - stretched[:, heavy].mean(axis=1, keepdims=True)
    rmsd = np.sqrt(((centred - centred[0]) ** 2).sum(-1).mean(-1))
    assert within_rmsd(symmetry, stretched, stretched[:1]).tolist() == (rmsd < 0.25).tolist()
    assert 0 < (rmsd < 0.25).sum() < 4


def data_of(name: str, n: int, split: str = "train") -> dict[str, MoleculeData]:
    frames = np.zeros((n, 2, 3)) + np.arange(n)[:, None, None]
    names = np.full(n, name)
    return {
        name: MoleculeData(
            atomic_numbers=np.ones(2, int),
            bonds=np.zeros((0, 2), int),
            total_charge=0,
            positions=frames,
            energy=np.arange(n),
            forces=frames,
            conformer=names,
            stage=names,
            split=np.full(n, split),
        )
    }


def test_four_of_five_frames_are_new_and_old_ones_come_from_all_molecules_and_splits():
    old = data_of("a", 400) | data_of("b", 400) | data_of("c", 50, "test")
    mixed = with_replay(data_of("new", 100), old, np.random.default_rng(0))
    sizes = {name: len(data.energy) for name, data in mixed.items()}
    assert sizes["new"] == 100
    assert sizes["a"] + sizes["b"] == round(REPLAY_RATIO * 84)  # the share of training frames
    assert min(sizes["a"], sizes["b"]) > REPLAY_RATIO * 84 / 3
    assert sizes["c"] == round(REPLAY_RATIO * 8)  # that of test frames, though no new frame is one
    assert len(set(mixed["a"].energy.tolist())) == sizes["a"]


def test_all_old_frames_are_used_where_they_are_few():
    assert len(with_replay(data_of("new", 20), data_of("a", 3), np.random.default_rng(0))["a"].energy) == 3
    assert list(with_replay(data_of("new", 10), {}, np.random.default_rng(0))) == ["new"]


def test_old_frames_without_forces_are_labelled_again(tmp_path):
    old = data_of("old", 40)["old"]
    steps = np.arange(1.0, 41.0)[:, None, None] / 100
    old = replace(old, positions=steps * np.array([[0.0, 0, 0], [2.0, 0, 0]]) + np.array([[0.0, 0, 0], [0.6, 0, 0]]))
    save_dataset(tmp_path / "old.npz", {"old": old}, {"reference": EMT_REFERENCE}, with_forces=False)
    rounds, rng = [data_of("new", 30)["new"]], np.random.default_rng(0)
    counts = write_training_data(tmp_path / "d.npz", "h2", rounds, tmp_path / "old.npz", {}, rng, EMT_REFERENCE)
    written = load_dataset(tmp_path / "d.npz")
    assert counts == {"new": 30, "old": len(written["old"].energy)}
    assert counts["old"] > 0
    np.testing.assert_array_equal(written["h2-learned"].forces, rounds[0].forces)
    for k, positions in enumerate(written["old"].positions):
        atoms = Atoms("H2", positions=positions.astype(float), calculator=EMT())
        assert written["old"].energy[k] == pytest.approx(atoms.get_potential_energy())
        np.testing.assert_allclose(written["old"].forces[k], atoms.get_forces(), atol=1e-4)
