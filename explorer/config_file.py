"""Settings from defaults, from the needs of the potential, from a TOML file and from overrides."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

from explorer.config import Settings
from explorer.errors import ConfigError
from explorer.files import write_text
from explorer.overrides import nested, with_overrides
from explorer.records.former_names import FORMER_DEFAULTS

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
    "connect": "budget.connect",
}

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
