"""A peptide at a minimum of a force field."""

import pytest
from changes import relaxed

from explorer.io.build import from_sequence
from explorer.records.molecule import Molecule


@pytest.fixture(scope="module")
def ala3() -> Molecule:
    return relaxed(from_sequence("AAA"))
