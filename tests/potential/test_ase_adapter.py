"""The import path of version 0.1 still works, and names the new one."""

import importlib
import sys

import pytest

from explorer.potential.ase_calculator import ExplorerCalculator


def test_old_import_path_gives_the_same_class_and_a_deprecation_warning():
    sys.modules.pop("explorer.potential.ase_adapter", None)
    with pytest.warns(DeprecationWarning, match=r"explorer\.potential\.ase_calculator"):
        old = importlib.import_module("explorer.potential.ase_adapter")
    assert old.ExplorerCalculator is ExplorerCalculator
