"""The public Python interface: lazy, complete, and in step with the command line and ASE."""

import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule as ase_molecule

import explorer
from explorer.bench.systems import random_cluster
from explorer.errors import ConfigError, InputError, StoreError

OPTIONS = {"potential": "lennard-jones", "precision": "float64", "walkers": 2, "hops": 6}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return explorer.explore(random_cluster(7, 0), tmp_path_factory.mktemp("lj7"), **OPTIONS)


def test_import_is_lazy_and_names_are_all_there():
    code = (
        "import sys, explorer\n"
        "assert not {'jax', 'numpy', 'ase'} & set(sys.modules)\n"
        "assert set(explorer.__all__) <= set(dir(explorer))\n"
        "explorer.read_run, explorer.read_molecule, explorer.Settings\n"
        "assert 'jax' not in sys.modules\n"
        "for name in explorer.__all__:\n"
        "    assert getattr(explorer, name).__doc__, name\n"
        "import explorer.workflows.relax, explorer.workflows.compare_ensembles\n"
        "assert callable(explorer.relax) and callable(explorer.compare)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'expolre'"):
        explorer.expolre  # noqa: B018


def test_read_molecule_takes_one_source():
    assert explorer.read_molecule(smiles="CCO").n_atoms == 9
    assert explorer.read_molecule(sequence="G", caps="none").n_atoms == 10
    with pytest.raises(InputError):
        explorer.read_molecule()


def test_explored_run_is_the_stored_one(run, tmp_path_factory):
    folder = next(tmp_path_factory.getbasetemp().glob("lj7*"))
    stored = explorer.read_run(folder)
    assert [m.energy for m in stored.minima] == [m.energy for m in run.minima]
    assert len(stored.hops) == len(run.hops) >= 6
    assert (folder / "index.html").exists()
    with pytest.raises(StoreError):
        explorer.explore(random_cluster(7, 0), folder, **OPTIONS)


def test_graph_has_the_promised_attributes(run):
    graph = run.graph()
    assert isinstance(graph, nx.MultiGraph)
    assert sorted(graph.nodes) == [m.id for m in run.minima]
    assert min(relative for _, relative in graph.nodes(data="relative_energy")) == 0
    lowest = min(m.energy for m in run.minima)
    for id, values in graph.nodes(data=True):
        assert values["energy"] - lowest == pytest.approx(values["relative_energy"])
        assert values["structure_class"] == run.minima[id].structure_class
    assert {kind for *_, kind in graph.edges(data="kind")} <= {"escape", "jump"}


def test_atoms_have_energy_and_vanishing_forces(run):
    atoms = run.atoms(0)
    assert atoms.get_potential_energy() == pytest.approx(run.minima[0].energy, abs=1e-9)
    assert np.abs(atoms.get_forces()).max() < 1e-3
    with pytest.raises(InputError, match="minima 0 to"):
        run.atoms(len(run.minima))


def test_dataframe_has_a_row_for_each_minimum(run):
    pytest.importorskip("pandas")
    table = run.to_dataframe()
    assert list(table.index) == [m.id for m in run.minima]
    assert table["energy"].tolist() == [m.energy for m in run.minima]


def test_potential_agrees_with_its_ase_calculator():
    potential = explorer.load_potential("lennard-jones")
    pair = Atoms("Ar2", [[0, 0, 0], [0, 0, 2 ** (1 / 6)]])
    energy, forces = potential.energy_and_forces(pair)
    assert energy == pytest.approx(-1)
    np.testing.assert_allclose(forces, 0, atol=1e-12)
    pair.calc = explorer.ExplorerCalculator("lennard-jones", precision="float64")
    assert pair.get_potential_energy() == pytest.approx(energy)
    assert potential.energy_and_forces(random_cluster(5, 0))[1].shape == (5, 3)


def test_relax_takes_one_structure_or_several():
    stretched = Atoms("Ar2", [[0, 0, 0], [0, 0, 1.3]])
    one = explorer.relax(stretched, "lennard-jones", fmax=1e-6)
    assert one.get_distance(0, 1) == pytest.approx(2 ** (1 / 6), abs=1e-4)
    assert one.get_potential_energy() == pytest.approx(-1, abs=1e-6)
    assert one.info["status"] == "converged"
    both = explorer.relax([stretched, stretched], explorer.load_potential("lennard-jones"))
    assert [atoms.get_potential_energy() for atoms in both] == pytest.approx([-1, -1], abs=1e-4)
    with pytest.raises(ConfigError, match="fmaxx"):
        explorer.relax(stretched, "lennard-jones", fmaxx=1)


def test_atoms_must_be_one_molecule():
    water = ase_molecule("H2O")
    two = water + Atoms(water.numbers, water.positions + 8)
    with pytest.raises(InputError):
        explorer.relax(two, "lennard-jones")


def test_run_is_compared_with_itself_in_a_file(run, tmp_path, tmp_path_factory):
    folder = next(tmp_path_factory.getbasetemp().glob("lj7*"))
    found = explorer.compare(folder, folder / "minima.extxyz")
    assert (found.overlaps[0].recall, found.overlaps[0].precision) == (1.0, 1.0)
    assert found.in_b.all()
