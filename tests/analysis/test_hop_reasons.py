"""Groups of hops by reason: one row for texts that differ in atoms and numbers, with a count and an example."""

import pytest
from hops import make_hop

from explorer.analysis.hop_reasons import reason_groups, without_details
from explorer.records.hop import Hop, Outcome


def hop(outcome: Outcome, reason: str) -> Hop:
    return make_hop(outcome=outcome, reason=reason, start=0, end=None, accepted=False)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (
            "energy 96 kcal/mol below the lowest that its groups can have",
            "energy 114.5 kcal/mol below the lowest that its groups can have",
        ),
        ("ACE1:C-ALA2:N cis (1 deg)", "ALA2:C-NME3:N cis (-4 deg)"),
        (
            "H19 moved from N8 to O11 (during the relaxation)",
            "H50 moved from O14 to N25 (during the relaxation)",
        ),
        (
            "4 fragments, 2.1 Å apart; NME5:H1 split off; bond NME5:C-NME5:H1 broken; bond NME5:C-NME5:H2 broken",
            "2 fragments, 1.5 Å apart; ACE1:H1' split off; bond ACE1:CH3-ACE1:H1' broken",
        ),
        (
            "2 fragments, 1.5 Å apart; C1 N2 C3 C4 O5 ... split off (already during the escape)",
            "2 fragments, 1.7 Å apart; C1 N2 split off (already during the escape)",
        ),
        (
            "not converged (fragmented: 2 fragments; bond C1-H14 broken; bond C1-H15 broken; 3 more)",
            "not converged (fragmented: 2 fragments; bond C1-H14 broken)",
        ),
    ],
)
def test_reasons_that_differ_in_atoms_and_numbers_are_one_kind(a, b):
    assert without_details(a) == without_details(b) != a


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("H19 moved from N8 to O11 (during the relaxation)", "H19 moved from N8 to O11 (already during the escape)"),
        ("bond C1-H14 broken", "bond C1-H14 formed"),
        ("out-of-distribution: expected force error 0.17 eV/Å", "uncertain: expected force error 0.17 eV/Å"),
    ],
)
def test_reasons_that_differ_in_words_are_different_kinds(a, b):
    assert without_details(a) != without_details(b)


def test_every_hop_with_a_reason_is_in_one_group():
    hops = [
        hop(Outcome.FAILED, ""),
        hop(Outcome.CHANGED, "H19 moved from N8 to O11"),
        hop(Outcome.CHANGED, "H19 moved from N8 to O11"),
        hop(Outcome.CHANGED, "H21 moved from N8 to O11"),
        hop(Outcome.FAILED, "H21 moved from N8 to O11"),
        hop(Outcome.NEW, "H21 moved from N8 to O11"),
        hop(Outcome.TOO_UNCERTAIN, "energy 9 kcal/mol too low"),
    ]
    first, *others = reason_groups(hops)
    assert first == (Outcome.CHANGED, "… moved from … to …", 3, "H19 moved from N8 to O11")
    assert sorted(others, key=lambda group: group.reason) == [
        (Outcome.FAILED, "H21 moved from N8 to O11", 1, ""),
        (Outcome.TOO_UNCERTAIN, "energy 9 kcal/mol too low", 1, ""),
        (Outcome.FAILED, "no reason given", 1, ""),
    ]
