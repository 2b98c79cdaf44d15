"""Structure of pytrees as JSON values: the same in every process, so that it identifies a program on disk."""

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, MethodType, NoneType
from typing import Any

import jax

_LEAF = "leaf"
_PLAIN = (str, int, float, bool, NoneType)


class UnstableError(ValueError):
    """A pytree holds something, such as a calculator, that cannot be told from another by its description."""


def structure_as_json(tree: Any) -> Any:
    """Describe the structure of a pytree, with its static data.

    Args:
        tree: Result of `jax.tree.structure`.

    Raises:
        UnstableError: When static data have no description that another process would find too.
    """
    node = tree.node_data()
    if node is None:
        return _LEAF
    kind, static = node
    return [_name(kind), _described(static), [structure_as_json(child) for child in tree.children()]]


def structure_from_json(description: Any) -> Any:
    """Return the structure that `structure_as_json` described.

    It may consist of tuples, lists, dicts, None, and classes of this package without static data.

    Raises:
        UnstableError: When it consists of anything else.
    """
    return jax.tree.structure(_example(description))


def _example(description: Any) -> Any:
    """A pytree of this structure."""
    if description == _LEAF:
        return 0
    name, static, children = description
    parts = [_example(child) for child in children]
    module, _, qualified = name.partition(":")
    if module == "builtins":
        return {"NoneType": lambda: None, "tuple": lambda: tuple(parts), "list": lambda: parts}.get(
            qualified, lambda: dict(zip(static or (), parts, strict=True))
        )()
    if module.split(".")[0] != "explorer" or static:
        raise UnstableError(f"{name} cannot be restored")
    kind = getattr(import_module(module), qualified)
    return kind(*parts) if issubclass(kind, tuple) else kind(**dict(zip(_names(kind), parts, strict=True)))


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind) if field.metadata.get("pytree_node", True)]


def _name(kind: Any) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _described(value: Any) -> Any:
    """Describe static data, functions by their names."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Enum):
        return [_name(type(value)), value.name]
    if isinstance(value, (tuple, list)):
        return [_described(part) for part in value]
    if isinstance(value, MethodType):
        return [value.__name__, _described(value.__self__)]
    if isinstance(value, partial):
        return [_described(value.func), _described(value.args), _described(tuple(sorted(value.keywords.items())))]
    if isinstance(value, (FunctionType, BuiltinFunctionType, type)) and "<" not in value.__qualname__:
        return _name(value)
    if is_dataclass(value) and value.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return [_name(type(value)), [_described(getattr(value, field.name)) for field in fields(value)]]
    raise UnstableError(f"{value!r} has no stable description")
