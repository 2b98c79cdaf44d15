"""Every format gives the molecule that another program wrote into it, packed or not, in any encoding."""

import gzip
import io
from pathlib import Path

import ase.io
import gemmi
import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.io.cif import parse_cif
from explorer.io.ensemble import read_ensemble
from explorer.io.mol2 import parse_mol2
from explorer.io.read import read_molecule
from explorer.io.tinker import parse_tinker
from explorer.records.molecule import Molecule

PEPTIDE = Path(__file__).resolve().parents[2] / "data" / "peptides" / "ac-ala-nhme.pdb"
MOLECULE = read_molecule(PEPTIDE)
ATOMS = Atoms(MOLECULE.atomic_numbers, MOLECULE.positions)
SYMBOLS = ATOMS.get_chemical_symbols()


def tinker(names=SYMBOLS) -> str:
    neighbours = [[] for _ in SYMBOLS]
    for i, j in MOLECULE.bonds.tolist():
        neighbours[i].append(j + 1)
        neighbours[j].append(i + 1)
    rows = [
        f"{k + 1:6d}  {name:<3}{x:12.6f}{y:12.6f}{z:12.6f}{7:6d}" + "".join(f"{j:6d}" for j in neighbours[k])
        for k, (name, (x, y, z)) in enumerate(zip(names, MOLECULE.positions, strict=True))
    ]
    return "\n".join([f"{len(rows):6d}  Ac-Ala-NHMe", *rows]) + "\n"


def mol2() -> str:
    types = {"C": "C.3", "N": "N.am", "O": "O.2", "H": "H"}
    rows = [
        f"{k + 1} {symbol}{k + 1} {x:.4f} {y:.4f} {z:.4f} {types[symbol]} 1 ALA1 0.0"
        for k, (symbol, (x, y, z)) in enumerate(zip(SYMBOLS, MOLECULE.positions, strict=True))
    ]
    head = ["@<TRIPOS>MOLECULE", "x", f"{len(rows)} 0 1 0 0", "SMALL", "NO_CHARGES", "", "@<TRIPOS>ATOM"]
    return "\n".join([*head, *rows, "@<TRIPOS>BOND", "1 1 2 1"]) + "\n"


def written(file_format: str, atoms: Atoms = ATOMS) -> str:
    stream = io.BytesIO() if file_format == "cif" else io.StringIO()
    ase.io.write(stream, atoms, format=file_format)
    value = stream.getvalue()
    return value.decode() if isinstance(value, bytes) else value


def qm9() -> str:
    rows = [
        f"{s}\t{x:.10f}\t{y:.10f}\t{z:.10f}\t-0.1" for s, (x, y, z) in zip(SYMBOLS, MOLECULE.positions, strict=True)
    ]
    rows[0] = f"{SYMBOLS[0]}\t{MOLECULE.positions[0, 0] * 1e6:.6f}*^-6\t" + "\t".join(rows[0].split("\t")[2:])
    values = "\t".join(["1.5"] * 10)
    return (
        f"{len(rows)}\ngdb 7\t{values}\t-40.47893\t-40.4\n"
        + "\n".join(rows)
        + "\n1341.3\t1341.3\nCC\tCC\nInChI=1\tInChI=1\n"
    )


def crystal() -> Atoms:
    return Atoms(SYMBOLS, MOLECULE.positions, cell=[30, 31, 32, 80, 85, 95], pbc=True)


FILES = {
    "x.pdb": PEPTIDE.read_text(),
    "x.ent": PEPTIDE.read_text(),
    "x.xyz": written("xyz"),
    "x.extxyz": written("extxyz"),
    "tinker.xyz": tinker(),
    "x.txyz": tinker(),
    "qm9.xyz": qm9(),
    "x.mol2": mol2(),
    "crystal.cif": written("cif", crystal()),
    "mm.cif": gemmi.read_pdb_string(PEPTIDE.read_text()).make_mmcif_document().as_string(),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_molecule_is_the_same_in_every_format(tmp_path, name, packed):
    path = tmp_path / (name + ".gz" * packed)
    content = FILES[name].encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    found = read_molecule(path)
    np.testing.assert_array_equal(found.atomic_numbers, MOLECULE.atomic_numbers)
    np.testing.assert_array_equal(found.bonds, MOLECULE.bonds)
    np.testing.assert_array_equal(found.bond_orders, MOLECULE.bond_orders)
    distances = [np.linalg.norm(one[:, None] - one, axis=-1) for one in (found.positions, MOLECULE.positions)]
    np.testing.assert_allclose(*distances, atol=2e-3)
    assert found.name == Path(name).stem


def test_name_of_the_molecule_has_no_ending_in_any_case(tmp_path):
    (tmp_path / "x.PDB.GZ").write_bytes(gzip.compress(FILES["x.pdb"].encode()))
    assert read_molecule(tmp_path / "x.PDB.GZ").name == "x"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + FILES["x.pdb"].encode(),
        FILES["x.pdb"].encode("utf-16"),
        ("REMARK Größe in Å\n" + FILES["x.pdb"]).encode("latin-1"),
        FILES["x.pdb"].replace("\n", "\r\n").encode(),
    ],
)
def test_encodings_and_line_ends_are_read(tmp_path, content):
    (tmp_path / "x.pdb").write_bytes(content)
    np.testing.assert_array_equal(read_molecule(tmp_path / "x.pdb").positions, MOLECULE.positions)


