"""Domain of training data: chemistry, distances and energies, against data that are built for it."""

import json

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.dataset.dataset import MoleculeData
from explorer.errors import CheckpointError
from explorer.io.build import from_sequence, from_smiles
from explorer.potential.checkpoint import find_checkpoint, shipped_checkpoints
from explorer.potential.hyperparameters import Hyperparameters
from explorer.uncertainty.additivity import MIN_MARGIN, GroupAdditivity, count_groups
from explorer.uncertainty.closest_pairs import ClosestPairs, closest_pairs
from explorer.uncertainty.domain import DOMAIN_FILE, Domain

SHARES = {"C": -3.0, "O": -2.0, "N": -2.5, "H": -0.5}  # eV per atom of the made-up surface
TRAINED = ("CC", "CCC", "CCCC", "CO", "CCO", "CCCO", "CC(=O)O", "CCC(=O)O", "CC(=O)[O-]")
HP = Hyperparameters(trained_elements=(1, 6, 8), atomic_energies=(1.0, 2.0, 3.0))


def data_of(molecule, n=4, width=0.01, energy=0.0):
    rng = np.random.default_rng(0)
    names = np.full(n, "x")
    return MoleculeData(
        atomic_numbers=molecule.atomic_numbers,
        bonds=molecule.bonds,
        total_charge=molecule.total_charge,
        positions=molecule.positions + rng.normal(0, width, (n, molecule.n_atoms, 3)),
        energy=energy + np.arange(n) * 0.1,
        forces=np.zeros((n, molecule.n_atoms, 3)),
        conformer=names,
        stage=names,
        split=np.full(n, "train"),
    )


def made_up_energy(molecule):
    """Energy of the network: a sum over elements, without the energies of the atoms."""
    symbols = {1: "H", 6: "C", 7: "N", 8: "O"}
    return sum(SHARES[symbols[z]] for z in molecule.atomic_numbers.tolist())


def groups_of(molecule):
    return count_groups(molecule.atomic_numbers, molecule.bonds, molecule.formal_charges)


def atoms_of(molecule):
    return sum({1: 1.0, 6: 2.0, 8: 3.0}[z] for z in molecule.atomic_numbers.tolist())


@pytest.fixture(scope="module")
def domain():
    molecules = [from_smiles(smiles) for smiles in TRAINED]
    labels = {m.source: data_of(m, energy=made_up_energy(m) + atoms_of(m)) for m in molecules}
    return Domain.of(labels, HP)


@pytest.mark.parametrize(
    ("smiles", "unseen"),
    [
        ("CCCCC", []),
        ("OCCC(=O)O", []),
        ("CCC(=O)[O-]", []),
        ("CC=O", ["C", "C, H, O"]),
        ("CC[O-]", ["alkoxide oxygen O(-)"]),
        ("CC#N", ["nitrile nitrogen"]),
    ],
)
def test_chemistry_that_was_never_seen_is_named(domain, smiles, unseen):
    found = domain.unseen(from_smiles(smiles))
    assert bool(found) == bool(unseen)
    assert all(any(word in text for text in found) for word in unseen)


def test_total_charges_beyond_the_training_data_are_named(domain):
    assert domain.total_charges == (-1, 0)
    assert domain.unseen(from_smiles("[O-]C(=O)CC(=O)[O-]")) == ["total charge -2 (training data: -1 to +0)"]


@pytest.mark.parametrize("smiles", ["CCCCC", "CCCCCO", "OCCO", "CCCCC(=O)O"])
def test_the_floor_lies_by_the_margin_below_the_energy_of_the_groups(domain, smiles):
    molecule = from_smiles(smiles)
    assert domain.energies.margin == MIN_MARGIN
    floor = domain.energy_floor(molecule)
    assert floor == pytest.approx(made_up_energy(molecule) - MIN_MARGIN * molecule.n_atoms, abs=1e-6)


def test_there_is_no_floor_where_the_training_data_do_not_determine_it(domain):
    assert domain.energy_floor(from_smiles("CC#N")) == -np.inf  # a group that was never seen
    molecule = from_smiles("CCO")
    alone = GroupAdditivity.fit([groups_of(molecule)], np.array([-5.0]), np.array([9.0]))
    assert alone.floor(groups_of(molecule), 9) == pytest.approx(-5.0 - 9 * MIN_MARGIN)
    assert (
        alone.floor(groups_of(from_smiles("CCCCO")), 15) == -np.inf
    )  # one molecule tells nothing about the shares of its groups


def test_there_is_no_floor_for_more_charges_than_were_seen(domain):
    assert domain.energies.largest == {"cations": 0, "anions": 1, "opposite charges": 0, "like charges": 0}
    assert np.isfinite(domain.energy_floor(from_smiles("CCCC(=O)[O-]")))
    assert domain.energy_floor(from_smiles("[O-]C(=O)CCC(=O)[O-]")) == -np.inf


