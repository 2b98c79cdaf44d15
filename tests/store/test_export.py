"""Exported files contain the values of the run when other programs read them."""

import csv
import math
import re
from dataclasses import replace

import ase.io
import networkx as nx
import numpy as np
import pytest
from rdkit import Chem

from explorer.errors import ConfigError
from explorer.io.build import from_sequence
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.moves import Move
from explorer.records.properties import Properties
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.store.export import export, export_minima_extxyz

MOLECULE = from_sequence("A")
ALL = ("extxyz", "sdf", "graphml", "csv")


def make_minimum(id: int, energy: float, structure_class: StructureClass) -> Minimum:
    positions = MOLECULE.positions + 0.01 * np.random.default_rng(id).normal(size=MOLECULE.positions.shape)
    return Minimum(
        id=id,
        energy=energy,
        positions=positions,
        structure_class=structure_class,
        fmax=0.004,
        n_evaluations=100 * (id + 1),
        round=id,
    )


def make_hop(index: int, start: int, end: int | None, highest: float, outcome: Outcome) -> Hop:
    return Hop(
        walker=0,
        index=index,
        round=index,
        start=start,
        end=end,
        outcome=outcome,
        reason='clash, "hard"',
        accepted=True,
        temperature=400.0,
        ediff=0.08,
        highest_energy=highest,
        n_evaluations=50,
    )


@pytest.fixture(scope="module")
def run() -> RunRecord:
    minima = (
        make_minimum(0, -100.5, StructureClass.INTACT),
        make_minimum(1, -101.123456789, StructureClass.CIS_AMIDE),
        make_minimum(2, -99.0, StructureClass.PROTON_TRANSFERRED),
    )
    hops = (
        make_hop(0, -1, 0, math.nan, Outcome.NEW),
        make_hop(1, 0, 1, -100.0, Outcome.NEW),
        make_hop(2, 1, 0, -100.2, Outcome.KNOWN),
        make_hop(3, 0, None, -90.0, Outcome.FAILED),
        make_hop(4, 0, 2, -98.0, Outcome.CHANGED),
    )
    return RunRecord(
        molecule=MOLECULE,
        config={},
        provenance={},
        minima=minima,
        hops=hops,
        rounds=((500, 3, 1.0, 0.5),),
        visits={0: 2, 1: 1, 2: 1},
    )


def test_ase_reads_the_extxyz_with_all_documented_values(run, tmp_path):
    export_minima_extxyz(run, tmp_path / "minima.extxyz")
    frames = ase.io.read(tmp_path / "minima.extxyz", ":")
    assert [atoms.info["id"] for atoms in frames] == [1, 0, 2]
    assert [atoms.get_potential_energy() for atoms in frames] == [-101.123456789, -100.5, -99.0]
    assert [atoms.info["class"] for atoms in frames] == ["cis-amide", "intact", "proton-transferred"]
    assert [atoms.info["visits"] for atoms in frames] == [1, 2, 1]
    assert [atoms.info["n_evaluations"] for atoms in frames] == [200, 100, 300]
    np.testing.assert_allclose(frames[0].positions, run.minima[1].positions, atol=1e-7)
    assert frames[0].numbers.tolist() == MOLECULE.atomic_numbers.tolist()


def test_rdkit_reads_the_sdf_with_bonds_and_fields(run, tmp_path):
    (path,) = export(run, tmp_path, ["sdf"])
    mols = list(Chem.SDMolSupplier(str(path), removeHs=False))
    assert [mol.GetIntProp("id") for mol in mols] == [1, 0, 2]
    assert mols[0].GetDoubleProp("energy_eV") == -101.123456789
    assert mols[0].GetProp("class") == "cis-amide"
    assert mols[0].GetNumBonds() == len(MOLECULE.bonds)


def test_structure_with_other_bonds_has_its_own_in_the_sdf(run, tmp_path):
    moved = MOLECULE.positions.copy()
    hydrogen = int(np.flatnonzero(MOLECULE.atomic_numbers == 1)[0])
    moved[hydrogen] += (
        8.0 * (moved[hydrogen] - moved.mean(axis=0)) / np.linalg.norm(moved[hydrogen] - moved.mean(axis=0))
    )
    broken = replace(make_minimum(0, -99.0, StructureClass.FRAGMENTED), positions=moved)
    (path,) = export(replace(run, minima=(broken,), visits={0: 1}), tmp_path, ["sdf"])
    mol = Chem.MolFromMolFile(str(path), removeHs=False, sanitize=False)
    assert mol.GetAtomWithIdx(hydrogen).GetDegree() == 0
    assert mol.GetNumBonds() == len(MOLECULE.bonds) - 1
    assert sum(bond.GetBondType() == Chem.BondType.DOUBLE for bond in mol.GetBonds()) == 2


