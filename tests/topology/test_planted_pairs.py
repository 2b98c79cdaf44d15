"""Pairs of structures whose difference is known from RDKit or by construction."""

from functools import cache
from itertools import product

import networkx as nx
import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem, rdMolTransforms
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers

from explorer.io.build import embed, from_rdkit, from_sequence, from_smiles, to_rdkit
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch

# Stereo left open: each isomer is compared with each, its own second conformer among them.
ISOMERS = {
    "Ac-Ala3-NHMe": ("CC(=O)NC(C)C(=O)NC(C)C(=O)NC(C)C(=O)NC", 8),
    "Ac-Thr-NHMe": ("CC(=O)NC(C(C)O)C(=O)NC", 4),
    "Ac-Ile-NHMe": ("CC(=O)NC(C(C)CC)C(=O)NC", 4),
    "Ac-Hyp-NHMe": ("CC(=O)N1CC(O)CC1C(=O)NC", 4),
    "Ac-Met-sulfoxide-NHMe": ("CC(=O)NC(CCS(=O)C)C(=O)NC", 4),
    "Phe-Cys zwitterion": ("[NH3+]C(Cc1ccccc1)C(=O)NC(CS)C(=O)[O-]", 4),
    "trihydroxyglutaric acid": ("OC(=O)C(O)C(O)C(O)C(=O)O", 4),
    "4-methylcyclohexanol": ("CC1CCC(O)CC1", 2),
    "1,4-dimethylcyclohexane": ("CC1CCC(C)CC1", 2),
    "1,3-dimethylcyclohexane": ("CC1CC(C)CCC1", 3),
    "decalin": ("C1CCC2CCCCC2C1", 2),
    "2-butene": ("CC=CC", 2),
    "butanal oxime": ("CCCC=NO", 2),
    "2,4-hexadiene": ("CC=CC=CC", 3),
    "dehydroalanine amide with a centre": ("CC=C(NC(=O)C(C)N)C(=O)NC", 4),
}
RINGS = {
    "cyclohexane": "C1CCCCC1",
    "methylcyclohexane": "CC1CCCCC1",
    "1,4-dimethylcyclohexane": "C[C@H]1CC[C@@H](C)CC1",
    "the other 1,4-dimethylcyclohexane": "C[C@H]1CC[C@H](C)CC1",
    "oxane": "C[C@@H]1CCCCO1",
    "Ac-Pro-NHMe": "CC(=O)N1CCC[C@H]1C(=O)NC",
    "Ac-Hyp-NHMe": "CC(=O)N1C[C@H](O)C[C@H]1C(=O)NC",
    "N-methylpiperidine": "CN1CCCCC1",
}
PROTONS = {  # given molecule, atoms that give, atoms that take, charges before and after
    "Gly": ("[NH3+]CC(=O)[O-]", "[NX4+]", "[$([O-]),$(O=C[O-])]", "zwitterion to neutral"),
    "Ala-Ala": ("[NH3+][C@@H](C)C(=O)N[C@@H](C)C(=O)[O-]", "[NX4+]", "[$([O-]),$(O=C[O-])]", "zwitterion to neutral"),
    "neutral Gly": ("NCC(=O)O", "[OX2]", "[NX3]", "neutral to zwitterion"),
    "Lys": ("[NH3+]CCCC[C@H]([NH3+])C(=O)[O-]", "[NX4+]", "[$([O-]),$(O=C[O-])]", "zwitterion to cation"),
    "Asp": ("[NH3+][C@@H](CC(=O)[O-])C(=O)[O-]", "[NX4+]", "[$([O-]),$(O=C[O-])]", "zwitterion to anion"),
    "guanidinium acid": ("NC(=[NH2+])NCCCC(=O)[O-]", "[NX3H2]", "[$([O-]),$(O=C[O-])]", "zwitterion to neutral"),
    "Ac-Lys-NHMe": ("CC(=O)N[C@@H](CCCC[NH3+])C(=O)NC", "[NX4+]", "O=C", ""),
    "keto-enol": ("CC(=O)CC(=O)C", "[CX4H2]", "O=C", ""),
    "Cys": ("CC(=O)N[C@@H](CS)C(=O)NC", "[SX2]", "O=C", "neutral to zwitterion"),
}
OMEGAS = {
    0: "cis-amide", 25: "cis-amide", 35: "cis-amide", -60: "cis-amide", 85: "cis-amide", 95: "intact", -120: "intact",
    145: "intact", 155: "intact", 180: "intact",
}  # fmt: skip
PAIRS = [(name, i, j) for name, (_, n) in ISOMERS.items() for i, j in product(range(n), repeat=2)]


@cache
def isomers(name: str) -> list[Molecule]:
    """All stereoisomers, the same atoms in the same order."""
    found = []
    for mol in EnumerateStereoisomers(Chem.AddHs(Chem.MolFromSmiles(ISOMERS[name][0]))):
        AllChem.EmbedMolecule(mol, randomSeed=5)
        found.append(from_rdkit(mol, mol.GetConformer().GetPositions(), name, ""))
    return found


def labels(molecule: Molecule) -> dict[str, str]:
    """CIP labels by RDKit, of atoms and of double bonds, from the coordinates alone."""
    mol = to_rdkit(molecule)
    Chem.AssignStereochemistryFrom3D(mol)
    found = {
        molecule.atom_names[a]: label for a, label in Chem.FindMolChiralCenters(mol, useLegacyImplementation=False)
    }
    for bond in mol.GetBonds():
        if bond.GetStereo() > Chem.BondStereo.STEREOANY:
            ends = sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()))
            found["=".join(molecule.atom_names[k] for k in ends)] = bond.GetStereo().name
    return found


