"""Settings from a file, flags and --set, in this order; a resumed run keeps its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from explorer.config import BudgetSettings, Settings
from explorer.config_file import load_settings, nested, read_toml, to_dict, with_overrides
from explorer.errors import ConfigError


def new_settings(config: Path | None, flags: Mapping[str, Any], assignments: Sequence[str] | None) -> Settings:
    """The settings of a new run.

    Args:
        config: TOML file.
        flags: dotted key to value; None where the flag was not given.
        assignments: `key=value` texts.
    """
    return load_settings(config, _overrides(flags, assignments))


def resumed_budget(
    stored: Settings, config: Path | None, flags: Mapping[str, Any], assignments: Sequence[str] | None
) -> BudgetSettings | None:
    """The new budget of a resumed run, None where it keeps its own.

    Raises:
        ConfigError: when anything but the budget differs from the stored settings.
    """
    asked = with_overrides(stored, read_toml(config) if config is not None else {})
    asked = with_overrides(asked, nested(_overrides(flags, assignments)))
    if replace(asked, budget=stored.budget) != stored:
        old, new = flatten(to_dict(stored)), flatten(to_dict(asked))
        changed = [f"{key} {old[key]} -> {new[key]}" for key in old if old[key] != new[key] and "budget." not in key]
        raise ConfigError(
            f"A resumed run keeps its settings, only its budget can change; received {', '.join(changed)}. "
            "Leave these out, or start a new run with another --out."
        )
    return asked.budget if asked.budget != stored.budget else None


def _overrides(flags: Mapping[str, Any], assignments: Sequence[str] | None) -> dict[str, Any]:
    given = {key: value for key, value in flags.items() if value is not None}
    if ("budget.hops" in given or "budget.evaluations" in given) and "budget.minutes" not in given:
        given["budget.minutes"] = 0.0  # a count was asked for, so the default time limit must not cut it short
    return given | parse_assignments(assignments)


def parse_assignments(assignments: Sequence[str] | None) -> dict[str, str]:
    """Dotted key to value of `--set KEY=VALUE` texts."""
    given = {}
    for text in assignments or ():
        key, separator, value = text.partition("=")
        if not separator:
            raise typer.BadParameter(f"KEY=VALUE was wanted, such as hopping.mdmin=4; received {text!r}.")
        given[key.strip()] = value.strip()
    return given


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key to value."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
