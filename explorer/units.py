"""Physical constants in the units of the project (Å, eV, fs, amu, K, e; CODATA 2018), and energies with units."""

import re
from typing import NamedTuple

from explorer.errors import ConfigError

BOLTZMANN = 8.617333262e-5  # eV / K
KCAL_PER_MOL = 0.0433641042  # eV
ACCELERATION = 9.64853321e-3  # (Å / fs²) per (eV / Å / amu)
SPEED_OF_LIGHT = 2.99792458e-5  # cm / fs
PLANCK = 4.135667696  # eV fs

# eV above the lowest minimum; minima below this energy count as low. At 300 K its Boltzmann factor is 0.7 %.
LOW_ENERGY_WINDOW = 3 * KCAL_PER_MOL
# eV above the lowest minimum, default of the coverage: room for an error of the model of 2 kcal/mol and for entropy
COVERAGE_WINDOW = 6 * KCAL_PER_MOL


class EnergyUnit(NamedTuple):
    """Unit of the energies that people read.

    Attributes:
        name: Its name.
        size: One unit, eV.
    """

    name: str
    size: float


KCAL = EnergyUnit("kcal/mol", KCAL_PER_MOL)
REDUCED = EnergyUnit("ε", 1.0)  # of Lennard-Jones clusters, whose ε is 1 eV

_ENERGY_UNITS = {"ev": 1.0, "kcal": KCAL_PER_MOL, "kj": KCAL_PER_MOL / 4.184, "mev": 1e-3}  # eV


def parse_energy(text: str, name: str) -> float:
    """Convert an energy with its unit, such as `3kcal`, `12.5 kJ/mol` or `0.13eV`, to eV.

    Args:
        text: Energy and unit; the unit is required.
        name: Name of the option, for the error message.

    Raises:
        ConfigError: If the text is not an energy with a unit.

    >>> round(parse_energy("3kcal", "--window"), 4)
    0.1301
    """
    return _quantity(text, name, _ENERGY_UNITS, "(?:/mol)?", "an energy", "3kcal, 12.5kJ or 0.13eV")


_TIME_UNITS = {"fs": 1e-15, "ps": 1e-12, "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}  # s


def parse_time(text: str, name: str) -> float:
    """Convert a time with its unit, such as `1ns`, `2.5 ps` or `1e-9s`, to s.

    Args:
        text: Time and unit; the unit is required.
        name: Name of the option, for the error message.

    Raises:
        ConfigError: If the text is not a time with a unit.

    >>> parse_time("2ns", "--lump")
    2e-09
    """
    return _quantity(text, name, _TIME_UNITS, "", "a time", "1ns, 2.5ps or 1e-9s")


def _quantity(text: str, name: str, units: dict[str, float], suffix: str, kind: str, examples: str) -> float:
    """Convert a number with one of the units, which are written in any case and may end with a suffix."""
    pattern = rf"\s*(\d+\.?\d*(?:e[-+]?\d+)?|\.\d+)\s*({'|'.join(units)}){suffix}\s*"
    match = re.fullmatch(pattern, text, re.IGNORECASE)
    if match is None:
        raise ConfigError(f"{name} takes {kind} with its unit, such as {examples}; received {text!r}.")
    return float(match.group(1)) * units[match.group(2).lower()]
