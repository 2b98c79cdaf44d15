"""Where settings come from: defaults, those that suit the potential, a TOML file, overrides."""

import ast
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from explorer.config import Settings
from explorer.errors import ConfigError
from explorer.files import write_atomically
from explorer.records.former_names import SETTINGS

ASE_PREFIX = "ase:"  # before the name of an ASE calculator

# atoms of 40 amu that are bound by 1 eV each in reduced units, where a peptide has torsions of 0.1 eV
FOR_POTENTIAL: dict[str, dict[str, Any]] = {
    "lennard-jones": {
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
    },
}

# total energies of quantum chemistry are thousands of eV, of which float32 keeps 1e-4; rounds are kept short
FOR_ASE: dict[str, Any] = {"precision": "float64", "hopping": {"n_walkers": 8}}


def load_settings(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Defaults < what suits the potential < TOML file < overrides with dotted keys such as `hopping.mdmin`.

    Raises:
        ConfigError: for an unknown key (the nearest one is named) or a bad value.
    """
    in_file, given = read_toml(path) if path is not None else {}, nested(overrides or {})
    potential = given.get("potential", in_file.get("potential", Settings.potential))
    suited = suited_to(potential) if isinstance(potential, str) else {}
    return with_overrides(with_overrides(with_overrides(Settings(), suited), in_file), given)


def suited_to(potential: str) -> dict[str, Any]:
    """Settings other than the defaults that suit a potential, nested."""
    return FOR_ASE if potential.startswith(ASE_PREFIX) else FOR_POTENTIAL.get(potential, {})


def is_trained(potential: str) -> bool:
    """Whether a potential was fitted to data, with which a run can be compared."""
    return not potential.startswith(ASE_PREFIX) and potential not in FOR_POTENTIAL


def read_toml(path: Path, what: str = "configuration file") -> dict[str, Any]:
    """Return the tables and values of a TOML file.

    Args:
        path: The file.
        what: Name of its content, for messages.

    Raises:
        ConfigError: When it is missing or not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text())
    except FileNotFoundError:
        raise ConfigError(f"No {what} at {path}. Give the path of a TOML file.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None


def keep(folder: Path, settings: Mapping[str, Any], refusal: str) -> None:
    """Write settings into `settings.json` of a folder of resumable work, or see that they are those which are there.

    Raises:
        ConfigError: with these words, when others are there.
    """
    path, text = folder / "settings.json", json.dumps(settings, indent=1)
    if not path.exists():
        with write_atomically(path) as temporary:
            temporary.write_text(text)
    elif path.read_text() != text:
        raise ConfigError(refusal)


def nested(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as one nested dictionary, so that settings which depend on each other are checked together."""
    tree: dict[str, Any] = {}
    for key, value in overrides.items():
        *groups, name = key.split(".")
        inner = tree
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[name] = value
    return tree


def with_overrides(settings: Any, values: dict[str, Any], prefix: str = "") -> Any:
    """A copy of a settings dataclass with some values replaced, types checked."""
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
        except (ValueError, SyntaxError):
            raise ConfigError(f"{name} must be a {type(current).__name__}, received {value!r}.") from None
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(current):
        raise ConfigError(f"{name} must be a {type(current).__name__}, received {value!r}.")
    return value


def _parts(value: Any, name: str) -> tuple[Any, ...]:
    """What a list holds, or a text with commas between its parts; `none` and an empty text are no part."""
    if isinstance(value, str):
        parts = tuple(part.strip() for part in value.split(",") if part.strip())
        return () if parts == ("none",) else parts
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{name} must be a list, or values with commas between them, received {value!r}.")
    return tuple(value)


def to_dict(settings: Settings) -> dict[str, Any]:
    """Nested plain values, ready for JSON or TOML."""
    return asdict(settings)


def to_toml(settings: Settings) -> str:
    """The settings as TOML, groups after plain values."""
    values = to_dict(settings)
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for key, group in values.items():
        if isinstance(group, dict):
            lines += ["", f"[{key}]", *(f"{name} = {_toml(value)}" for name, value in group.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)
