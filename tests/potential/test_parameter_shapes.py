"""Stored shapes of the parameters of a network."""

import json

import jax
import pytest
from flax.traverse_util import flatten_dict

from explorer.potential import parameter_shapes as module
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.so3krates import initialize

HP = Hyperparameters(n_features=8, n_heads=2, degrees=(1,), n_layers=1, n_radial=4)


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    """The function without what it remembers within a process, and the folder of its files."""
    monkeypatch.setattr(module, "compilation_cache_folder", lambda: tmp_path)
    return module.parameter_shapes.__wrapped__, tmp_path / "shapes"


def test_stored_shapes_are_those_of_drawn_parameters(shapes, monkeypatch):
    function, folder = shapes
    drawn = {name: leaf.shape for name, leaf in flatten_dict(initialize(HP, 0), sep="/").items()}
    assert function(HP) == drawn
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(jax, "eval_shape", lambda *_: pytest.fail("the network is traced again"))
    assert function(HP) == drawn


def test_a_damaged_file_is_replaced(shapes):
    function, folder = shapes
    right = function(HP)
    (file,) = folder.iterdir()
    for damage in ("", "[]", '{"energy": 3}', '{"energy": ["a"]}'):
        file.write_text(damage)
        assert function(HP) == right
        assert {name: tuple(shape) for name, shape in json.loads(file.read_text()).items()} == right


def test_a_folder_that_cannot_be_written_is_no_error(shapes, monkeypatch):
    function, folder = shapes
    folder.write_text("a file in place of the folder")
    assert function(HP)
