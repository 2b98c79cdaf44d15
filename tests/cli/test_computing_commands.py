"""Arguments and output of `relax`, `compare` and `validate`."""

import json
import sys
from types import ModuleType, SimpleNamespace

import ase.io
import numpy as np
import pytest
from connected_run import write_connected_run
from rdkit import Chem

from explorer.io.build import from_sequence, from_smiles
from explorer.io.write import write_extxyz, write_sdf
from explorer.records.comparisons import SaddleValidation, Validation
from explorer.records.structure_class import StructureClass
from explorer.records.trajectories import ThermodynamicEnsemble, Trajectory
from explorer.units import KCAL_PER_MOL


@pytest.fixture
def library(monkeypatch):
    """Workflows that only note what they were asked."""
    asked = SimpleNamespace(comparison="stored by the library")

    def relax_structures(molecules, settings, method, progress):
        asked.settings, asked.method = settings, method
        progress(len(molecules), len(molecules))
        return [
            SimpleNamespace(
                positions=m.positions + 1.0,
                energy=-1.5 - n,
                fmax=0.003,
                n_evaluations=20 + n,
                status="converged",
                structure_class=StructureClass.CIS_AMIDE,
                uncertainty=None,
                exclusion="a hole" if n == 1 else "",
            )
            for n, m in enumerate(molecules)
        ]

    def compare_run(session, training, n_frames, progress, units=None):
        out = session.folder
        asked.compare = (out, training, n_frames)
        progress(n_frames or 1, n_frames or 1)
        return asked.comparison

    def validate_run(session, reference, n, progress):
        out = session.folder
        asked.validate = (out, reference, n)
        progress(1, 1)
        return Validation(
            reference=reference,
            ids=np.array([2]),
            rmsd=np.array([0.123]),
            stayed=np.array([True]),
            energy=np.array([0.2]),
            reference_energy=np.array([0.25]),
        )

    for command, function in {
        "relax": relax_structures,
        "compare_training": compare_run,
        "validate": validate_run,
    }.items():
        module = ModuleType(f"explorer.workflows.{command}")
        setattr(module, function.__name__, function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


@pytest.fixture
def two_molecules(tmp_path):
    """An SDF file with ethane and methanol."""
    for smiles in ("CC", "CO"):
        molecule = from_smiles(smiles)
        write_sdf(tmp_path / f"{smiles}.sdf", molecule, [molecule.positions], [{}])
    path = tmp_path / "two.sdf"
    path.write_text((tmp_path / "CC.sdf").read_text() + (tmp_path / "CO.sdf").read_text())
    return path


def test_relax_writes_every_structure_with_its_numbers(pes_explore, library, two_molecules, tmp_path):
    output = tmp_path / "relaxed.extxyz"
    code, out, err = pes_explore("relax", two_molecules, output, "--set", "relax.fmax=0.001", "--method", "fire")
    assert code == 0
    assert library.settings.relax.fmax == 0.001
    assert library.method == "fire"
    frames = ase.io.read(output, ":")
    assert [str(atoms.symbols) for atoms in frames] == ["C2H6", "COH4"]
    assert [atoms.get_potential_energy() for atoms in frames] == [-1.5, -2.5]
    assert [atoms.info["n_evaluations"] for atoms in frames] == [20, 21]
    assert {(a.info["fmax"], a.info["status"], a.info["class"]) for a in frames} == {(0.003, "converged", "cis-amide")}
    assert "2 of 2 structures" in err
    assert [atoms.info.get("exclusion") for atoms in frames] == [None, "a hole"]
    assert "1 of 2 relaxed structures are unknown to the model" in err
    assert out.splitlines()[-1] == str(output)


def test_relax_writes_nothing_before_the_process_may_restart(pes_explore, library, monkeypatch, capsys, tmp_path):
    water = from_smiles("O")
    given = tmp_path / "water.xyz"
    write_extxyz(given, water, [water.positions], [{"energy": 1.0}])
    given.write_text(given.read_text().replace("Properties=species:S:1:pos:R:3 ", ""))
    written = []
    monkeypatch.setattr("cli.relax.prepare_device", lambda: written.append(capsys.readouterr().err))
    assert "has no unit" in pes_explore("relax", given, tmp_path / "out.xyz").err
    assert written == [""]


def test_relax_writes_sdf_by_suffix(pes_explore, library, two_molecules, tmp_path):
    assert pes_explore("relax", two_molecules, tmp_path / "relaxed.sdf").code == 0
    mols = list(Chem.SDMolSupplier(str(tmp_path / "relaxed.sdf"), removeHs=False))
    assert [mol.GetNumAtoms() for mol in mols] == [8, 6]
    assert mols[1].GetDoubleProp("energy_eV") == -2.5


def test_relax_refuses_other_suffixes_and_existing_files(pes_explore, library, two_molecules, tmp_path):
    code, _, err = pes_explore("relax", two_molecules, tmp_path / "relaxed.pdb")
    assert code == 1
    assert ".sdf" in err
    code, _, err = pes_explore("relax", two_molecules, two_molecules)
    assert code == 1
    assert "--force" in err


def test_relax_of_many_frames_of_one_molecule(pes_explore, library, tmp_path):
    molecule = from_sequence("G")
    write_extxyz(tmp_path / "many.extxyz", molecule, [molecule.positions] * 3, [{}] * 3)
    assert pes_explore("relax", tmp_path / "many.extxyz", tmp_path / "out.xyz").code == 0
    assert len(ase.io.read(tmp_path / "out.xyz", ":")) == 3


def test_compare_takes_a_number_of_frames_or_all_of_them(pes_explore, library, make_run, tmp_path):
    make_run(tmp_path)
    assert pes_explore("compare", tmp_path).code == 0
    assert library.compare == (tmp_path, None, 1000)
    assert pes_explore("compare", tmp_path, "--frames", "all").code == 0
    assert library.compare == (tmp_path, None, None)
    assert pes_explore("compare", tmp_path, "--training", tmp_path / "t.npz", "--frames", 7).code == 0
    assert library.compare == (tmp_path, tmp_path / "t.npz", 7)
    assert (tmp_path / "index.html").exists()


@pytest.mark.parametrize("frames", ["0", "-3", "many", "1.5"])
def test_compare_refuses_other_numbers_of_frames(pes_explore, library, make_run, tmp_path, frames):
    make_run(tmp_path)
    code, _, err = pes_explore("compare", tmp_path, "--frames", frames)
    assert code == 2
    assert "--frames takes a number from 1, or all" in err


def test_compare_reports_training_data_without_the_molecule(pes_explore, library, make_run, tmp_path):
    make_run(tmp_path)
    library.comparison = None
    code, _, err = pes_explore("compare", tmp_path)
    assert code == 1
    assert "--training FILE" in err


def test_validate_prints_which_minima_stayed(pes_explore, library, make_run, tmp_path):
    make_run(tmp_path)
    code, out, err = pes_explore("validate", tmp_path, "--reference", "gfn2", "--n", 1)
    assert err.startswith("Preparing the relaxation of 1 minimum with gfn2."), "it speaks before the first result"
    assert code == 0
    assert library.validate == (tmp_path, "gfn2", 1)
    assert out.splitlines()[1].split() == ["2", "yes", "0.123", "0.200", "0.250"]


def test_validate_refines_transition_states_on_request(pes_explore, monkeypatch, tmp_path):
    module = ModuleType("explorer.workflows.validate_saddles")

    def validate_saddles(session, reference, n, progress, stop):
        results = (
            SaddleValidation(
                saddle=0,
                reference=reference,
                reason="",
                energy=1.0,
                end_energies=(1.0 - 2 * KCAL_PER_MOL, 1.0 - 0.5 * KCAL_PER_MOL),
                rmsd=0.05,
            ),
            SaddleValidation(
                saddle=1,
                reference=reference,
                reason="joins minimum 0 and minimum 3",
                energy=1.0,
                end_energies=(0.5, 0.5),
                rmsd=0.4,
            ),
        )
        assert n == 2
        progress(n, n)
        with session.writing() as store:
            store.save_saddle_validations(results)
        session.update(saddle_validations=results)

    module.validate_saddles = validate_saddles
    monkeypatch.setitem(sys.modules, module.__name__, module)
    write_connected_run(tmp_path)  # its first transition state is 2.1 kcal/mol above minimum 0, and 0.2 above minimum 2
    code, out, err = pes_explore("validate", tmp_path, "--saddles", "--reference", "gfn2", "--n", 2)
    assert code == 0
    assert err.startswith("Preparing the refinement of 2 transition states with gfn2.")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "0 0 - 2 2.10, 0.20 2.00, 0.50 +0.10, -0.30 0.05" in lines
    assert "1 0 - 1 6.70, 5.30 – – 0.40 joins minimum 0 and minimum 3" in lines
    text = (
        "1 of 2 transition states join the same minima with gfn2; mean absolute error of the barriers 0.20 kcal/mol, "
    )
    assert f"{text}largest 0.30" in out
    summary = json.loads((tmp_path / "summary.json").read_text())["saddle_validation"]
    assert summary["mean_barrier_error"] == pytest.approx(-0.1 * KCAL_PER_MOL)
    page = (tmp_path / "index.html").read_text()
    assert "Barriers with gfn2" in page
    assert text in page


@pytest.fixture
def dynamics(monkeypatch):
    """`explorer.workflows.stability` with a function that notes what it was asked and computes nothing."""
    module = ModuleType("explorer.workflows.stability")
    asked = SimpleNamespace()

    def follow_run(session, settings, progress, stop):
        out = session.folder
        asked.follow = (out, settings.picoseconds)
        progress(3, 3)
        return asked.trajectories

    module.follow_run = follow_run
    monkeypatch.setitem(sys.modules, "explorer.workflows.stability", module)
    return asked


def test_validate_with_dynamics_only_needs_no_reference(pes_explore, library, dynamics, make_run, tmp_path):
    make_run(tmp_path)
    broken = Trajectory(
        ensemble=ThermodynamicEnsemble.CONSTANT_ENERGY,
        temperature=500.0,
        seed=1,
        minimum=0,
        picoseconds=1.5,
        failure="bond-broken",
        reason="bond broken",
        mean_temperature=507.0,
        drift=-0.02,
        fluctuation=0.1,
    )
    dynamics.trajectories = (
        broken,
        Trajectory(
            ensemble=ThermodynamicEnsemble.CONSTANT_ENERGY,
            temperature=500.0,
            seed=2,
            minimum=0,
            picoseconds=2.0,
            failure="",
            reason="",
            mean_temperature=497.0,
            drift=0.01,
            fluctuation=0.1,
        ),
    )
    code, out, err = pes_explore("validate", tmp_path, "--stability", 2)
    assert code == 0
    assert dynamics.follow == (tmp_path, 2.0)
    assert not hasattr(library, "validate")
    assert out.splitlines()[1].split() == ["constant", "energy", "500", "502", "1", "of", "2", "1.5", "2.0", "0.02"]
    assert "3 of 3 blocks" in err


def test_validate_runs_reference_and_dynamics_if_both_are_requested(pes_explore, library, dynamics, make_run, tmp_path):
    make_run(tmp_path)
    dynamics.trajectories = ()
    code, _, err = pes_explore("validate", tmp_path, "--reference", "gfn2", "--stability", 2)
    assert code == 0
    assert library.validate == (tmp_path, "gfn2", 20)
    assert "nothing was kept" in err
