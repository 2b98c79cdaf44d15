"""Replacement of settings by dotted key, with conversion of texts to the type of each setting."""

import ast
import reprlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from typing import Any

from explorer.errors import ConfigError
from explorer.records.former_names import SETTINGS

_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}  # for messages


def nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as one nested dictionary, so that settings that depend on each other are checked together.

    Raises:
        ConfigError: If a key is a group in another one.
    """
    tree: dict[str, Any] = {}
    for key, value in overrides.items():
        *groups, name = key.split(".")
        inner = tree
        for group in groups:
            inner = inner.setdefault(group, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"{group} is a group of settings; set {group}.NAME=VALUE.")
        inner[name] = value
    return tree


def with_overrides(settings: Any, values: dict[str, Any], prefix: str = "") -> Any:
    """Return a copy of a settings dataclass with some values replaced.

    Args:
        settings: Settings dataclass, possibly nested.
        values: Nested values; texts are converted to the type of the setting. Names of version 0.1 are accepted.
        prefix: Dotted prefix of the keys, for messages.

    Raises:
        ConfigError: For an unknown key or a value of another type.
    """
    known = {f.name: getattr(settings, f.name) for f in fields(settings)}
    changes = {}
    for key, value in values.items():
        key = SETTINGS.get(prefix + key, prefix + key).removeprefix(prefix)
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"Unknown setting {prefix + key!r}. Did you mean {prefix + near!r}?")
        current = known[key]
        if is_dataclass(current):
            if not isinstance(value, dict):
                raise ConfigError(f"{prefix}{key} is a group of settings; set {prefix}{key}.NAME=VALUE.")
            changes[key] = with_overrides(current, value, f"{prefix}{key}.")
        else:
            changes[key] = _coerce(value, current, f"{prefix}{key}")
    return replace(settings, **changes)


def _coerce(value: Any, current: Any, name: str) -> Any:
    if isinstance(current, tuple):
        return tuple(_coerce(part, next(iter(current), ""), name) for part in _parts(value, name))
    if isinstance(value, str) and not isinstance(current, str):
        text = value.capitalize() if value.lower() in ("true", "false") else value
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # of nested brackets
            raise _wrong_type(name, current, value) from None
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e300:
        value = float(value)
    if type(value) is not type(current):
        raise _wrong_type(name, current, value)
    if isinstance(value, str) and not value.isprintable():
        raise ConfigError(f"{name} must be printable text, received {value[:60]!r}.")
    return value


def _wrong_type(name: str, current: Any, value: Any) -> ConfigError:
    return ConfigError(f"{name} must be {_TYPE_NAMES[type(current)]}, received {reprlib.repr(value)}.")


def _parts(value: Any, name: str) -> tuple[Any, ...]:
    """Return the items of a list or of a text with commas; `none` and an empty text have no items."""
    if isinstance(value, str):
        value = value[1:-1] if value[:1] + value[-1:] in ("[]", "()") else value
        parts = tuple(part.strip() for part in value.split(",") if part.strip())
        return () if parts == ("none",) else parts
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{name} must be a list, or values with commas between them, received {value!r}.")
    return tuple(value)
