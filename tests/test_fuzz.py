"""Damaged input of every kind: structures, settings, checkpoints, training files, databases.

Each input ends in one line (an `ExplorerError` without a line break) or is read. Any other exception is a traceback
and fails the test, and so does an input that takes more than 20 s of processor time. What is read must make sense, by
an oracle that is not the check of the reader:

- structures: finite, an RDKit molecule of one fragment that sanitises, without hydrogens that the record lacks;
- settings: what is written as TOML and read again is the same, and every number is finite;
- checkpoints: exactly what was saved, bit by bit; without a digest, the sizes of the parameters and finite numbers;
- training files: arrays whose shapes belong together, whose values are finite and whose bonds join atoms;
- databases: a run with damaged bytes is exactly the run that was stored. A run with other values in its fields, written
  with their checksums, has a summary that is valid JSON without NaN, with energies that ascend.

100 inputs are tried by default and 2000 by the slow variant; `derandomize` makes both repeatable.
"""

import json
import math
import shutil
import sqlite3
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_network import random_parameters
from rdkit import Chem
from safetensors.numpy import load_file, save_file

from explorer.analysis.run_analysis import RunAnalysis
from explorer.analysis.summary import summarise, summary_table
from explorer.config import Settings
from explorer.config_file import load_settings, to_dict, to_toml
from explorer.dataset.dataset import MoleculeData, load_dataset, save_dataset
from explorer.errors import ExplorerError
from explorer.io.build import to_rdkit
from explorer.io.read import read_molecule
from explorer.io.write import structure_writer
from explorer.potential.checkpoint import load_checkpoint, save_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.store.checksums import rewrite_checksums
from explorer.store.database import pack
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.uncertainty.assessor import load_assessor
from explorer.uncertainty.domain import Domain

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "tests" / "data" / "gfn2-peptides"
MOLECULE = read_molecule(ROOT / "data" / "peptides" / "ac-ala-nhme.pdb")
HP = Hyperparameters(
    n_features=8, n_heads=2, degrees=(1, 2), n_layers=1, n_radial=6, trained_elements=(1, 6, 8), reference="none"
)
MOST_SECONDS = 20.0
N_INPUTS = pytest.mark.parametrize("n", [20, pytest.param(400, marks=pytest.mark.slow)])

# values that have broken readers before, beside those that hypothesis finds
NASTY = [
    "", " ", "nan", "inf", "-inf", "NaN", "1e308", "-1e308", "1e400", "9" * 40, "-1", "0", "0.0", "²", "٣", "½", "\0",
    "\ufeff", "1_000", "0x10", "1,5", "--1", "1.2.3", "*^", "None", "true", "[]", "{}", "[" * 2000, "\n", "\t", "é",
    "H" * 300, "Xx", "999999",
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=12))
PLACES = st.floats(0, 1, exclude_max=True)
# what is done to a place of a text: another token, another line, or bytes
DAMAGE = st.lists(
    st.tuples(st.sampled_from(["token", "drop", "double", "cut", "bytes"]), PLACES, TEXTS), min_size=1, max_size=3
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.integers(-3, 3), st.floats(), TEXTS,
    st.lists(st.integers(-3, 300), max_size=4), st.lists(st.floats(), max_size=3),
)  # fmt: skip