def test_a_wide_scatter_widens_the_margin():
    molecules = [from_smiles(smiles) for smiles in TRAINED]
    n_atoms = np.array([m.n_atoms for m in molecules] * 3, float)
    energies = np.array([made_up_energy(m) for m in molecules] * 3) + np.repeat([-0.1, 0.0, 0.1], 9) * n_atoms
    assert GroupAdditivity.fit([groups_of(m) for m in molecules] * 3, energies, n_atoms).margin > MIN_MARGIN


def test_closest_pairs_are_those_of_the_frames():
    ethanol = from_smiles("CCO")
    frames = data_of(ethanol, n=6, width=0.05).positions
    found = closest_pairs(ethanol.atomic_numbers, ethanol.bonds, frames)
    carbons = np.flatnonzero(ethanol.atomic_numbers == 6)
    lengths = np.linalg.norm(frames[:, carbons[0]] - frames[:, carbons[1]], axis=1)
    assert found["C-C 1"] == pytest.approx(lengths.min())
    test = ClosestPairs(found, ethanol.atomic_numbers, ethanol.bonds)
    assert all(test.closer_pair(frame) is None for frame in frames)
    squeezed = frames[0].copy()
    squeezed[carbons[1]] += 0.3 * (squeezed[carbons[0]] - squeezed[carbons[1]])
    i, j, distance, least = test.closer_pair(squeezed)
    assert distance < least
    assert {i, j} & set(carbons.tolist())


def test_a_stored_domain_is_the_same(domain, tmp_path):
    domain.save(tmp_path)
    again = Domain.load(tmp_path)
    assert (again.environments, again.total_charges) == (domain.environments, domain.total_charges)
    assert again.closest == pytest.approx(domain.closest, abs=1e-4)
    molecule = from_smiles("CCCCO")
    assert again.energy_floor(molecule) == pytest.approx(domain.energy_floor(molecule))
    assert Domain.load(tmp_path / "none") is None
    (tmp_path / DOMAIN_FILE).write_text(json.dumps({"environments": 3}))
    with pytest.raises(CheckpointError, match=r"domain\.json is damaged"):
        Domain.load(tmp_path)


@pytest.mark.parametrize("model", shipped_checkpoints())
@pytest.mark.parametrize("sequence", ["GGF", "WRHQ", "CYMPD", "[CYX]G[CYX]", "[HIP]A[LYN]"])
@pytest.mark.parametrize("caps", ["ace-nme", "none"])
def test_peptides_are_in_the_domain_of_the_shipped_models(model, sequence, caps):
    shipped = Domain.load(find_checkpoint(model))
    molecule = from_sequence(sequence, caps)
    assert shipped.unseen(molecule) == []
    assert np.isfinite(shipped.energy_floor(molecule))
    assert shipped.unseen(from_sequence("KRDE", caps)) == []


@pytest.mark.parametrize("model", shipped_checkpoints())
@pytest.mark.parametrize("smiles", ["NC(=O)C1CC1CO", "OCC1CO1", "CC1CNC1=O", "NC(=O)C1CCC1"])
def test_strained_rings_are_out_of_the_domain_of_the_shipped_models(model, smiles):
    unseen = Domain.load(find_checkpoint(model)).unseen(from_smiles(smiles))
    assert any("in a ring of" in one for one in unseen)


@pytest.mark.parametrize("caps", ["ace-nme", "none"])
def test_a_known_chemistry_with_more_charges_than_were_seen_has_no_floor(caps):
    network = Domain.load(find_checkpoint(FIXED_NETWORK))
    salt = from_sequence("KRDE", caps)
    assert network.unseen(salt) == []
    assert network.energy_floor(salt) == -np.inf


@pytest.mark.parametrize(
    ("smiles", "name"),
    [
        ("CC(=O)N[C@@H](C[S-])C(=O)NC", "thiolate sulfur S(-) bonded to C"),
        ("CC(=O)N[C@@H](Cc1ccc([O-])cc1)C(=O)NC", "phenolate or enolate oxygen O(-)"),
        ("CC(=O)N[C@@H](CCCNC(=N)N)C(=O)NC", "imine nitrogen"),
        ("CC(=O)N[C@@H](CCCN=C(N)N)C(=O)NC", "guanidine carbon C bonded to N, N, N"),
        ("CC(=O)N[C@@H](CN=[N+]=[N-])C(=O)NC", "nitrogen N(+) bonded to N, N"),
    ],
)
def test_side_chains_that_a_network_never_saw_are_named(smiles, name):
    network = Domain.load(find_checkpoint(FIXED_NETWORK))
    assert any(name in text for text in network.unseen(from_smiles(smiles)))
