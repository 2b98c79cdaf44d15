"""Settings from defaults, from the needs of the potential, from a TOML file and from overrides."""

import ast
import json
import reprlib
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import tomli_w

from explorer.config import Settings
from explorer.errors import ConfigError
from explorer.files import write_text
from explorer.records.former_names import FORMER_DEFAULTS, SETTINGS

LENNARD_JONES = "lennard-jones"  # name of the potential
ASE_PREFIX = "ase:"  # prefix of the name of an ASE calculator

# Names of settings as arguments of `explorer.explore` and as options of `pes-explore run`, where they differ
SHORT_NAMES = {
    "walkers": "hopping.n_walkers",
    "moves": "hopping.moves",
    "allow": "hopping.allow",
    "max_uncertainty": "hopping.max_uncertainty",
    "mirror": "identity.mirror",
    "hops": "budget.hops",
    "max_evaluations": "budget.evaluations",
    "time_limit": "budget.minutes",
    "stop_at": "budget.coverage",
    "window": "budget.window",
}

_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}  # for messages

# In reduced units an atom of 40 amu has contacts of 1 eV each, where a peptide has torsional barriers of 0.1 eV.
POTENTIAL_DEFAULTS: dict[str, dict[str, Any]] = {
    LENNARD_JONES: {
        "precision": "float64",
        "relax": {"fmax": 1e-4, "max_steps": 500},
        "hopping": {
            "n_walkers": 8,
            "temperature": 3000.0,
            "temperature_max": 12000.0,
            "hydrogen_mass": 40.0,
            "time_step": 1.5,
            "softening_step": 0.005,
            "ediff": 0.005,
            "ediff_max": 0.005,
            "max_visits": 0,
            "patience": 8,
            "moves": ("rattle", "surface-move"),
        },
        "identity": {"energy_window": 1e-4},
        "budget": {"window": 0.0},
    },
}

# Total energies of quantum chemistry are thousands of eV, for which float32 has a resolution of 1e-4 eV. Few walkers
# keep the rounds of an expensive calculator short.
ASE_DEFAULTS: dict[str, Any] = {"precision": "float64", "hopping": {"n_walkers": 8}}


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Load the settings of a run.

    Later sources take precedence over earlier ones: defaults, values that suit the potential, the TOML file, overrides.

    Args:
        path: TOML file; None for none.
        overrides: Values by dotted key, such as `hopping.mdmin`.

    Raises:
        ConfigError: For an unknown key (the nearest one is named) or a bad value.
    """
    in_file, given = read_toml(path) if path is not None else {}, nested(overrides or {})
    potential = given.get("potential", in_file.get("potential", Settings.potential))
    suited = suited_to(potential) if isinstance(potential, str) else {}
    return with_overrides(with_overrides(with_overrides(Settings(), suited), in_file), given)


def suited_to(potential: str) -> dict[str, Any]:
    """Return nested values that replace the defaults for a potential."""
    return ASE_DEFAULTS if potential.startswith(ASE_PREFIX) else POTENTIAL_DEFAULTS.get(potential, {})


def is_trained(potential: str) -> bool:
    """Return whether a potential was fitted to training data with which a run can be compared."""
    return not potential.startswith(ASE_PREFIX) and potential not in POTENTIAL_DEFAULTS


def read_toml(path: Path, what: str = "configuration file") -> dict[str, Any]:
    """Return the tables and values of a TOML file.

    Args:
        path: The file.
        what: Name of its content, for messages.

    Raises:
        ConfigError: When it is missing or not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"No {what} at {path}. Give the path of a TOML file.") from None
    except OSError as error:
        raise ConfigError(f"{path} could not be read: {error.strerror}. Give the path of a TOML file.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not TOML: it is not text in UTF-8. Save it in this encoding.") from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply to be settings.") from None
    except ValueError as error:  # TOMLDecodeError, and numbers with too many digits
        raise ConfigError(f"{path} is not TOML: {error}.") from None


def keep_settings(folder: Path, settings: Mapping[str, Any], refusal: str) -> None:
    """Write settings into `settings.json` of a folder of resumable work, or check that it holds the same ones.

    Args:
        folder: Folder of the work; it is created where it is missing.
        settings: Plain values.
        refusal: Message of the error.

    Raises:
        ConfigError: With that message, when the folder holds other settings.
    """
    path, text = folder / "settings.json", json.dumps(settings, indent=1)
    if not path.exists():
        write_text(text, path)
    elif path.read_text() != text:
        raise ConfigError(refusal)


def nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as one nested dictionary, so that settings that depend on each other are checked together."""
    tree: dict[str, Any] = {}
    for key, value in overrides.items():
        *groups, name = key.split(".")
        inner = tree
        for group in groups:
            inner = inner.setdefault(group, {})
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
        parts = tuple(part.strip() for part in value.split(",") if part.strip())
        return () if parts == ("none",) else parts
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{name} must be a list, or values with commas between them, received {value!r}.")
    return tuple(value)


def setting_of(name: str) -> str:
    """Return the dotted key of a setting.

    Args:
        name: Short name of the setting, such as `walkers`, or the key itself.
    """
    return SHORT_NAMES.get(name, name)


def with_count_budget(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings without the default time limit if they limit the number of hops or of force calls.

    The default must not end a search before it has made the requested number.

    Args:
        overrides: Values by dotted key.

    Returns:
        The same values, with `budget.minutes` set to 0 if there is such a limit and they contain no time limit.
    """
    counts = {"budget.hops", "budget.evaluations"} & set(overrides)
    return {"budget.minutes": 0.0, **overrides} if counts else dict(overrides)


def stored_settings(config: dict[str, Any]) -> Settings:
    """Return the settings that a run or a checkpoint stores; missing ones have their former or present defaults.

    Args:
        config: Nested values, such as `RunRecord.config`.
    """
    return with_overrides(with_overrides(Settings(), FORMER_DEFAULTS), config)


def to_dict(settings: Settings) -> dict[str, Any]:
    """Return nested plain values, ready for JSON or TOML."""
    return asdict(settings)


def to_toml(settings: Settings) -> str:
    """Return the settings as TOML, groups after plain values."""
    return tomli_w.dumps(to_dict(settings))