def fuzz(n: int, check: Callable[..., None], **strategies: st.SearchStrategy) -> None:
    """Call a check with n inputs, each of which must end in time."""

    @settings(max_examples=n, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(**strategies)
    def timed(**values: object) -> None:
        started = time.thread_time()  # other processes do not count
        check(**values)
        assert time.thread_time() - started < MOST_SECONDS

    timed()


def read_or_refuse(read: Callable[[], object]) -> object:
    """What was read, or None where it was refused in one line."""
    message = ""
    try:
        return read()
    except ExplorerError as error:
        message = str(error)
    assert "\n" not in message
    assert 20 < len(message) < 1000, message
    return None


def damaged(text: str, damage: list[tuple[str, float, str]]) -> bytes:
    """A text with each damage done to it."""
    for kind, place, other in damage:
        lines = text.split("\n")
        k = int(place * len(lines))
        if kind == "token" and lines[k].split():
            tokens = lines[k].split(" ")
            tokens[int(place * 7919) % len(tokens)] = other
            lines[k] = " ".join(tokens)
        elif kind == "drop":
            del lines[k]
        elif kind == "double":
            lines.insert(k, lines[k])
        text = "\n".join(lines)
        if kind in ("cut", "bytes"):
            at = int(place * len(text))
            text = text[:at] if kind == "cut" else text[:at] + other + text[at + len(other) :]
    return text.encode("utf-8", "surrogatepass")


@cache
def structure_files() -> dict[str, str]:
    """A peptide in the formats of the writer and as the PDB file."""
    from tempfile import TemporaryDirectory

    files = {"x.pdb": (ROOT / "data" / "peptides" / "ac-ala-nhme.pdb").read_text()}
    with TemporaryDirectory() as folder:
        for name in ("x.sdf", "x.xyz", "x.extxyz"):
            structure_writer(Path(folder) / name)([MOLECULE], [MOLECULE.positions], [{"id": 0}])
            files[name] = (Path(folder) / name).read_text()
    return files


@N_INPUTS
def test_damaged_structures(tmp_path, n):
    def check(name: str, damage: list) -> None:
        path = tmp_path / name
        path.write_bytes(damaged(structure_files()[name], damage))
        molecule = read_or_refuse(lambda: read_molecule(path))
        if molecule is None:
            return
        assert np.isfinite(molecule.positions).all()
        assert np.abs(molecule.positions).max() < 1e6
        assert molecule.formal_charges.sum() == molecule.total_charge
        if len(molecule.bonds):
            mol = to_rdkit(molecule)  # raises for valences that do not exist
            assert len(Chem.GetMolFrags(mol)) == 1
            assert sum(atom.GetTotalNumHs() for atom in mol.GetAtoms()) == 0, "hydrogens that the record does not have"
        n_electrons = molecule.atomic_numbers.sum() - molecule.total_charge
        assert (n_electrons + molecule.multiplicity) % 2 == 1

    fuzz(n, check, name=st.sampled_from(sorted(structure_files())), damage=DAMAGE)


def flat_names(values: dict, prefix: str = "") -> list[str]:
    return [
        name
        for key, value in values.items()
        for name in (flat_names(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key])
    ]


@N_INPUTS
def test_damaged_settings(tmp_path, n):
    path, text = tmp_path / "run.toml", to_toml(Settings())

    def check(damage: list, key: str, value: object, in_file: bool) -> None:
        path.write_bytes(damaged(text, damage) if in_file else b"")
        found = read_or_refuse(lambda: load_settings(path, {} if in_file else {key: value}))
        if found is None:
            return
        for name, number in ((f, _at(to_dict(found), f)) for f in flat_names(to_dict(found))):
            assert not isinstance(number, float) or math.isfinite(number), name
        path.write_text(to_toml(found), encoding="utf-8")
        assert load_settings(path) == found

    keys = st.sampled_from(flat_names(to_dict(Settings())))
    fuzz(n, check, damage=DAMAGE, key=keys, value=SCALARS, in_file=st.booleans())


def _at(values: dict, dotted: str) -> object:
    for key in dotted.split("."):
        values = values[key]
    return values


@N_INPUTS
def test_damaged_checkpoints(tmp_path, n):
    params = random_parameters(HP, 3)
    good, bad = tmp_path / "good", tmp_path / "bad"
    save_checkpoint(good, HP, params)
    for name in ("calibration.json", "domain.json", "support.safetensors"):
        shutil.copy(MODEL / name, good / name)
    arrays = load_file(good / "parameters.safetensors")

    def check(name: str, damage: list, key: str, value: object, how: str, place: float) -> None:
        shutil.rmtree(bad, ignore_errors=True)
        shutil.copytree(good, bad)
        path = bad / name
        if name.endswith(".safetensors"):
            content = bytearray(path.read_bytes())
            at = int(place * (len(content) - 8))
            content[at : at + 4] = str(value).encode("utf-8", "surrogatepass")[:4].ljust(4, b"\x7f")
            path.write_bytes(content[:at] if how == "text" else content)
        elif how == "text":
            path.write_bytes(damaged(path.read_text(), damage))
        else:
            path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
        found = read_or_refuse(lambda: load_checkpoint(bad))
        read_or_refuse(lambda: load_assessor(bad))
        read_or_refuse(lambda: Domain.load(bad))
        if found is not None:
            hp, read = found
            notes = dict(reference="", training_data="", tuned_from="")
            assert vars(hp) | notes == vars(HP) | notes
            jax.tree.map(np.testing.assert_array_equal, read, params)

    def check_without_digest(key: str, value: object) -> None:
        shutil.rmtree(bad, ignore_errors=True)
        shutil.copytree(good, bad)
        path = bad / "hyperparameters.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
        save_file(arrays, bad / "parameters.safetensors")
        found = read_or_refuse(lambda: load_checkpoint(bad))
        if found is not None:  # the sizes are those of the parameters, and all numbers are finite
            numbers = [value for value in vars(found[0]).values() if isinstance(value, float)]
            assert all(math.isfinite(number) for number in numbers)
            assert (found[0].n_features, found[0].n_layers, found[0].n_radial) == (8, 1, 6)

    keys = st.sampled_from(sorted(json.loads((good / "hyperparameters.json").read_text())))
    names = st.sampled_from(sorted(path.name for path in good.iterdir()))
    how = st.sampled_from(["text", "value"])
    fuzz(n - n // 4, check, name=names, damage=DAMAGE, key=keys, value=SCALARS, how=how, place=PLACES)
    fuzz(n // 4, check_without_digest, key=keys, value=SCALARS)


@N_INPUTS
def test_damaged_training_files(tmp_path, n):
    n_frames, n_atoms = 3, MOLECULE.n_atoms
    frames = np.repeat(MOLECULE.positions[None], n_frames, axis=0)
    labels = np.array(["a", "b", "c"])
    data = MoleculeData(
        atomic_numbers=MOLECULE.atomic_numbers, bonds=MOLECULE.bonds, total_charge=0, positions=frames,
        energy=np.zeros(n_frames), forces=np.zeros_like(frames), conformer=labels, stage=labels,
        split=np.array(["train", "validation", "test"]),
    )  # fmt: skip
    save_dataset(tmp_path / "good.npz", {"ala": data}, {"reference": "none"})
    with np.load(tmp_path / "good.npz") as stored:
        good = dict(stored)
    path = tmp_path / "bad.npz"

    def check(key: str, value: object, how: str, place: float) -> None:
        if how == "bytes":
            content = bytearray((tmp_path / "good.npz").read_bytes())
            at = int(place * len(content))
            content[at : at + 3] = str(value).encode("utf-8", "surrogatepass")[:3]
            path.write_bytes(content)
        else:
            path.unlink(missing_ok=True)
            np.savez(path, **{name: array for name, array in {**good, key: changed(good[key], how, value)}.items()})
        found = read_or_refuse(lambda: load_dataset(path))
        for one in (found or {}).values():
            n_found, n_of_frames = len(one.atomic_numbers), len(one.energy)
            assert one.positions.shape == one.forces.shape == (n_of_frames, n_found, 3)
            assert one.energy.shape == one.split.shape == one.conformer.shape == one.stage.shape == (n_of_frames,)
            for array in (one.positions, one.energy, one.forces):
                assert np.isfinite(np.asarray(array, float)).all()
            assert set(one.split.tolist()) <= {"train", "validation", "test"}
            pairs = {frozenset(map(int, pair)) for pair in one.bonds}
            assert all(len(pair) == 2 and pair <= set(range(n_found)) for pair in pairs)
            assert set(one.atomic_numbers.tolist()) <= set(range(1, 119))

    def changed(array: np.ndarray, how: str, value: object) -> np.ndarray:
        if how == "value":
            return np.asarray(str(value) if isinstance(value, list | None.__class__) else value)
        if how == "text":
            return array.astype(str)
        if how == "nan":
            return np.full(array.shape, np.nan)
        return {"short": array.reshape(-1)[:2], "huge": np.full(array.shape, 1e30), "flat": array.reshape(-1)}[how]

    hows = st.sampled_from(["value", "text", "nan", "short", "huge", "flat", "bytes"])
    fuzz(n, check, key=st.sampled_from(sorted(good)), value=SCALARS, how=hows, place=PLACES)
    assert n_atoms == 22


@pytest.fixture(scope="module")
def stored_run(tmp_path_factory) -> Path:
    """A short search of LJ7, upgraded to the current schema."""
    path = tmp_path_factory.mktemp("run") / "run.sqlite"
    shutil.copy(ROOT / "tests" / "golden" / "version-0.1" / "lj7.sqlite", path)
    with Store.resume(path) as store:
        store.finish("stopped by the user")
    return path


@N_INPUTS
def test_damaged_databases(tmp_path, stored_run, n):
    path, original = tmp_path / "run.sqlite", read_run(stored_run)
    before = json.dumps(summarise(RunAnalysis(original)))
    with sqlite3.connect(stored_run) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [
            (table, row[1])
            for table in tables
            if table != "checksum" and connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for row in connection.execute(f"PRAGMA table_info({table})")
        ]
    connection.close()

    def check_fields(column: tuple[str, str], value: object, packed: bool, row: int) -> None:
        shutil.copy(stored_run, path)
        table, name = column
        if isinstance(value, list):
            value = pack(np.array(value)) if packed else json.dumps(value)
        elif isinstance(value, int):
            value = max(min(value, 2**62), -(2**62))
        elif isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        with sqlite3.connect(path) as connection:
            try:
                connection.execute(
                    f'UPDATE {table} SET "{name}" = ? WHERE rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET ?)',
                    (value, row),
                )
            except sqlite3.Error:  # a constraint of the table
                return
            rewrite_checksums(connection)
        connection.close()
        record = read_or_refuse(lambda: read_run(path))
        if record is None:
            return
        analysis = RunAnalysis(record)
        summary = summarise(analysis)
        json.dumps(summary, allow_nan=False)
        assert all(isinstance(text, str) for pair in summary_table(analysis, summary) for text in pair)
        energies = summary["relative_energies"]
        assert energies == sorted(energies)
        assert len(record.minima) == len(original.minima)

    def check_bytes(place: float, content: bytes) -> None:
        whole = bytearray(stored_run.read_bytes())
        at = int(place * len(whole))
        whole[at : at + len(content)] = content
        path.write_bytes(whole)
        record = read_or_refuse(lambda: read_run(path))
        if record is not None:
            assert json.dumps(summarise(RunAnalysis(record))) == before
            for one, other in zip(record.minima, original.minima, strict=True):
                assert one.energy == other.energy
                np.testing.assert_array_equal(one.positions, other.positions)

    fields = dict(column=st.sampled_from(columns), value=SCALARS, packed=st.booleans(), row=st.integers(0, 3))
    fuzz(n // 2, check_fields, **fields)
    fuzz(n - n // 2, check_bytes, place=PLACES, content=st.binary(min_size=1, max_size=64))
