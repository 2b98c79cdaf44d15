"""Runs and files on one surface: Lennard-Jones clusters whose minima are known, and a peptide in another order."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.errors import InputError
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.io.write import write_extxyz
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.store.store import Store
from explorer.workflows.compare_ensembles import compare_runs, frames_of
from explorer.workflows.session import Session

SIDE = 2 ** (1 / 6)
HEIGHT = np.sqrt(0.75)
# a square and its centre relax to the trigonal bipyramid, the only minimum of five atoms (-9.103852)
BIPYRAMID = SIDE * np.array([[0, 0, 0], [1, 0, 0], [0.5, HEIGHT, 0], [0.5, 0.3, 0.8], [0.5, 0.3, -0.8]])


def cluster(positions: np.ndarray) -> Molecule:
    n = len(positions)
    return Molecule(
        name=f"lj{n}",
        atomic_numbers=np.full(n, 18),
        positions=positions,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n, int),
    )


def stored(folder: Path, molecule: Molecule, structures: list[np.ndarray], settings: Settings) -> Path:
    minima = tuple(
        Minimum(
            id=k, energy=-9.0, positions=x, structure_class=StructureClass.INTACT, fmax=1e-4, n_evaluations=10, round=0
        )
        for k, x in enumerate(structures)
    )
    with Store.begin(folder / "run.sqlite", molecule, to_dict(settings), {"potential_digest": ""}) as store:
        store.commit(
            Round(
                index=0, minima=minima, hops=(), walkers={}, n_evaluations=100, wall_seconds=1.0, potential_seconds=1.0
            )
        )
    return folder


def test_structures_of_a_file_are_relaxed_to_the_minimum_of_the_run(tmp_path):
    settings = Settings(potential="lennard-jones", precision="float64")
    run = stored(tmp_path / "run", cluster(BIPYRAMID), [BIPYRAMID], settings)
    noise = np.random.default_rng(0).normal(scale=0.05, size=(3, 5, 3))
    order = [3, 1, 4, 0, 2]
    file = tmp_path / "many.extxyz"
    write_extxyz(file, cluster(BIPYRAMID), [(BIPYRAMID + one)[order] for one in noise], [{}] * 3)
    found = compare_runs(Session.open(run), file)
    assert found.a.energies == pytest.approx([-9.103852], abs=1e-5)
    assert found.b.energies == pytest.approx([-9.103852], abs=1e-5)
    assert (found.b.n_given, len(found.b.ids)) == (3, 1)
    assert (found.overlaps[0].recall, found.overlaps[0].precision) == (1.0, 1.0)
    with pytest.raises(InputError, match=r"received .* twice"):
        compare_runs(Session.open(run), run)


def test_structures_are_reordered_as_in_the_run_and_other_molecules_are_counted(tmp_path):
    molecule, other = from_sequence("A"), from_sequence("G")
    structures = embed(to_rdkit(molecule), 2, seed=3)
    order = np.random.default_rng(5).permutation(molecule.n_atoms)
    bonds = np.sort(np.argsort(order)[molecule.bonds], axis=1)
    names = tuple(molecule.atom_names[k] for k in order)
    shuffled = replace(
        molecule,
        atomic_numbers=molecule.atomic_numbers[order],
        bonds=bonds,
        atom_names=names,
        formal_charges=molecule.formal_charges[order],
    )
    mirrored = structures[0] * [1, 1, -1]
    write_extxyz(tmp_path / "a.xyz", shuffled, [structures[0][order], mirrored[order], structures[1][order]], [{}] * 3)
    write_extxyz(tmp_path / "b.xyz", other, [other.positions], [{}])
    file = tmp_path / "all.xyz"
    file.write_text((tmp_path / "b.xyz").read_text() + (tmp_path / "a.xyz").read_text())
    ids, positions, n_other, _ = frames_of(file, molecule)
    assert (ids.tolist(), n_other) == ([1, 3], 2)  # glycine, and the D-alanine that is the mirror image
    heavy = molecule.atomic_numbers > 1
    np.testing.assert_allclose(positions[:, heavy], structures[:, heavy], atol=1e-6)
    with pytest.raises(InputError, match="none of them a conformer"):
        frames_of(tmp_path / "b.xyz", molecule)


def test_path_that_is_neither_a_run_nor_an_ensemble_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="neither the folder of a run nor a file ending in"):
        frames_of(tmp_path / "notes.txt", from_sequence("A"))
    with pytest.raises(InputError, match="No file"):
        frames_of(tmp_path / "missing.xyz", from_sequence("A"))
