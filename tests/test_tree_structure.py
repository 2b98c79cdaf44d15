"""Structures of pytrees survive JSON, and two processes describe them alike."""

import json
import subprocess
import sys
from functools import partial

import jax
import numpy as np
import pytest

from explorer.config import HoppingSettings
from explorer.hopping.walker import Engine, HopResult
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.potential import Components, Evaluation
from explorer.relaxation.fallback import INTERNAL
from explorer.relaxation.fire import FIRE
from explorer.relaxation.lbfgs import CARTESIAN
from explorer.relaxation.state import Convergence, Relaxer
from explorer.tree_structure import UnstableError, structure_as_json, structure_from_json

HOP = HopResult(*range(11))
PARTS = Components(1.0, 2.0, 3.0, 4.0, None, None, None, None, 5.0)


@pytest.mark.parametrize(
    "value",
    [0, None, (1, (2, None)), [1, [2]], {"b": 1, "a": (2,)}, Evaluation(1.0, 2.0, True), PARTS, (HOP, {"x": [HOP]})],
    ids=["leaf", "none", "tuple", "list", "dict", "named tuple", "missing parts", "state"],
)
def test_structure_survives_json(value):
    structure = jax.tree.structure(value)
    stored = json.loads(json.dumps(structure_as_json(structure)))
    assert structure_from_json(stored) == structure


DESCRIBE = """
import jax
from explorer.potential.load import potential_of
from explorer import read_molecule
from explorer.config import Settings
from explorer.tree_structure import structure_as_json
potential, _ = potential_of(Settings(), read_molecule(smiles="CC(=O)NC"))
print(structure_as_json(jax.tree.structure(potential)))
"""


def test_processes_describe_a_network_alike(capsys):
    exec(DESCRIBE, {})
    here = capsys.readouterr().out
    there = subprocess.run([sys.executable, "-c", DESCRIBE], capture_output=True, text=True, check=True).stdout
    assert here == there
    assert "Hyperparameters" in here


def test_algorithms_are_told_apart():
    described = [json.dumps(structure_as_json(jax.tree.structure(engine_of(a)))) for a in (INTERNAL, CARTESIAN, FIRE)]
    assert len(set(described)) == 3
    other = engine_of(FIRE).replace(settings=HoppingSettings(n_softening=3))
    assert json.dumps(structure_as_json(jax.tree.structure(other))) != described[2]


def engine_of(algorithm):
    relaxer = Relaxer(None, Convergence(*range(7)), algorithm)
    return Engine(relaxer=relaxer, masses=np.ones(2), projection=None, settings=HoppingSettings())


@pytest.mark.parametrize("function", [lambda: 0, partial(print, object()), object().__str__])
def test_functions_without_a_name_are_refused(function):
    with pytest.raises(UnstableError, match="no stable description"):
        structure_as_json(jax.tree.structure(lennard_jones().replace(energy_fn=function)))


@pytest.mark.parametrize("description", [["os:system", None, []], ["explorer.walker:Lost", None, []], ["json:loads"]])
def test_foreign_classes_are_not_restored(description):
    with pytest.raises((UnstableError, ImportError, ValueError)):
        structure_from_json(description)
