"""Every structure class is assigned to the deliberate change that defines it, and to nothing else."""

from dataclasses import replace

import networkx as nx
import numpy as np
from changes import classify, mirrored_at_centre, relaxed, rotate_torsion
from rdkit.Chem import AllChem
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from explorer.io.build import embed, from_sequence, from_smiles, to_rdkit
from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import topology_of
from explorer.topology.classify import Classification, classify_batch


def test_input_structure_is_intact(ala3):
    assert classify(ala3, ala3.positions) == (StructureClass.INTACT, "")


def test_conformers_are_intact(ala3):
    conformers = embed(to_rdkit(ala3), 20, seed=7)
    assert {row[0] for row in classify_batch(topology_of(ala3), conformers)} == {StructureClass.INTACT}


def test_amide_rotated_to_cis_is_cis_amide_and_named(ala3):
    quadruple = topology_of(ala3).amides[3]
    found, reason = classify(ala3, rotate_torsion(ala3, quadruple, 10.0))
    assert found is StructureClass.CIS_AMIDE
    assert reason == "C17-N19 cis (10 deg)"
    assert classify(ala3, rotate_torsion(ala3, quadruple, -70.0)) == (
        StructureClass.CIS_AMIDE,
        "C17-N19 twisted (-70 deg)",
    )
    assert classify(ala3, rotate_torsion(ala3, quadruple, 110.0)) == (
        StructureClass.INTACT,
        "C17-N19 twisted (110 deg)",
    )


def test_cis_proline_is_an_intact_conformer_and_named():
    molecule = relaxed(from_sequence("AP"))
    topology = topology_of(molecule)
    (proline,) = topology.amides[~topology.secondary_amides]
    bond = "-".join(molecule.atom_names[k] for k in proline[1:3])
    found = classify_batch(topology, rotate_torsion(molecule, proline, 5.0)[None])[0]
    assert found == Classification(StructureClass.INTACT, f"{bond} cis (5 deg, tertiary)")


def test_epimer_is_stereo_inverted_and_named(ala3):
    centre = topology_of(ala3).chiral_centres[1, 0]
    positions = mirrored_at_centre(ala3, centre)
    assert classify(ala3, positions) == (StructureClass.STEREO_INVERTED, f"C{centre + 1} inverted")


def test_mirror_image_inverts_every_centre(ala3):
    found, reason = classify(ala3, ala3.positions * [1, 1, -1])
    assert found is StructureClass.STEREO_INVERTED
    assert reason == "C5 inverted; C10 inverted; C15 inverted"


def test_double_bond_flip_is_stereo_inverted():
    trans = relaxed(from_smiles("C/C=C/CO"))
    flipped = rotate_torsion(trans, [0, 1, 2, 3], 0.0)
    assert classify(trans, flipped) == (StructureClass.STEREO_INVERTED, "C2=C3 flipped")
    assert len(topology_of(from_smiles("CC=C(C)C")).double_bonds) == 0


def test_moved_hydrogen_is_proton_transferred():
    molecule = relaxed(from_sequence("G", caps="none"))
    ammonium = int(np.flatnonzero(molecule.formal_charges == 1)[0])
    acid = int(np.flatnonzero(molecule.formal_charges == -1)[0])
    hydrogen = next(j for i, j in molecule.bonds if i == ammonium and molecule.atomic_numbers[j] == 1)
    carbon = next(i for i, j in molecule.bonds if j == acid)
    positions = molecule.positions.copy()
    outward = positions[acid] - positions[carbon]
    positions[hydrogen] = positions[acid] + outward / np.linalg.norm(outward)
    names = molecule.atom_names
    expected = f"{names[hydrogen]} moved from {names[ammonium]} to {names[acid]} (zwitterion to neutral)"
    assert classify(molecule, positions) == (StructureClass.PROTON_TRANSFERRED, expected)


def test_all_changes_are_named_and_the_first_in_order_is_the_class(ala3):
    topology = topology_of(ala3)
    epimer = mirrored_at_centre(ala3, topology.chiral_centres[1, 0])
    both = rotate_torsion(replace(ala3, positions=epimer), topology.amides[3], 10.0)
    amine, oxygen = int(topology.amides[1, 2]), 2
    hydrogen = next(int(j) for i, j in ala3.bonds if i == amine and ala3.atomic_numbers[j] == 1)
    outward = both[oxygen] - both[1]
    both[hydrogen] = both[oxygen] + outward / np.linalg.norm(outward)
    found = classify_batch(topology, both[None])[0]
    kinds = {StructureClass.PROTON_TRANSFERRED, StructureClass.STEREO_INVERTED, StructureClass.CIS_AMIDE}
    assert (found.structure_class, found.changes) == (StructureClass.PROTON_TRANSFERRED, kinds)
    names = ala3.atom_names
    moved = f"{names[hydrogen]} moved from {names[amine]} to {names[oxygen]} (neutral to zwitterion)"
    assert found.reason == f"{moved}; C10 inverted; C17-N19 cis (10 deg)"


