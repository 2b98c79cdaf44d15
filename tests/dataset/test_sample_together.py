"""Many starts at a time on a network: all kinds of geometries, with labels of the network, and one file each."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from fixed_network import FIXED_NETWORK

from explorer.dataset.collect import collect
from explorer.dataset.dataset import load_dataset
from explorer.dataset.label import molecule_of
from explorer.dataset.network_reference import NetworkReference, SingleStructure
from explorer.dataset.parts import SampledFrame, read_part
from explorer.dataset.recipe import MoleculeRecipe, Recipe, Sampling
from explorer.dataset.sample_together import Networks, Start, sample_together
from explorer.dataset.second_opinion import CHECKED_FORCE, Disagreement, NoSecondOpinion
from explorer.potential.ase_calculator import ExplorerCalculator

SETTINGS = Sampling(
    temperatures=(300.0, 900.0), n_relaxation=12, n_steps=8, stride=4, fmax=0.05, n_shells=2, n_modes=2, n_turns=4,
    n_hydrogens=4, n_contacts=2, n_descents=1,
)  # fmt: skip
ENTRIES = (
    MoleculeRecipe("acetamide", 2, smiles="CC(N)=O", sampling=SETTINGS),
    MoleculeRecipe("pair", 1, smiles="C.O=C", sampling=SETTINGS),
)


@pytest.fixture(scope="module")
def networks():
    return Networks(NetworkReference(FIXED_NETWORK, "float32", exact=False), NetworkReference(FIXED_NETWORK))


@pytest.fixture(scope="module")
def sampled(networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    starts = [
        Start(entry, k, molecule_of(entry), folder / f"{entry.key}-{k:05d}.npz")
        for entry in ENTRIES
        for k in range(entry.n_starts)
    ]
    sample_together(starts, networks, NoSecondOpinion(), 1)
    return folder


def test_every_kind_of_geometry_is_labelled_by_the_network(sampled):
    kinds = set()
    for path in sampled.iterdir():
        header, part = read_part(path)
        assert header["failures"] == []
        kinds |= {stage.split("-")[0] for stage in part["stage"].tolist()}
        for k in (0, len(part["energy"]) // 2, -1):
            atoms = Atoms(part["atomic_numbers"], positions=part["positions"][k].astype(float))
            atoms.calc = ExplorerCalculator(FIXED_NETWORK, precision="float64", exact=True)
            assert part["energy"][k] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
            np.testing.assert_allclose(part["forces"][k], atoms.get_forces(), atol=1e-4)
    assert kinds == {"relaxation", "shell", "modes", "dynamics", "turn", "hydrogen", "contact", "descent"}


def test_start_does_not_depend_on_the_others_of_its_block(networks, sampled, tmp_path):
    alone = Start(ENTRIES[1], 0, molecule_of(ENTRIES[1]), tmp_path / "pair.npz")
    sample_together([alone], networks, NoSecondOpinion(), 1)
    (_, here), (_, there) = read_part(alone.path), read_part(sampled / "pair-00000.npz")
    assert here["stage"].tolist() == there["stage"].tolist()
    np.testing.assert_allclose(here["positions"], there["positions"], atol=1e-3)


def test_starts_of_a_molecule_have_their_own_random_numbers_temperature_and_conformer(sampled):
    (_, first), (_, second) = (read_part(sampled / f"acetamide-0000{k}.npz") for k in range(2))
    assert not np.allclose(first["positions"][0], second["positions"][0])
    stages = {*first["stage"].tolist(), *second["stage"].tolist()}
    assert {"dynamics-300", "dynamics-900"} <= stages
    assert set(first["conformer"]).isdisjoint(second["conformer"])


def test_files_are_collected_into_a_dataset(sampled, tmp_path):
    recipe = Recipe(ENTRIES, sampler="network", max_force=1e4, max_energy=1e3)
    meta = collect(recipe, "so3lr:/home/somebody", sampled, tmp_path / "d.npz")
    data = load_dataset(tmp_path / "d.npz")
    assert meta["reference"] == "so3lr"
    assert {name: len(d.energy) for name, d in data.items()} == meta["frames"]
    assert sum(meta["frames"].values()) + meta["frames_with_broken_bonds"] == sum(
        len(read_part(path)[1]["energy"]) for path in sampled.iterdir()
    )


def test_start_that_cannot_be_built_does_not_stop_the_others(networks, tmp_path):
    entries = (MoleculeRecipe("acid", 1, smiles="OC=O", sampling=SETTINGS), ENTRIES[0])
    starts = [Start(entry, 0, molecule_of(entry), tmp_path / f"{entry.name}.npz") for entry in entries]
    bad = starts[0]._replace(mol=None, path=tmp_path / "bad.npz")
    with pytest.raises(AttributeError):  # not even a file can be written without a molecule
        sample_together([bad], networks, NoSecondOpinion(), 1)
    sample_together(starts, networks, NoSecondOpinion(), 1)
    assert all(len(read_part(s.path)[1]["energy"]) > 5 for s in starts)


class Shifted(Calculator):
    """Forces of zero, and energies by the position of the first atom."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if self.atoms.positions[0, 0] > 5:
            raise RuntimeError("no convergence")
        self.results = {"energy": self.atoms.positions[0, 0], "forces": np.zeros((2, 3))}


def _frame(x: float, energy: float, force: float) -> SampledFrame:
    positions = np.array([[x, 0, 0], [x, 0, 1.0]])
    return SampledFrame(positions, energy, np.array([[force, 0, 0], [0, 0, 0]]), "turn")


def test_frames_on_which_two_methods_disagree_are_left_out_and_counted():
    low = CHECKED_FORCE - 1
    frames = [
        _frame(0.0, 0.0, 0.1),
        _frame(9.0, 0.0, low),  # not checked
        _frame(4.0, 4.5, CHECKED_FORCE + 1e-3),  # energies agree, but the second method has no force at all
        _frame(6.0, 4.5, CHECKED_FORCE + 1.0),  # the second method fails
    ]
    structure = SingleStructure(np.array([6, 8]), 0, 0, frames[0].positions)
    kept, counts = Disagreement(Shifted()).keep(structure, frames)
    assert [frame.positions[0, 0] for frame in kept] == [0.0, 9.0]
    assert (counts["checked"], counts["doubtful"]) == (2, 2)
    assert len(counts["differences"]) == 1


def test_relative_energies_decide_too(monkeypatch):
    monkeypatch.setattr("explorer.dataset.second_opinion.FORCE_FLOOR", 1e3)
    frames = [_frame(0.0, 2.0, 0.0), _frame(1.0, 3.2, 20.0), _frame(1.0, 9.0, 20.0)]
    kept, _ = Disagreement(Shifted()).keep(SingleStructure(np.array([6, 8]), 0, 0, frames[0].positions), frames)
    assert [frame.energy for frame in kept] == [2.0, 3.2]
