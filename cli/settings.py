"""Settings of a command from defaults, the file, options and --set. A resumed run keeps its settings."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from explorer.config import BudgetSettings, Settings
from explorer.config_file import (
    SHORT_NAMES,
    load_settings,
    nested,
    read_toml,
    setting_of,
    to_dict,
    with_count_budget,
    with_overrides,
)
from explorer.errors import ConfigError

OPTIONS = (*SHORT_NAMES, "potential", "calculator_timeout", "precision", "exact", "seed")  # settings with an option

_LIMITS = ("budget.minutes", "budget.hops", "budget.evaluations", "budget.coverage")


def new_settings(config: Path | None, flags: Mapping[str, Any], assignments: Sequence[str] | None) -> Settings:
    """Return the settings of a new run.

    Args:
        config: TOML file with settings, if any.
        flags: Values by dotted key; None for options that were not used.
        assignments: `key=value` texts of --set.
    """
    with _options_named(flags):
        return load_settings(config, _overrides(flags, assignments))


def resumed_budget(
    stored: Settings, config: Path | None, flags: Mapping[str, Any], assignments: Sequence[str] | None
) -> BudgetSettings | None:
    """Return the new budget of a resumed run.

    Args:
        stored: Settings of the run.
        config: TOML file with settings, if any.
        flags: Values by dotted key; None for options that were not used.
        assignments: `key=value` texts of --set.

    Returns:
        The budget, or None if it is the stored one.

    Raises:
        ConfigError: If other settings differ from the stored ones.
    """
    requested = with_overrides(stored, read_toml(config) if config is not None else {})
    with _options_named(flags):
        requested = with_overrides(requested, nested(_overrides(flags, assignments)))
    if replace(requested, budget=stored.budget) != stored:
        old, new = flatten(to_dict(stored)), flatten(to_dict(requested))
        changed = [f"{key} {old[key]} -> {new[key]}" for key in old if old[key] != new[key] and "budget." not in key]
        raise ConfigError(
            f"A resumed run keeps its settings, and only its budget can change; received {', '.join(changed)}. "
            "Remove these options, or start a new run with another --out."
        )
    return requested.budget if requested.budget != stored.budget else None


@contextmanager
def _options_named(flags: Mapping[str, Any]) -> Iterator[None]:
    """Let errors about settings name the options that were typed.

    Raises:
        ConfigError: If the block raises it, with `--time-limit` in place of `budget.minutes`.
    """
    try:
        yield
    except ConfigError as error:
        key, rest = str(error).partition(" ")[::2]
        if key == "budget" and any(name.startswith("budget.") for name, value in flags.items() if value is not None):
            limits = ", ".join(filter(None, map(option_of, _LIMITS)))
            raise ConfigError(f"A search needs a limit ({limits}), received 0 for all of them.") from None
        option = option_of(key)
        if flags.get(key) is None or option is None:
            raise
        raise ConfigError(f"{option} {rest}") from None


def option_of(key: str) -> str | None:
    """Return the option of `pes-explore run` that sets a setting; None if only --set does.

    Args:
        key: Dotted key of the setting.
    """
    names = {setting_of(name): name for name in OPTIONS}
    return f"--{names[key].replace('_', '-')}" if key in names else None


def _overrides(flags: Mapping[str, Any], assignments: Sequence[str] | None) -> dict[str, Any]:
    given = {key: value for key, value in flags.items() if value is not None}
    return with_count_budget(given) | parse_assignments(assignments)


def parse_assignments(assignments: Sequence[str] | None) -> dict[str, str]:
    """Return the values of the `KEY=VALUE` texts of --set by dotted key.

    Args:
        assignments: Texts of --set, if any.

    Raises:
        BadParameter: If a text has no `=`.
    """
    given = {}
    for text in assignments or ():
        key, separator, value = text.partition("=")
        if not separator:
            raise typer.BadParameter(f"--set needs KEY=VALUE, such as hopping.mdmin=4; received {text!r}.")
        given[key.strip()] = value.strip()
    return given


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested tables to dotted keys.

    Args:
        values: Nested tables.
        prefix: Prefix of all keys, with its dot.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