def test_flattened_centre_is_stereo_inverted_but_one_that_lost_a_bond_is_not(ala3):
    bonds, (centre, *_) = nx.Graph(ala3.bonds.tolist()), topology_of(ala3).chiral_centres[1]
    hydrogen = next(k for k in bonds[centre] if ala3.atomic_numbers[k] == 1)
    flat, lost = ala3.positions.copy(), ala3.positions.copy()
    others = [k for k in bonds[centre] if k != hydrogen]
    normal = np.cross(*(flat[others[1:]] - flat[others[0]]))
    normal /= np.linalg.norm(normal)
    height = (flat[centre] - flat[others[0]]) @ normal
    flat[centre] -= height * normal  # into the plane of its three heavy neighbours
    flat[hydrogen] = flat[centre] + 1.09 * np.sign(height) * normal
    assert classify(ala3, flat) == (StructureClass.STEREO_INVERTED, f"C{centre + 1} flattened")
    lost[hydrogen] -= 6 * (lost[centre] - lost[hydrogen])
    found = classify_batch(topology_of(ala3), lost[None])[0]
    assert found.changes == {StructureClass.FRAGMENTED}


def test_disulfide_keeps_its_class_in_all_conformers_and_is_named_when_it_opens():
    molecule = from_smiles("CC(=O)N[C@H]1CSSC[C@@H](C(=O)NC)NC1=O")
    mol, topology = to_rdkit(molecule), topology_of(molecule)
    first, second = np.flatnonzero(molecule.atomic_numbers == 16).tolist()
    assert [first, second] in molecule.bonds.tolist()
    assert all(found.structure_class.is_conformer for found in classify_batch(topology, embed(mol, 30, seed=4)))
    field = AllChem.MMFFGetMoleculeForceField(mol, AllChem.MMFFGetMoleculeProperties(mol))
    field.MMFFAddDistanceConstraint(first, second, False, 3.6, 3.6, 2000.0)
    field.Minimize(maxIts=5000)
    found, reason = classify(molecule, mol.GetConformer().GetPositions())
    assert found is StructureClass.BOND_BROKEN
    names = molecule.atom_names
    assert reason.split("; ")[0] == f"bond {names[first]}-{names[second]} broken"


def test_short_hydrogen_bond_is_intact():
    molecule = relaxed(from_smiles("O=C/C=C\\O"))  # the enol of malondialdehyde, its proton between two oxygens
    assert classify(molecule, molecule.positions)[0] is StructureClass.INTACT
    hydrogen = molecule.n_atoms - 1
    positions = molecule.positions.copy()
    donor = next(i for i, j in molecule.bonds if j == hydrogen)
    direction = positions[hydrogen] - positions[donor]
    positions[hydrogen] = positions[donor] + 1.20 * direction / np.linalg.norm(direction)
    assert classify(molecule, positions)[0] is StructureClass.INTACT


def test_opened_ring_is_bond_broken():
    molecule = relaxed(from_smiles("C1CCC1"))
    positions = molecule.positions.copy()
    half = [0, 1, *(j for i, j in molecule.bonds if i in (0, 1) and molecule.atomic_numbers[j] == 1)]
    hinge = positions[2] - positions[1]
    axis = np.cross(positions[0] - positions[1], hinge)
    swing = Rotation.from_rotvec(-0.9 * axis / np.linalg.norm(axis))
    positions[half] = positions[1] + swing.apply(positions[half] - positions[1])
    found, reason = classify(molecule, positions)
    assert found is StructureClass.BOND_BROKEN
    assert "C1-C4 broken" in reason


def test_distant_fragment_is_fragmented(ala3):
    positions = ala3.positions.copy()
    methyl = [19, *(j for i, j in ala3.bonds if i == 19)]
    positions[methyl] += [0, 0, 30.0]
    found = classify_batch(topology_of(ala3), positions[None])[0]
    assert found.changes == {StructureClass.FRAGMENTED}
    others = np.delete(np.arange(ala3.n_atoms), methyl)
    distance = cdist(positions[methyl], positions[others]).min()
    assert found.reason == f"2 fragments, {distance:.1f} Å apart; C20 H40 H41 H42 split off; bond N19-C20 broken"
    assert found.are_apart
    assert not found.is_within(set(StructureClass))


def test_fragments_in_contact_may_be_explored(ala3):
    methyl = [19, *(j for i, j in ala3.bonds if i == 19)]
    positions = ala3.positions.copy()
    away = positions[19] - positions[18]
    positions[methyl] += 1.2 * away / np.linalg.norm(away)
    found = classify_batch(topology_of(ala3), positions[None])[0]
    assert found.structure_class is StructureClass.FRAGMENTED
    assert not found.are_apart
    assert found.is_within({StructureClass.FRAGMENTED})
    assert not found.is_within({StructureClass.BOND_BROKEN})


def test_overlapping_and_lost_atoms_are_clashed(ala3):
    positions = ala3.positions.copy()
    positions[30] = positions[2] + 0.3
    found, reason = classify(ala3, positions)
    assert found is StructureClass.CLASHED
    assert reason == "O3 and H31 are on top of each other"
    assert classify(ala3, np.full_like(positions, np.nan)) == (StructureClass.CLASHED, "positions are not finite")


def test_classes_follow_their_priority(ala3):
    inverted = mirrored_at_centre(ala3, topology_of(ala3).chiral_centres[1, 0])
    both = rotate_torsion(replace(ala3, positions=inverted), topology_of(ala3).amides[0], 0.0)
    assert classify(ala3, both)[0] is StructureClass.STEREO_INVERTED
    both[41] += 40
    assert classify(ala3, both)[0] is StructureClass.FRAGMENTED
    both[1] = both[0]
    assert classify(ala3, both)[0] is StructureClass.CLASHED
