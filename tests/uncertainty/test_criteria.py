"""Which minima are results, from the trust level, the energy, the bonds and the distances."""

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.io.build import from_sequence, from_smiles
from explorer.potential.checkpoint import find_checkpoint
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.topology.distortion import bond_lengths
from explorer.uncertainty.criteria import MAX_GAIN, ResultCriteria
from explorer.uncertainty.domain import Domain

PEPTIDE = from_sequence("A")
DOMAIN = Domain.load(find_checkpoint(FIXED_NETWORK))
FLOOR = DOMAIN.energy_floor(PEPTIDE)
LENGTHS = bond_lengths(PEPTIDE.bonds, PEPTIDE.positions)


def estimate(level):
    def of(positions):
        return [UncertaintyEstimate(0.1, 0.1, 0.5, 0.1, level)] * len(positions)

    return of


def exclusion(criteria, positions=PEPTIDE.positions, energy=FLOOR + 0.5):
    return criteria(positions[None], np.array([energy]), LENGTHS)[0].exclusion


@pytest.mark.parametrize("level", list(TrustLevel))
@pytest.mark.parametrize("limit", ["trusted", "uncertain", "any"])
def test_the_trust_level_must_not_be_worse_than_the_limit(level, limit):
    order = ["trusted", "uncertain", "out-of-distribution"]
    allowed = limit == "any" or order.index(level) <= order.index(limit)
    text = exclusion(ResultCriteria(PEPTIDE, limit, estimate(level), DOMAIN))
    assert (text == "") == allowed
    assert allowed or text.startswith(f"{level}: expected force error 0.10")


@pytest.mark.parametrize("limit", ["uncertain", "any"])
def test_an_energy_below_the_groups_is_a_hole_for_every_limit(limit):
    criteria = ResultCriteria(PEPTIDE, limit, estimate(TrustLevel.TRUSTED), DOMAIN)
    assert exclusion(criteria, energy=FLOOR + 0.01) == ""
    assert "kcal/mol below the lowest that its groups can have" in exclusion(criteria, energy=FLOOR - 0.01)


def test_a_change_of_bonds_may_gain_energy():
    positions = PEPTIDE.positions.copy()
    positions[np.flatnonzero(PEPTIDE.atomic_numbers == 1)[0]] += 20.0
    criteria = ResultCriteria(PEPTIDE, "any", estimate(TrustLevel.TRUSTED), DOMAIN)
    assert exclusion(criteria, positions, FLOOR - MAX_GAIN + 0.01) == ""
    assert exclusion(criteria, positions, FLOOR - MAX_GAIN - 0.01)


def test_distorted_bonds_and_close_pairs_are_holes():
    criteria = ResultCriteria(PEPTIDE, "any", estimate(TrustLevel.TRUSTED), DOMAIN)
    i, j = PEPTIDE.bonds[np.flatnonzero((PEPTIDE.atomic_numbers[PEPTIDE.bonds] == 1).any(axis=1))[0]]
    hydrogen, heavy = (i, j) if PEPTIDE.atomic_numbers[i] == 1 else (j, i)
    direction = PEPTIDE.positions[hydrogen] - PEPTIDE.positions[heavy]
    short = PEPTIDE.positions.copy()
    short[hydrogen] -= 0.3 * direction
    assert exclusion(criteria, short).startswith("bond ")
    alone = ResultCriteria(PEPTIDE, "any", None, DOMAIN)(short[None], np.array([0.0]))[0].exclusion
    assert "in the training data" in alone  # without ordinary lengths, the training data tell


def test_a_molecule_of_unseen_chemistry_has_no_result():
    thiolate = from_smiles("CC(=O)N[C@@H](C[S-])C(=O)NC")
    criteria = ResultCriteria(thiolate, "uncertain", estimate(TrustLevel.TRUSTED), DOMAIN)
    assert criteria.is_unknown_chemistry
    uncertainty, text = criteria(thiolate.positions[None], np.zeros(1))[0]
    assert uncertainty.trust_level == TrustLevel.OUT_OF_DISTRIBUTION
    assert text.startswith("out-of-distribution: thiolate sulfur S(-) bonded to C (atom ")
    without_limit = ResultCriteria(thiolate, "any", estimate(TrustLevel.TRUSTED), DOMAIN)
    assert not without_limit.is_unknown_chemistry
    uncertainty, text = without_limit(thiolate.positions[None], np.zeros(1))[0]
    assert (uncertainty.trust_level, text) == (TrustLevel.OUT_OF_DISTRIBUTION, "")


def test_a_model_without_data_and_calibration_is_judged_by_bonds_alone():
    criteria = ResultCriteria(PEPTIDE, "uncertain")
    assert criteria(PEPTIDE.positions[None], np.array([-1e6]), LENGTHS) == [(None, "")]
    assert exclusion(criteria, PEPTIDE.positions * 0.8)
