"""Ensembles: bond orders and charges are never flattened, one bad frame does not stop the others."""

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.io.build import from_smiles
from explorer.io.ensemble import read_ensemble
from explorer.io.write import write_extxyz, write_sdf

THIOLATE = from_smiles("CC(=O)N[C@@H](C[S-])C(=O)NC")


def write_frames(path, molecule, positions, comment=""):
    lines = []
    for one in positions:
        write_extxyz(path, molecule, [one], [{}])
        frame = path.read_text().splitlines()
        lines += [frame[0], comment, *frame[2:]]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_ensemble_of_anions_asks_for_the_charge_and_keeps_orders_with_it(tmp_path):
    path = write_frames(tmp_path / "e.xyz", THIOLATE, [THIOLATE.positions, THIOLATE.positions + 1])
    with pytest.raises(InputError, match="--charge -1"):
        read_ensemble(path, keep_broken=True)
    for molecule in read_ensemble(path, charge=-1).molecules:
        assert molecule.total_charge == -1
        np.testing.assert_array_equal(molecule.bond_orders, THIOLATE.bond_orders)
        np.testing.assert_array_equal(molecule.formal_charges, THIOLATE.formal_charges)


def test_each_frame_may_state_its_charge(tmp_path):
    path = write_frames(tmp_path / "e.xyz", THIOLATE, [THIOLATE.positions], "charge=-1")
    thiol = from_smiles("CC(=O)N[C@@H](CS)C(=O)NC")
    text = path.read_text() + write_frames(tmp_path / "f.xyz", thiol, [thiol.positions], "charge=0").read_text()
    path.write_text(text)
    assert [molecule.total_charge for molecule in read_ensemble(path).molecules] == [-1, 0]


def test_bad_frames_are_left_out_and_named(tmp_path):
    ethanol = from_smiles("CCO")
    broken = ethanol.positions.copy()
    broken[0] -= 4.0
    path = write_frames(tmp_path / "e.xyz", ethanol, [ethanol.positions, broken, ethanol.positions, ethanol.positions])
    lines = path.read_text().splitlines()
    lines[2 * 11 + 4] = "C 1.0 here 2.0"
    path.write_text("\n".join(lines) + "\n")
    ensemble = read_ensemble(path)
    assert ensemble.indices.tolist() == [0, 3]
    assert [remark[:26] for remark in ensemble.remarks] == ["Left out: e.xyz, frame 2: ", "Left out: e.xyz, line 27: "]


def test_broken_frames_keep_orders_and_charge_where_bonds_agree(tmp_path):
    acid = from_smiles("CC(=O)[O-]")
    broken = acid.positions.copy()
    broken[4] += 5.0 * (broken[4] - broken[0])
    write_extxyz(
        tmp_path / "e.extxyz",
        acid,
        [broken, acid.positions, acid.positions],
        [{"energy": -1.5}, {"free_energy": 2.0}, {}],
    )
    ensemble = read_ensemble(tmp_path / "e.extxyz", keep_broken=True)
    np.testing.assert_array_equal(ensemble.energies, [-1.5, np.nan, np.nan])
    assert [len(molecule.bonds) for molecule in ensemble.molecules] == [5, 6, 6]
    assert ensemble.molecules[0].bond_orders.tolist().count(2.0) == 1
    np.testing.assert_array_equal(ensemble.molecules[0].formal_charges, acid.formal_charges)
    assert ensemble.remarks == (
        "Bonds are broken or formed; bond orders and charges are those of the complete structures where bonds agree. "
        "(1 of 3 structures)",
    )


def test_file_without_any_complete_structure_is_refused(tmp_path):
    broken = THIOLATE.positions.copy()
    broken[0] -= 9.0
    path = write_frames(tmp_path / "e.xyz", THIOLATE, [broken, broken])
    with pytest.raises(InputError, match=r"^e\.xyz: one molecule was expected"):
        read_ensemble(path, charge=-1, keep_broken=True)


def test_records_of_an_sdf_keep_their_own_bonds(tmp_path):
    ethanol, ether = from_smiles("CCO"), from_smiles("COC")
    write_sdf(tmp_path / "a.sdf", ethanol, [ethanol.positions], [{"energy_eV": -1.0}])
    write_sdf(tmp_path / "b.sdf", ether, [ether.positions], [{}])
    both = tmp_path / "both.sdf"
    both.write_text((tmp_path / "a.sdf").read_text() + (tmp_path / "b.sdf").read_text())
    ensemble = read_ensemble(both)
    for molecule, built in zip(ensemble.molecules, (ethanol, ether), strict=True):
        np.testing.assert_array_equal(molecule.bonds, built.bonds)
    np.testing.assert_array_equal(ensemble.energies, [-1.0, np.nan])