def test_no_export_contains_infinite_numbers(run, tmp_path):
    jump = replace(make_hop(5, 1, 2, math.inf, Outcome.KNOWN), move=Move.TORSION)
    for path in export(replace(run, hops=(*run.hops, jump)), tmp_path, ALL):
        assert not re.search(r"\b(inf|nan)\b", path.read_text(), re.IGNORECASE), path.name
    graph = nx.read_graphml(tmp_path / "graph.graphml", node_type=int, force_multigraph=True)
    assert "upper_bound_eV" not in graph.get_edge_data(1, 2)[next(iter(graph.get_edge_data(1, 2)))]


def test_networkx_reads_the_graph(run, tmp_path):
    (path,) = export(run, tmp_path, ["graphml"])
    graph = nx.read_graphml(path, node_type=int, force_multigraph=True)
    assert set(graph.nodes) == {0, 1, 2}
    assert graph.nodes[1]["energy_eV"] == -101.123456789
    assert graph.nodes[2]["structure_class"] == "proton-transferred"
    assert graph.has_edge(0, 1)
    (edge,) = graph.get_edge_data(0, 1).values()
    assert edge["n_hops"] == 2
    assert edge["upper_bound_eV"] == -100.2


def test_csv_contains_every_minimum_and_every_hop(run, tmp_path):
    minima_path, hops_path = export(run, tmp_path, ["csv"])
    with minima_path.open(newline="") as stream:
        minima = list(csv.DictReader(stream))
    with hops_path.open(newline="") as stream:
        hops = list(csv.DictReader(stream))
    assert [row["id"] for row in minima] == ["1", "0", "2"]
    assert (float(minima[0]["energy_eV"]), minima[0]["class"], minima[0]["visits"]) == (
        -101.123456789,
        "cis-amide",
        "1",
    )
    assert [row["outcome"] for row in hops] == ["new", "new", "known", "failed", "changed"]
    assert hops[3]["end"] == ""
    assert hops[3]["reason"] == 'clash, "hard"'


def test_run_without_minima_gives_empty_but_valid_files(tmp_path):
    empty = RunRecord(molecule=MOLECULE, config={}, provenance={}, minima=(), hops=(), rounds=())
    names = ["minima.extxyz", "minima.sdf", "graph.graphml", "minima.csv", "hops.csv"]
    assert [path.name for path in export(empty, tmp_path / "new", ALL)] == names
    assert len(nx.read_graphml(tmp_path / "new" / "graph.graphml")) == 0


def test_unknown_format_is_refused_before_anything_is_written(run, tmp_path):
    with pytest.raises(
        ConfigError, match="one of extxyz, sdf, graphml, saddles, csv, json, pathsample, received 'pdb'"
    ):
        export(run, tmp_path / "new", ["extxyz", "pdb"])
    assert not (tmp_path / "new").exists()


def test_charges_and_dipoles_are_exported_if_the_model_provides_them(run, tmp_path):
    rng = np.random.default_rng(0)
    known = Properties(
        local=np.zeros(3),
        zbl=np.zeros(3),
        electrostatic=np.zeros(3),
        dispersion=np.zeros(3),
        charges=rng.normal(size=(3, MOLECULE.n_atoms)),
        dipoles=rng.normal(size=(3, 3)),
    )
    export_minima_extxyz(replace(run, properties=known), tmp_path / "minima.extxyz")
    frames = ase.io.read(tmp_path / "minima.extxyz", ":")
    for atoms in frames:
        k = atoms.info["id"]
        np.testing.assert_allclose(atoms.get_charges(), known.charges[k], atol=1e-7)
        assert atoms.info["dipole_moment"] == pytest.approx(known.dipole_moments[k])


@pytest.fixture
def with_hole(run):
    minima = (*run.minima, replace(make_minimum(3, -300.0, StructureClass.INTACT), exclusion="a hole"))
    return replace(run, minima=minima, hops=(*run.hops, make_hop(5, 1, 3, -98.0, Outcome.TOO_UNCERTAIN)))


def test_minima_that_the_model_does_not_know_are_exported_on_request_only(with_hole, tmp_path):
    export(with_hole, tmp_path / "results", ALL)
    export(with_hole, tmp_path / "all", ALL, with_unknown=True)
    results, every = (ase.io.read(tmp_path / name / "minima.extxyz", ":") for name in ("results", "all"))
    assert [atoms.info["id"] for atoms in results] == [1, 0, 2]
    assert [atoms.info["id"] for atoms in every] == [1, 0, 2, 3]  # behind the results, however low
    assert every[3].info["exclusion"] == "a hole"
    assert not any("exclusion" in atoms.info for atoms in results)
    for name, n in (("results", 3), ("all", 4)):
        graph = nx.read_graphml(tmp_path / name / "graph.graphml")
        assert len(graph) == len(list(Chem.SDMolSupplier(str(tmp_path / name / "minima.sdf"), removeHs=False))) == n
        assert min(data["relative_energy_eV"] for _, data in list(graph.nodes(data=True))[:3]) == 0
        with (tmp_path / name / "hops.csv").open() as stream:
            assert len(list(csv.DictReader(stream))) == 6  # all hops, so that force calls add up