@pytest.mark.parametrize("name", ["x.xyz", "x.pdb", "x.mol2", "x.txyz"])
def test_one_structure_of_several_is_chosen(tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name] * 3)
    with pytest.raises(
        InputError, match=r"received 3 models, frames or records\. Choose one with --frame 1 to --frame 3"
    ):
        read_molecule(path)
    assert read_molecule(path, frame=3).n_atoms == MOLECULE.n_atoms
    for frame in (0, 4):
        with pytest.raises(InputError, match=f"has structures 1 to 3, received --frame {frame}"):
            read_molecule(path, frame=frame)
    assert len(read_ensemble(path).molecules) == 3


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(FILES)),
    place=st.floats(0, 1),
    length=st.integers(0, 30),
    text=st.one_of(
        st.binary(max_size=30), st.sampled_from([b"1e400", b"-1", b"nan", b"\xb2", b"9" * 400, b"\n\n", b'="'])
    ),
)
def test_damaged_files_are_read_or_refused_in_one_line(tmp_path_factory, name, place, length, text):
    path = tmp_path_factory.mktemp("damaged") / name
    content = FILES[name].encode()
    start = int(place * len(content))
    path.write_bytes(content[:start] + text + content[start + length :])
    molecule, message = read_or_refuse(path)
    assert "\n" not in message
    assert len(message) < 600
    if molecule is not None:
        assert np.isfinite(molecule.positions).all()
        assert abs(molecule.total_charge) <= molecule.n_atoms
        assert molecule.formal_charges.sum() == molecule.total_charge


def read_or_refuse(path: Path) -> tuple[Molecule | None, str]:
    try:
        return read_molecule(path), ""
    except InputError as error:
        return None, str(error)


def test_formal_charges_of_mmcif_add_up():
    structure = gemmi.read_pdb_string(written("proteindatabank"))
    assert parse_cif(structure.make_mmcif_document().as_string(), "x.cif")[0].sum_of_formal_charges is None
    structure[0][0][0][0].charge = 2
    structure[0][0][0][1].charge = -1
    assert parse_cif(structure.make_mmcif_document().as_string(), "x.cif")[0].sum_of_formal_charges == 1


@pytest.mark.parametrize("n_stated", [len(SYMBOLS) + 1, len(SYMBOLS) - 1])
def test_mol2_with_another_number_of_atoms_than_it_states_is_an_error(n_stated):
    (frame,) = parse_mol2(mol2().replace(f"{len(SYMBOLS)} 0 1", f"{n_stated} 0 1"), "x.mol2")
    assert isinstance(frame, InputError)
    assert f"x.mol2, line 3: {n_stated} atoms were expected, received {len(SYMBOLS)}" in str(frame)


def test_types_of_mol2_give_elements():
    types = ("C.3", "c3", "ca", "hn", "na", "N.am", "cl", "Cl", "os", "ss", "p5", "Na", "br", "H.spc")
    rows = "\n".join(f"{k + 1} X {3.0 * k} 0.0 0.0 {one} 1 LIG 0.0" for k, one in enumerate(types))
    (structure,) = parse_mol2(f"@<TRIPOS>MOLECULE\nx\n@<TRIPOS>ATOM\n{rows}\n", "x.mol2")
    assert structure.atomic_numbers.tolist() == [6, 6, 6, 1, 7, 7, 17, 17, 8, 16, 15, 11, 35, 1]


def test_names_of_tinker_give_elements():
    (structure,) = parse_tinker(
        "4\n 1 CA 0.0 0.0 0.0 1 2\n 2 Cl 1.0 0.0 0.0 2 1\n 3 HN 0.0 1.0 0.0 3 1\n 4 CA 5.0 0.0 0.0 4\n", "x.txyz"
    )
    assert structure.atomic_numbers.tolist() == [6, 17, 1, 20]


def test_wrapped_molecule_is_made_whole_and_cells_are_said_to_be_ignored(tmp_path):
    cell = np.diag([15.0, 16.0, 17.0])
    shifted = MOLECULE.positions - MOLECULE.positions.mean(axis=0)
    wrapped = Atoms(SYMBOLS, shifted, cell=cell, pbc=True)
    wrapped.wrap()
    assert np.ptp(wrapped.positions, axis=0).max() > 12
    for name, text in (("x.extxyz", written("extxyz", wrapped)), ("x.cif", written("cif", wrapped))):
        (tmp_path / name).write_text(text)
        found = read_molecule(tmp_path / name)
        assert "made whole" in found.remarks[0]
        np.testing.assert_array_equal(found.bonds, MOLECULE.bonds)
        distances = [np.linalg.norm(one[:, None] - one, axis=-1) for one in (found.positions, shifted)]
        np.testing.assert_allclose(*distances, atol=2e-3)
    (tmp_path / "x.extxyz").write_text(written("extxyz", Atoms(SYMBOLS, MOLECULE.positions, cell=cell, pbc=True)))
    assert read_molecule(tmp_path / "x.extxyz").remarks == (
        "The periodic cell is ignored: the molecule is computed alone.",
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.cif", b"data_x\nloop_\n_a\n'unfinished", "is not CIF"),
        ("x.cif", b"hello", "is not CIF|atoms were expected"),
        ("x.mol2", b"hello", "atoms were expected, received none"),
        ("x.mol2", b"@<TRIPOS>MOLECULE\n@<TRIPOS>ATOM\n1 C1 0 0\n", r"line 3: number, name, three coordinates"),
        ("x.txyz", b"9 x\n1 C 0.0 0.0 0.0 1\n", "Obtain the complete file"),
        ("x.xyz.gz", b"\x1f\x8b\x08\x00broken", "could not be read"),
        ("x.xyz", b"\x00\x01\x02", "it is not text"),
        ("x", b"1\n\nHe 0 0 0\n", "a file ending in .pdb"),
    ],
)
def test_files_that_cannot_be_read_are_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_molecule(tmp_path / name)
    assert "\n" not in str(caught.value)