def isomeric_smiles(molecule: Molecule) -> str:
    return Chem.MolToSmiles(Chem.RemoveHs(to_rdkit(molecule)))


@pytest.mark.parametrize("name", ISOMERS)
def test_there_are_as_many_isomers_as_listed(name):
    assert len(isomers(name)) == ISOMERS[name][1] == len({isomeric_smiles(m) for m in isomers(name)})


@pytest.mark.parametrize(("name", "i", "j"), PAIRS)
def test_stereoisomers_differ_where_their_labels_do(name, i, j):
    given, other = isomers(name)[i], isomers(name)[j]
    positions = embed(to_rdkit(other), 1, seed=11)[0] if i == j else other.positions
    found = classify_batch(topology_of(given), positions[None])[0]
    if i == j:
        assert StructureClass.STEREO_INVERTED not in found.changes
        assert found.structure_class.is_conformer
        return
    assert found.structure_class is StructureClass.STEREO_INVERTED
    before, after = labels(given), labels(other)
    if not {"r", "s"}.intersection((*before.values(), *after.values())):  # these depend on other labels
        changed = {name for name in before if before[name] != after[name]}
        named = {text.split()[0] for text in found.reason.split("; ") if text.endswith(("inverted", "flipped"))}
        assert named == changed


@pytest.mark.parametrize("name", RINGS)
def test_puckers_and_flips_of_a_ring_are_intact(name):
    molecule = from_smiles(RINGS[name])
    mol = to_rdkit(molecule)
    ring = list(mol.GetRingInfo().AtomRings()[0])
    plain = {"useExpTorsionAnglePrefs": False, "useBasicKnowledge": False}  # axial as often as equatorial
    ids = AllChem.EmbedMultipleConfs(mol, 40, randomSeed=2, **plain)
    AllChem.MMFFOptimizeMoleculeConfs(mol)
    conformers = np.array([mol.GetConformer(k).GetPositions() for k in ids])
    quads = [[ring[(k + m) % len(ring)] for m in range(4)] for k in range(len(ring))]
    mols = [to_rdkit(molecule, positions) for positions in conformers]
    torsions = np.array([[rdMolTransforms.GetDihedralDeg(m.GetConformer(), *q) for q in quads] for m in mols])
    torsions /= np.linalg.norm(torsions, axis=1, keepdims=True)
    assert (torsions @ torsions.T < -0.9).sum() > 6  # pairs in which all torsions of the ring change their sign
    kinds = {found.changes for found in classify_batch(topology_of(molecule), conformers)}
    assert kinds == {frozenset()}


@pytest.mark.parametrize(("amide", "omega"), product(range(4), OMEGAS))
def test_amides_are_cis_below_90_degrees_and_named_unless_trans(amide, omega):
    molecule = from_sequence("AAA")
    topology = topology_of(molecule)
    mol = to_rdkit(molecule)
    extended = [(q, 180.0) for q in topology.amides.tolist()]
    extended += [(q, angle) for phi, psi in topology.backbone.tolist() for q, angle in ((phi, -120.0), (psi, 120.0))]
    quadruple = topology.amides[amide].tolist()
    for atoms, angle in (*extended, (quadruple, float(omega))):
        rdMolTransforms.SetDihedralDeg(mol.GetConformer(), *atoms, angle)
    found = classify_batch(topology, mol.GetConformer().GetPositions()[None])[0]
    assert found.structure_class == OMEGAS[omega]
    kind = "cis" if abs(omega) < 30 else "trans" if abs(omega) > 150 else "twisted"
    bond = "-".join(molecule.atom_names[k] for k in quadruple[1:3])
    assert found.reason == ("" if kind == "trans" else f"{bond} {kind} ({omega} deg)")


@pytest.mark.parametrize("name", PROTONS)
def test_moved_protons_are_named_with_both_atoms_and_what_became_of_the_charges(name):
    smiles, gives, takes, state = PROTONS[name]
    molecule = from_smiles(smiles)
    mol, bonds, topology = to_rdkit(molecule), nx.Graph(molecule.bonds.tolist()), topology_of(molecule)
    donors, acceptors = ({m[0] for m in mol.GetSubstructMatches(Chem.MolFromSmarts(s))} for s in (gives, takes))
    n_pairs = 0
    for donor, acceptor in product(sorted(donors), sorted(acceptors - donors)):
        hydrogen = next(k for k in bonds[donor] if molecule.atomic_numbers[k] == 1)
        around = np.mean([molecule.positions[k] for k in bonds[acceptor]], axis=0)
        outward = molecule.positions[acceptor] - around
        positions = molecule.positions.copy()
        positions[hydrogen] = positions[acceptor] + outward / np.linalg.norm(outward)
        found = classify_batch(topology, positions[None])[0]
        names = [molecule.atom_names[k] for k in (hydrogen, donor, acceptor)]
        text = "{} moved from {} to {}".format(*names)
        assert found.structure_class is StructureClass.PROTON_TRANSFERRED
        assert found.reason.split("; ")[0] == text + (f" ({state})" if state else "")
        n_pairs += 1
    assert n_pairs > 0
