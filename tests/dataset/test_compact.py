"""A dataset without forces has the frames of the whole one, is refused where forces are needed, is labelled again."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

import explorer
from explorer.comparison.training import load_training_frames
from explorer.dataset.compact import POSITION_STEP
from explorer.dataset.dataset import (
    MoleculeData,
    file_digest,
    is_own_dataset,
    load_dataset,
    load_meta,
    save_dataset,
    save_without_forces,
)
from explorer.dataset.relabel import relabel, with_forces
from explorer.dataset.training_data import structures_of
from explorer.errors import InputError
from explorer.train.import_data import as_own_dataset

REFERENCE = "ase:ase.calculators.emt:EMT"
METHANOL = np.array([[0, 0, 0], [1.42, 0, 0], [-0.4, 1, 0], [-0.4, -0.5, 0.9], [-0.4, -0.5, -0.9], [1.7, 0.9, 0]])
WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]])


def frames_of(numbers, bonds, positions, n: int, charge: int = 0) -> MoleculeData:
    generator = np.random.default_rng(len(numbers))
    moved = positions + 0.03 * generator.normal(size=(n, *positions.shape))
    return MoleculeData(
        atomic_numbers=np.array(numbers, np.int16),
        bonds=np.array(bonds, np.int16),
        total_charge=charge,
        positions=moved.astype(np.float32),
        energy=generator.normal(size=n),
        forces=generator.normal(size=moved.shape).astype(np.float32),
        conformer=np.array([f"m:{k // 3}" for k in range(n)]),
        stage=np.where(np.arange(n) % 3, "dynamics-300", "relaxation"),
        split=np.where(np.arange(n) // 3 == 1, "test", "train"),
    )


@pytest.fixture(scope="module")
def molecules() -> dict[str, MoleculeData]:
    return {
        "methanol": frames_of([6, 8, 1, 1, 1, 1], [[0, 1], [0, 2], [3, 0], [4, 0], [5, 1]], METHANOL, 7),
        "water": frames_of([8, 1, 1], [[0, 1], [0, 2]], WATER, 4, charge=1),
        "xenon": frames_of([54], np.zeros((0, 2)), np.zeros((1, 3)), 2),
    }


@pytest.fixture(scope="module")
def files(molecules, tmp_path_factory):
    """A dataset, and the same one without forces."""
    folder = tmp_path_factory.mktemp("files")
    save_dataset(folder / "whole.npz", molecules, {"reference": "so3lr", "failures": []})
    save_without_forces(folder / "whole.npz", folder / "compact.npz")
    return folder / "whole.npz", folder / "compact.npz"


def test_everything_but_forces_is_kept(molecules, files):
    found = load_dataset(files[1], with_forces=False)
    assert list(found) == list(molecules)
    for name, data in molecules.items():
        assert np.abs(found[name].positions - data.positions).max() <= POSITION_STEP / 2
        assert np.isnan(found[name].forces).all()
        assert found[name].forces.shape == data.forces.shape
        assert found[name].total_charge == data.total_charge
        for field in ("atomic_numbers", "bonds", "energy", "conformer", "stage", "split"):
            np.testing.assert_array_equal(getattr(found[name], field), getattr(data, field), err_msg=field)


def test_far_atoms_keep_their_places(molecules, tmp_path):
    far = molecules["water"].positions + np.array([[0, 0, 0], [0, 0, 0], [4e4, -50, 0]], np.float32)
    save_dataset(tmp_path / "far.npz", {"w": replace(molecules["water"], positions=far)}, {}, with_forces=False)
    found = load_dataset(tmp_path / "far.npz", with_forces=False)["w"].positions
    assert np.abs(found - far).max() <= POSITION_STEP  # float32 has steps of 0.004 Å there


def test_the_whole_file_is_remembered_and_the_bytes_are_the_same_again(files, tmp_path):
    whole, compact = files
    assert load_meta(compact) == {**load_meta(whole), "whole": f"whole.npz {file_digest(whole)}"}
    save_without_forces(whole, tmp_path / "again.npz")
    assert file_digest(tmp_path / "again.npz") == file_digest(compact)


def test_what_needs_no_forces_reads_both_files_alike(molecules, files):
    whole, compact = (explorer.read_training_data(path) for path in files)
    assert whole.layout == compact.layout
    assert compact.n_frames == whole.n_frames == 13
    assert len(structures_of(files[1])) == 13
    methanol, sources = molecules["methanol"].as_molecule("m"), []
    for path in files:
        frames = load_training_frames(path, methanol)
        assert frames is not None
        assert np.abs(frames.positions - molecules["methanol"].positions).max() <= POSITION_STEP / 2
        sources.append(frames.source)
    digest, of_compact = (file_digest(path)[:16] for path in files)
    assert sources == [
        f"whole.npz sha256 {digest}",
        f"compact.npz sha256 {of_compact}, made of whole.npz sha256 {digest}",
    ]


def test_what_needs_forces_tells_how_they_are_made(files, tmp_path):
    wanted = r"compact\.npz has no forces\. Make them with pes-explore label .*compact\.npz --reference so3lr --out"
    for use in (
        load_dataset,
        lambda path: as_own_dataset(path, tmp_path / "x.npz"),
        lambda path: save_without_forces(path, path),
    ):
        with pytest.raises(InputError, match=wanted):
            use(files[1])
    assert is_own_dataset(files[1])


def test_damaged_files_are_refused(files, tmp_path):
    with np.load(files[1]) as archive:
        arrays = dict(archive)
    path = tmp_path / "x.npz"
    for key in sorted(arrays.keys() - {"meta"}):
        for broken in (arrays[key].reshape(-1)[:0], np.full(arrays[key].shape, np.inf), np.array("x")):
            np.savez(path, **{**arrays, key: broken})
            with pytest.raises(InputError, match=r"x\.npz"):
                load_dataset(path, with_forces=False)
    content = files[1].read_bytes()
    for broken in (content[: len(content) // 2], content[:400] + b"\xff" * 40 + content[440:]):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"x\.npz"):
            load_dataset(path, with_forces=False)


@pytest.fixture
def without_xenon(molecules, tmp_path):
    known = {name: molecules[name] for name in ("methanol", "water")}
    path = tmp_path / "compact.npz"
    save_dataset(path, known, {"reference": "so3lr", "recipe": {"seed": 3}, "failures": ["x"]}, with_forces=False)
    return path


def assert_labels_of_emt(data: MoleculeData) -> None:
    for k, positions in enumerate(data.positions):
        atoms = Atoms(data.atomic_numbers, positions=positions.astype(float), calculator=EMT())
        assert data.energy[k] == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(data.forces[k], atoms.get_forces(), atol=1e-4)  # forces are multiples of 2^-13


def test_forces_are_made_again_at_the_stored_positions(without_xenon, molecules, tmp_path):
    calls = []
    meta = relabel(without_xenon, tmp_path / "full.npz", REFERENCE, 1, lambda *count: calls.append(count))
    assert (calls[0], calls[-1]) == ((0, 11), (11, 11))
    found, stored = load_dataset(tmp_path / "full.npz"), load_dataset(without_xenon, with_forces=False)
    assert json.loads(json.dumps(meta)) == load_meta(tmp_path / "full.npz")
    assert (meta["reference"], meta["recipe"], meta["failures"]) == (REFERENCE, {"seed": 3}, [])
    assert meta["labels_made_for"] == f"compact.npz {file_digest(without_xenon)}"
    for name, data in found.items():
        assert_labels_of_emt(data)
        np.testing.assert_array_equal(data.positions, stored[name].positions)
        for field in ("conformer", "stage", "split"):
            np.testing.assert_array_equal(getattr(data, field), getattr(molecules[name], field))


def test_an_interrupted_call_labels_only_what_is_missing(without_xenon, tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.dataset.relabel._BLOCK", 3)

    def stop(done: int, total: int) -> None:
        if done >= 5:
            raise KeyboardInterrupt

    out = tmp_path / "full.npz"
    with pytest.raises(KeyboardInterrupt):
        relabel(without_xenon, out, REFERENCE, 1, stop)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "full.parts").iterdir()}
    partial = relabel(without_xenon, out, REFERENCE, 0)
    assert 0 < sum(partial["frames"].values()) < 11
    assert partial["failures"] == ["methanol: 4 of 7 frames have no label"]
    whole = relabel(without_xenon, out, REFERENCE, 1)
    assert whole["frames"] == {"methanol": 7, "water": 4}
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert_labels_of_emt(load_dataset(out)["methanol"])


def test_parts_of_other_data_are_not_used(without_xenon, molecules, tmp_path):
    out = tmp_path / "full.npz"
    relabel(without_xenon, out, REFERENCE, 1)
    save_dataset(without_xenon, {"water": molecules["water"]}, {"reference": ""}, with_forces=False)
    assert relabel(without_xenon, out, REFERENCE, 1)["frames"] == {"water": 4}
    with pytest.raises(InputError, match=r"No frame of .* has a label by gfn2"):
        relabel(without_xenon, out, "gfn2", 0)


def test_frames_that_the_reference_cannot_compute_are_counted(files, tmp_path):
    meta = relabel(files[1], tmp_path / "full.npz", REFERENCE, 1)  # EMT has no xenon
    assert meta["failures"] == ["xenon: 2 of 2 frames have no label"]
    assert list(load_dataset(tmp_path / "full.npz")) == ["methanol", "water"]


def test_only_frames_without_forces_are_labelled(molecules, without_xenon):
    bare = load_dataset(without_xenon, with_forces=False)["methanol"]
    found = with_forces({"old": bare, "new": molecules["water"]}, REFERENCE)
    assert found["new"] is molecules["water"]
    assert_labels_of_emt(found["old"])


def test_a_charged_molecule_of_a_dataset_is_labelled_with_its_charge(molecules):
    tblite = pytest.importorskip("tblite.ase")
    cation = molecules["water"]
    cation = replace(cation, atomic_numbers=np.array([7, 1, 1]))  # NH2+, a closed shell
    found = with_forces({"n": replace(cation, forces=np.full_like(cation.forces, np.nan))}, "gfn2")["n"]
    atoms = Atoms(cation.atomic_numbers, positions=cation.positions[0].astype(float))
    atoms.calc = tblite.TBLite(method="GFN2-xTB", charge=1, verbosity=0)
    assert found.energy[0] == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
