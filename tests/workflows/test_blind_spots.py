"""Chemistry that a model never saw: a refusal that names it, and none for its neighbours that were seen."""

import re
import warnings

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.config import Settings
from explorer.errors import ExplorerError
from explorer.io.build import from_smiles
from explorer.potential.checkpoint import find_checkpoint
from explorer.potential.load import potential_of
from explorer.records.uncertainty import ANY_LEVEL, TrustLevel
from explorer.uncertainty.criteria import ResultCriteria
from explorer.uncertainty.domain import Domain
from explorer.workflows.criteria import check_chemistry

SIDE_CHAIN = "CC(=O)N[C@@H]({})C(=O)NC"
BLIND_SPOTS = {  # of the fixed network
    "thiolate": ("C[S-]", r"thiolate sulfur S\(-\)"),
    "tyrosinate": ("Cc1ccc([O-])cc1", r"phenolate or enolate oxygen O\(-\)"),
    "neutral arginine": ("CCCN=C(N)N", "guanidine carbon"),
    "its other tautomer": ("CCCNC(=N)N", "imine nitrogen"),
    "azide": ("CN=[N+]=[N-]", r"nitrogen N\(-\) bonded to N"),
    "phosphate": ("COP(=O)([O-])[O-]", r"P\d+\) is P, but .* was trained on H C N O S only"),
    "radical": ("C[CH2]", "multiplicity is 2, but .* knows no spin"),
    "metal": ("CS[Zn]SC", r"Zn\d+\) is Zn"),
    "nitro": ("Cc1ccc([N+](=O)[O-])cc1", r"nitrogen N\(\+\) bonded to C, O, O"),
    "sulfoxide": ("CCS(C)=O", "sulfur S bonded to C, C, O"),
}
NOT_OF_CHAIN_MOLECULES = ("azide", "phosphate", "radical", "metal", "nitro")  # of no shipped model
SEEN = {
    "thiol": "CS",
    "phenol": "Cc1ccc(O)cc1",
    "arginine": "CCCNC(N)=[NH2+]",
    "neutral lysine": "CCCCN",
    "histidine cation": "Cc1c[nH]c[nH+]1",
    "aspartate": "CC(=O)[O-]",
}


def refusal_of(model: str, side_chain: str) -> str:
    """Return why a search with a model refuses a peptide; empty if it does not."""
    settings, molecule = Settings(potential=model), from_smiles(SIDE_CHAIN.format(side_chain))
    domain = Domain.load(find_checkpoint(model))
    try:
        potential_of(settings, molecule)
        check_chemistry(model, ResultCriteria(molecule, settings.hopping.max_uncertainty, None, domain))
    except ExplorerError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("side_chain", "reason"), BLIND_SPOTS.values(), ids=BLIND_SPOTS)
def test_a_search_of_what_was_never_seen_is_refused_by_its_name(side_chain, reason):
    assert re.search(reason, refusal_of(FIXED_NETWORK, side_chain))


@pytest.mark.parametrize("name", NOT_OF_CHAIN_MOLECULES)
def test_the_default_model_refuses_what_is_no_part_of_chain_molecules(name):
    side_chain, reason = BLIND_SPOTS[name]
    assert re.search(reason, refusal_of("default", side_chain))


@pytest.mark.parametrize("model", [FIXED_NETWORK, "default"], ids=["fixed", "default"])
@pytest.mark.parametrize("side_chain", SEEN.values(), ids=SEEN)
def test_the_neighbours_that_were_seen_are_not_refused(model, side_chain):
    assert refusal_of(model, side_chain) == ""


def test_every_minimum_is_out_of_distribution_where_the_refusal_is_overridden():
    molecule = from_smiles(SIDE_CHAIN.format(BLIND_SPOTS["neutral arginine"][0]))
    criteria = ResultCriteria(molecule, ANY_LEVEL, None, Domain.load(find_checkpoint(FIXED_NETWORK)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_chemistry(FIXED_NETWORK, criteria)
    (assessed,) = criteria(molecule.positions[None], np.zeros(1))
    assert assessed.uncertainty.trust_level == TrustLevel.OUT_OF_DISTRIBUTION
