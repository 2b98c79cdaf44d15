"""Numbers with their nouns: the singular for one only."""

import pytest

from explorer.wording import counted, in_one_line


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1, "hop"), "1 hop"),
        ((0, "hop"), "0 hops"),
        ((2, "minimum", "minima"), "2 minima"),
        ((1, "minimum", "minima"), "1 minimum"),
        ((1.5, "minute"), "1.5 minutes"),
        ((1.0, "minute"), "1 minute"),
    ],
)
def test_only_one_item_is_singular(arguments, text):
    assert counted(*arguments) == text


def test_large_counts_keep_all_digits():
    assert counted(1234567, "force call") == "1234567 force calls"


def test_messages_of_other_programs_become_one_short_printable_line():
    assert in_one_line(ValueError("first\nsecond\x00\xff\t.")) == "first second ÿ ."
    assert in_one_line(KeyError("a")) == "'a'"
    assert in_one_line(EOFError()) == "EOFError"
    assert in_one_line(ValueError("a" * 500)) == "a" * 199 + "…"
