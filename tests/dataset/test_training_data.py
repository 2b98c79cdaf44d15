"""Training data in the formats of the field are read to the right values; wrong units and damage are noticed."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols
from ase.db import connect

import explorer
from explorer.dataset.dataset import MoleculeData, save_dataset
from explorer.dataset.label_units import LabelUnits
from explorer.dataset.training_data import structures_of
from explorer.errors import InputError
from explorer.potential.unpickle import read_object_array

KCAL, HARTREE, BOHR = 0.04336410390059322, 27.211386024367243, 0.5291772105638411
NUMBERS = np.array([8, 1, 1])
WATER = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.48], [0.0, -0.76, -0.48]])
N = 14
_generator = np.random.default_rng(1)
POSITIONS = WATER + 0.02 * _generator.normal(size=(N, 3, 3))
ENERGY = -138.0 + 0.1 * _generator.normal(size=N)
FORCES = _generator.normal(size=(N, 3, 3))


def frames(key: str | None = None) -> list[Atoms]:
    made = []
    for positions, energy, forces in zip(POSITIONS, ENERGY, FORCES, strict=True):
        atoms = Atoms(NUMBERS, positions)
        if key is None:
            atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        else:
            atoms.info[f"{key}energy"] = energy
            atoms.arrays[f"{key}forces"] = forces.copy()
        made.append(atoms)
    return made


def assert_right(data, atol: float = 1e-7) -> None:
    (water,) = data.values()
    np.testing.assert_allclose(water.positions, POSITIONS, atol=atol)
    np.testing.assert_allclose(water.energy, ENERGY, atol=atol)
    np.testing.assert_allclose(water.forces, FORCES, atol=atol)
    assert water.frame.tolist() == list(range(N))
    assert water.bonds.tolist() == [[0, 1], [0, 2]]


def md17(unit: float = 1 / KCAL) -> dict:
    return {"R": POSITIONS, "z": NUMBERS.astype(np.uint8), "E": ENERGY[:, None] * unit, "F": FORCES * unit}


def padded(**more) -> dict:
    positions, forces = (np.pad(a, ((0, 0), (0, 2), (0, 0))) for a in (POSITIONS, FORCES))
    numbers = np.tile(np.pad(NUMBERS, (0, 2)), (N, 1))
    return {"R": positions, "E": ENERGY, "F": forces, **more}, numbers


@pytest.mark.parametrize(
    ("name", "arrays", "units"),
    [
        ("MD17", md17(), "kcal/mol"),
        ("sGDML", md17() | {"e_unit": "kcal/mol", "r_unit": "Ang"}, None),
        ("eV", md17(1.0), "eV"),
        ("revised", {"coords": POSITIONS, "nuclear_charges": NUMBERS, "energies": ENERGY / KCAL,
                     "forces": FORCES / KCAL,
                     "old_energies": 0 * ENERGY}, "kcal/mol"),
        ("mlff 0", padded(node_mask=np.ones((N, 5)))[0] | {"z": padded()[1]}, None),
        ("mlff 1", {"positions": POSITIONS, "atomic_numbers": np.tile(NUMBERS, (N, 1)), "energy": ENERGY,
                    "forces": FORCES, "total_charge": np.zeros(N)}, None),
        ("PhysNet", padded(N=np.full(N, 3), Q=np.zeros(N))[0] | {"Z": padded()[1]}, None),
        ("hartree and Bohr", {"R": POSITIONS / BOHR, "z": NUMBERS, "E": ENERGY / HARTREE,
                              "F": FORCES / HARTREE * BOHR}, "hartree,bohr"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_layouts_of_npz_are_read_in_ev_and_angstrom(tmp_path, name, arrays, units):
    np.savez(tmp_path / "data.npz", **arrays)
    assert_right(explorer.read_training_data(tmp_path / "data.npz", units=units))


def test_arrays_of_arrays_are_read_without_running_code(tmp_path):
    ragged = {}
    for key, values in (("R", POSITIONS), ("F", FORCES), ("Z", np.tile(NUMBERS, (N, 1)))):
        ragged[key] = np.empty(N, object)
        ragged[key][:] = list(values)
    np.savez(tmp_path / "data.npz", E=ENERGY, **ragged)
    assert_right(explorer.read_training_data(tmp_path / "data.npz"))
    ragged["Z"][0] = Path("/etc")
    np.savez(tmp_path / "data.npz", E=ENERGY, **ragged)
    with pytest.raises(InputError, match="No code of it was run"):
        explorer.read_training_data(tmp_path / "data.npz")


def test_object_array_with_texts_is_refused(tmp_path):
    texts = np.empty(1, object)
    texts[0] = "text"
    np.save(tmp_path / "a.npy", texts)
    with pytest.raises(explorer.ExplorerError, match="not a numeric array"):
        read_object_array((tmp_path / "a.npy").read_bytes(), "a")


@pytest.mark.parametrize("key", [None, "REF_", "dft_"])
def test_labels_of_extended_xyz_are_found_by_their_keys(tmp_path, key):
    ase.io.write(tmp_path / "data.extxyz", frames(key))
    data = explorer.read_training_data(tmp_path / "data.extxyz")
    assert_right(data)
    assert data.notes[0] == f"Labels are {key or ''}energy and {key or ''}forces."


def test_of_two_labels_that_for_training_is_taken_and_others_are_asked_for(tmp_path):
    both = frames("REF_")
    for atoms in both:
        atoms.info["dft_energy"] = 0.0
    ase.io.write(tmp_path / "data.extxyz", both)
    data = explorer.read_training_data(tmp_path / "data.extxyz")
    assert_right(data)
    assert "dft_energy are left out" in data.notes[0]
    ambiguous = frames("dft_")
    for atoms in ambiguous:
        atoms.info["xtb_energy"] = 0.0
    ase.io.write(tmp_path / "data.extxyz", ambiguous)
    with pytest.raises(InputError, match=r"several labels: dft_energy, xtb_energy\. Say which by --energy-key"):
        explorer.read_training_data(tmp_path / "data.extxyz")
    assert_right(explorer.read_training_data(tmp_path / "data.extxyz", energy_key="dft_energy"))


def test_energy_as_comment_and_forces_as_columns(tmp_path):
    rows = [
        f"3\n{e / KCAL!r}\n" + "".join(
            " ".join(["OHH"[k], *(repr(float(x)) for x in (*p[k], *f[k] / KCAL))]) + "\n" for k in range(3)
        )
        for p, e, f in zip(POSITIONS, ENERGY.tolist(), FORCES, strict=True)
    ]  # fmt: skip
    (tmp_path / "data.xyz").write_text("".join(rows))
    with pytest.raises(InputError, match="does not tell its unit of energy"):
        explorer.read_training_data(tmp_path / "data.xyz")
    assert_right(explorer.read_training_data(tmp_path / "data.xyz", "kcal/mol"))


def test_ase_and_schnetpack_files(tmp_path):
    ase.io.write(tmp_path / "data.traj", frames())
    assert_right(explorer.read_training_data(tmp_path / "data.traj"))
    with connect(tmp_path / "ase.db") as plain, connect(tmp_path / "schnetpack.db") as units:
        for atoms in frames():
            plain.write(atoms)
        for atoms, energy, forces in zip(frames("x"), ENERGY, FORCES, strict=True):
            bare = Atoms(atoms.numbers, atoms.positions)
            units.write(bare, data={"energy": np.array([energy / KCAL]), "forces": forces / KCAL})
        units.metadata = {"_property_unit_dict": {"energy": "kcal/mol"}, "_distance_unit": "Ang"}
    assert_right(explorer.read_training_data(tmp_path / "ase.db"))
    assert_right(explorer.read_training_data(tmp_path / "schnetpack.db"))


def test_spice_has_gradients_and_ani_has_frames_without_forces(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "spice.hdf5", "w") as file:
        group = file.create_group("water")
        group["atomic_numbers"], group["smiles"] = NUMBERS, [b"[O:1]([H:2])[H:3]"]
        for key, values, unit in (
            ("conformations", POSITIONS / BOHR, "bohr"),
            ("dft_total_energy", ENERGY / HARTREE, "hartree"),
            ("dft_total_gradient", -FORCES / HARTREE * BOHR, "hartree/bohr"),
        ):
            group[key] = values
            group[key].attrs["units"] = unit
    data = explorer.read_training_data(tmp_path / "spice.hdf5")
    assert_right(data)
    assert list(data) == ["water"]
    with h5py.File(tmp_path / "ani.h5", "w") as file:
        group = file.create_group("H2O")
        group["atomic_numbers"], group["coordinates"] = NUMBERS, POSITIONS
        group["wb97x_dz.energy"] = ENERGY / HARTREE
        group["wb97x_dz.forces"] = np.where(np.arange(N)[:, None, None] == 3, np.nan, FORCES) / HARTREE
    with pytest.raises(InputError, match="Their forces look like Hartree"):
        explorer.read_training_data(tmp_path / "ani.h5")
    (water,) = explorer.read_training_data(tmp_path / "ani.h5", "hartree").values()
    assert np.isnan(water.forces).any(axis=(1, 2)).tolist() == [k == 3 for k in range(N)]


def test_spice_without_gradients_or_with_other_energies(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "spice.hdf5", "w") as file:
        group = file.create_group("water")
        group["atomic_numbers"], group["conformations"] = NUMBERS, POSITIONS
        group["conformations"].attrs["units"] = "angstrom"
        group["other_energy"] = ENERGY / KCAL
        group["other_energy"].attrs["units"] = "kcal/mol"
    (water,) = explorer.read_training_data(tmp_path / "spice.hdf5", energy_key="other_energy").values()
    assert np.allclose(water.energy, ENERGY)
    assert np.allclose(water.positions, POSITIONS)
    assert np.isnan(water.forces).all()
    with pytest.raises(InputError, match=r"has no dft_total_energy; it has .*other_energy\. Say --energy-key"):
        explorer.read_training_data(tmp_path / "spice.hdf5")


def test_units_that_the_numbers_contradict_are_refused(tmp_path):
    kcal = frames("REF_")
    for atoms in kcal:
        atoms.info["REF_energy"] /= KCAL
        atoms.arrays["REF_forces"] /= KCAL
    ase.io.write(tmp_path / "kcal.extxyz", kcal)
    for units in (None, "eV"):
        with pytest.raises(InputError, match=r"below any energy of these atoms .* look like kcal/mol .*--units"):
            explorer.read_training_data(tmp_path / "kcal.extxyz", units)
    assert_right(explorer.read_training_data(tmp_path / "kcal.extxyz", "kcal/mol"), atol=1e-6)
    np.savez(tmp_path / "said.npz", **md17(), e_unit="kcal/mol", r_unit="Ang")
    with pytest.raises(InputError, match="states its units"):
        explorer.read_training_data(tmp_path / "said.npz", "eV")
    shifted = md17() | {"node_mask": np.ones((N, 3)), "E": ENERGY * 0}
    np.savez(tmp_path / "shifted.npz", **shifted)
    with pytest.raises(InputError, match="are unusual"):
        explorer.read_training_data(tmp_path / "shifted.npz")


def test_gradients_that_are_called_forces_are_noticed(tmp_path):
    stretch = np.linspace(0.9, 1.1, 12)
    positions = WATER * stretch[:, None, None]
    slope = 2 * (stretch - 1) * 50
    forces = -slope[:, None, None] * WATER / np.sum(WATER**2)
    arrays = {"R": positions, "z": NUMBERS, "E": -138 + 50 * (stretch - 1) ** 2, "F": forces}
    np.savez(tmp_path / "right.npz", **arrays)
    np.savez(tmp_path / "wrong.npz", **arrays | {"F": -forces})
    assert not any("gradients" in note for note in explorer.read_training_data(tmp_path / "right.npz", "eV").notes)
    assert any("gradients" in note for note in explorer.read_training_data(tmp_path / "wrong.npz", "eV").notes)


def test_several_molecules_missing_labels_repeated_and_broken_frames_are_told(tmp_path):
    some = frames("REF_")
    del some[3].arrays["REF_forces"]
    del some[4].info["REF_energy"], some[4].arrays["REF_forces"]
    ion = Atoms([8, 1], [[0, 0, 0], [0, 0, 0.97]], info={"REF_energy": -120.0, "charge": -1})
    ase.io.write(tmp_path / "data.extxyz", [*some, some[0], ion])
    text = (tmp_path / "data.extxyz").read_text()
    lines = text.splitlines(keepends=True)
    (tmp_path / "data.extxyz").write_text("".join([*lines[:3], *lines[5:]]))  # two atoms of the first frame are lost
    data = explorer.read_training_data(tmp_path / "data.extxyz")
    assert list(data) == ["H2O", "HO-1"]
    assert (len(data["H2O"].energy), data["HO-1"].total_charge) == (N, -1)
    assert np.isnan(data["H2O"].energy).sum() == 1
    notes = " ".join(data.notes)
    assert "1 broken frames are left out: frame 1: 3 atoms were expected, received 1 lines" in notes
    assert "1 frames have no energy and 3 no forces." in notes
    ase.io.write(tmp_path / "twice.extxyz", [*some, some[0]])
    assert (
        "1 frames whose positions occur before are left out."
        in explorer.read_training_data(tmp_path / "twice.extxyz").notes
    )


def test_damaged_files_and_foreign_ones_are_one_line(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    np.savez(tmp_path / "short.npz", **md17() | {"F": FORCES[:2]})
    for name in ("a.npz", "a.db", "a.traj", "a.xyz", "a.txt"):
        (tmp_path / name).write_bytes(b"no data")
    sqlite3.connect(tmp_path / "empty.db").execute("create table t (a)").connection.close()
    for name in ("other.npz", "short.npz", "a.npz", "a.db", "a.traj", "a.xyz", "a.txt", "empty.db", "nowhere.npz"):
        with pytest.raises(InputError) as caught:
            explorer.read_training_data(tmp_path / name, "eV")
        assert "\n" not in str(caught.value), name
        assert name in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".own.npz", ".extxyz", ".h5", ".db", ".traj"])
def test_damage_anywhere_is_one_short_line(tmp_path, suffix):
    whole, damaged = tmp_path / f"whole{suffix}", tmp_path / f"damaged{suffix}"
    write_all(whole)
    content, generator = whole.read_bytes(), np.random.default_rng(1)
    for k in range(150):
        start, length = (int(generator.integers(limit)) for limit in (len(content), 40))
        bytes_ = [generator.bytes(length), b"\xff" * 8, b"\xc2\xb2", b"1e400"][k % 4]
        damaged.write_bytes(content[:start] + bytes_ + content[start + len(bytes_) :])
        message = refusal(damaged, None if "own" in suffix else "eV")
        assert message.isprintable()
        assert len(message) < 600
        assert "allow_pickle" not in message


def refusal(path: Path, units: str | None) -> str:
    """Return the message for a file that is refused; an empty one for a file that is read."""
    try:
        explorer.read_training_data(path, units)
    except InputError as error:
        return str(error)
    return ""


def write_all(path: Path) -> None:
    """Write the frames in the format of a file."""
    if path.name.endswith(".own.npz"):
        save_dataset(path, {"water": own_data()}, {"reference": "gfn2"})
    elif path.suffix == ".npz":
        np.savez(path, **md17())
    elif path.suffix == ".h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            values = {"atomic_numbers": NUMBERS, "coordinates": POSITIONS, "a.energy": ENERGY, "a.forces": FORCES}
            file.create_group("water").update(values)
    elif path.suffix == ".db":
        with connect(path) as database:
            for atoms in frames():
                database.write(atoms)
    else:
        ase.io.write(path, frames())


def test_text_under_the_name_of_an_archive_is_refused_without_advice_about_pickles(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    assert refusal(tmp_path / "text.npz", None).endswith(
        "text.npz is not a readable npz file (it has pickled objects or is no npz file). Get it again."
    )


@pytest.mark.parametrize("name", ["x.npz", "x.extxyz"])
def test_elements_that_do_not_exist_are_refused(tmp_path, name):
    if name == "x.npz":
        np.savez(tmp_path / name, **md17() | {"z": np.array([8, 1, 200])})
    else:
        rows = "\n".join(f"{z} 0 0 {k}" for k, z in enumerate((8, 1, 200)))
        (tmp_path / name).write_text(f"3\nProperties=Z:I:1:pos:R:3 energy=-1 charge=0\n{rows}\n")
    with pytest.raises(InputError, match="atomic numbers from 1 to 118 were expected, received 200"):
        explorer.read_training_data(tmp_path / name, "eV")


def test_absurd_numbers_are_left_out(tmp_path):
    positions, energy, forces = POSITIONS.copy(), ENERGY.copy(), FORCES.copy()
    positions[0, 0, 0], energy[1], forces[2, 0, 0] = 1e200, 1e308, -1e300
    np.savez(tmp_path / "x.npz", **md17() | {"R": positions, "E": energy, "F": forces})
    data = explorer.read_training_data(tmp_path / "x.npz", "eV")
    assert data.n_frames == N - 3
    assert any("3 frames with positions or labels that are not finite, or far too large" in note for note in data.notes)


def own_data() -> MoleculeData:
    return MoleculeData(
        atomic_numbers=NUMBERS, bonds=np.array([[0, 1], [0, 2]]), total_charge=0, positions=POSITIONS, energy=ENERGY,
        forces=FORCES, conformer=np.array(["a"] * N), stage=np.array(["dynamics"] * N), split=np.array(["train"] * N),
    )  # fmt: skip


def test_own_datasets_are_read_as_before(tmp_path):
    save_dataset(tmp_path / "own.npz", {"water": own_data()}, {"reference": "gfn2"})
    read = explorer.read_training_data(tmp_path / "own.npz")
    assert_right(read)
    assert read["water"].conformer.tolist() == ["a"] * N
    with pytest.raises(InputError, match="Leave units out"):
        explorer.read_training_data(tmp_path / "own.npz", "eV")


def test_structures_need_no_units(tmp_path):
    np.savez(tmp_path / "data.npz", **md17())
    np.testing.assert_allclose([atoms.positions for atoms in structures_of(tmp_path / "data.npz")], POSITIONS)


def test_neighbouring_frames_stay_in_one_split(tmp_path):
    steps = np.arange(480)[:, None, None] * 1e-3
    np.savez(tmp_path / "data.npz", R=WATER + steps, z=NUMBERS, E=np.full(480, -138.0), F=np.zeros((480, 3, 3)))
    (water,) = explorer.read_training_data(tmp_path / "data.npz", "eV").values()
    assert {name: int((water.split == name).sum()) for name in ("train", "validation", "test")} == {
        "train": 400, "validation": 40, "test": 40,
    }  # fmt: skip
    assert sum(a != b for a, b in zip(water.split, water.split[1:], strict=False)) == 15


@pytest.mark.parametrize(
    ("text", "energy", "force"),
    [("kcal/mol", KCAL, KCAL), ("Hartree", HARTREE, HARTREE), ("hartree,bohr", HARTREE, HARTREE / BOHR),
     ("Hartree/Bohr", HARTREE, HARTREE / BOHR), ("meV and nm", 1e-3, 1e-4)],
)  # fmt: skip
def test_units_are_those_of_ase(text, energy, force):
    units = LabelUnits.parse(text)
    assert (units.in_ev, units.force) == pytest.approx((energy, force), rel=1e-12)


def test_unknown_units_are_named():
    with pytest.raises(InputError, match="received 'furlong'"):
        LabelUnits.parse("furlong")


def test_all_files_of_the_field_have_the_expected_values(reference_data):
    folder = reference_data / "formats"
    said = {"md17_ethanol.npz": "kcal/mol", "rmd17_ethanol.npz": "kcal/mol", "kcal_unsaid.extxyz": "kcal/mol",
            "sgdml_style.xyz": "kcal/mol", "ani_layout.h5": "hartree"}  # fmt: skip
    for name, expected in json.loads((folder / "expected.json").read_text()).items():
        if name.endswith(("h5", "hdf5")):
            pytest.importorskip("h5py")
        data = explorer.read_training_data(folder / name, said.get(name))
        rows = {int(frame): (one, k) for one in data.values() for k, frame in enumerate(one.frame)}
        assert len(rows) == expected["n_frames"], name
        for number, energy in enumerate(expected["energy_eV"]):
            one, k = rows[number]
            np.testing.assert_allclose(one.energy[k], np.nan if energy is None else energy, atol=1e-7, err_msg=name)
            force = expected["first_force_eV_per_A"][number]
            wanted = np.full(3, np.nan) if force is None else force
            np.testing.assert_allclose(one.forces[k][0], wanted, atol=3e-6, err_msg=name)
            largest = expected["largest_force_eV_per_A"][number]
            largest_here = np.abs(one.forces[k]).max()
            assert largest_here == pytest.approx(np.nan if largest is None else largest, abs=3e-6, nan_ok=True), name
            assert len(one.atomic_numbers) == expected["n_atoms"][number], name
            for state in ("total_charge", "multiplicity"):
                if state in expected:
                    assert getattr(one, state) == expected[state][number], name


def test_files_of_the_field_that_do_not_tell_their_units_are_asked_about(reference_data):
    folder = reference_data / "formats"
    pytest.importorskip("h5py")
    for name in ("md17_ethanol.npz", "rmd17_ethanol.npz", "kcal_unsaid.extxyz", "sgdml_style.xyz", "ani_layout.h5"):
        with pytest.raises(InputError, match="--units") as caught:
            explorer.read_training_data(folder / name)
        assert ("Hartree" if name.endswith("h5") else "kcal/mol") in str(caught.value), name
        if not name.endswith("h5"):  # energies of the small molecules in Hartree are possible in eV
            with pytest.raises(InputError, match=r"energies cannot be in eV.*--units"):
                explorer.read_training_data(folder / name, "eV")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".npz", ".extxyz"])
def test_100000_frames_of_42_atoms_are_read_within_4_gb(tmp_path, suffix):
    path, n, n_atoms = tmp_path / f"data{suffix}", 100_000, 42
    generator = np.random.default_rng(0)
    numbers = np.array([6, 7, 8, 1, 1, 1] * 7)
    lattice = 1.5 * np.array(list(np.ndindex(6, 7, 1)), float)
    if suffix == ".npz":
        positions = lattice + 0.05 * generator.normal(size=(n, n_atoms, 3))
        np.savez(path, R=positions, z=numbers, E=-27000 + generator.normal(size=n), F=generator.normal(size=(n, 42, 3)))
        del positions
    else:
        with path.open("w") as file:
            for k in range(n):
                table = np.round(generator.normal(size=(n_atoms, 6)), 6)
                table[:, :3] = lattice + 0.05 * table[:, :3]
                rows = zip(numbers.tolist(), table.tolist(), strict=True)
                header = (
                    f'{n_atoms}\nProperties=species:S:1:pos:R:3:forces:R:3 energy={-27000 + 1e-4 * k} pbc="F F F"\n'
                )
                file.write(header + "".join(f"{chemical_symbols[z]} {' '.join(map(repr, row))}\n" for z, row in rows))
    code = (
        "import resource, sys, explorer\n"
        "data = explorer.read_training_data(sys.argv[1], 'eV')\n"
        "print(data.n_frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    n_read, kilobytes = map(int, done.stdout.split())
    assert n_read == n
    assert kilobytes < 4e6
