"""Units of labels: what a file says, what a user says, and what the numbers themselves contradict."""

from dataclasses import dataclass

import numpy as np
from ase import units as ase_units
from jaxtyping import Float, Int

from explorer.errors import InputError

# constants of ASE (CODATA 2014), with which data sets of the field were converted
_ENERGIES = {
    "ev": 1.0,
    "mev": 1e-3,
    "kcal/mol": ase_units.kcal / ase_units.mol,
    "kj/mol": ase_units.kJ / ase_units.mol,
    "hartree": ase_units.Hartree,
}  # eV
_LENGTHS = {"angstrom": 1.0, "bohr": ase_units.Bohr, "nm": 10.0}  # Å
_OTHER_NAMES = {
    "kcal": "kcal/mol", "kcal mol-1": "kcal/mol", "kj": "kj/mol", "ha": "hartree", "eh": "hartree", "au": "hartree",
    "ang": "angstrom", "å": "angstrom", "a": "angstrom", "a0": "bohr",
}  # fmt: skip
_SHOWN = {"ev": "eV", "mev": "meV", "kj/mol": "kJ/mol", "hartree": "Hartree", "angstrom": "Å", "bohr": "Bohr"}
# Root mean square of a force component in dynamics at 300 to 500 K: 0.8 to 0.95 eV/Å (MD17 ethanol, MD22 Ac-Ala3-NHMe)
_THERMAL_FORCE = 0.9  # eV/Å
_LARGEST_FORCE = 10.0  # eV/Å; kcal/mol/Å that are read as eV/Å give 20; not tuned
_SMALLEST_FORCE = 0.1  # eV/Å; not tuned
# Σ Z^(7/3) of Thomas and Fermi, in eV: below the energy of every atom (C 1368 for 1030, S 13,500 for 10,830)
_THOMAS_FERMI = 20.92
_MIN_PAIRS, _LARGEST_STEP = 5, 0.3  # neighbouring frames and their largest displacement (Å) for the work along them
_FAIR_CORRELATION, _FAIR_SLOPE = 0.8, 0.3  # of the energy difference with the work; not tuned


@dataclass(frozen=True)
class LabelUnits:
    """Units of the labels of a file.

    Attributes:
        energy: Unit of energy, by its name here.
        length: Unit of length, by its name here.
        force_length: Unit of length in the forces.
    """

    energy: str = "ev"
    length: str = "angstrom"
    force_length: str = "angstrom"

    @classmethod
    def parse(cls, text: str) -> "LabelUnits":
        """Parse a unit of energy, with a unit of length after a comma, such as `kcal/mol` or `hartree,bohr`.

        Raises:
            InputError: If a unit is unknown.
        """
        energy, _, length = text.replace(" and ", ",").partition(",")
        if not length and energy.lower().endswith(("/angstrom", "/ang", "/bohr")):  # as units of force are written
            energy, _, length = energy.rpartition("/")
        length_name = _name(length or "angstrom", _LENGTHS)
        return cls(_name(energy, _ENERGIES), length_name, length_name)

    @property
    def in_ev(self) -> float:
        """Unit of energy, eV."""
        return _ENERGIES[self.energy]

    @property
    def in_angstrom(self) -> float:
        """Unit of length, Å."""
        return _LENGTHS[self.length]

    @property
    def force(self) -> float:
        """Unit of force, eV/Å."""
        return self.in_ev / _LENGTHS[self.force_length]

    def __str__(self) -> str:
        energy, length = (_SHOWN.get(name, name) for name in (self.energy, self.length))
        return f"{energy} and {length}"


def _name(text: str, known: dict[str, float]) -> str:
    name = " ".join(text.strip().lower().split())
    name = _OTHER_NAMES.get(name, name)
    if name not in known:
        shown = ", ".join(_SHOWN.get(one, one) for one in known)
        raise InputError(f"A unit was wanted ({shown}), received {text.strip()!r}. Say --units kcal/mol, for example.")
    return name


def contradiction(units: LabelUnits, atomic_numbers: Int[np.ndarray, "N"], energy: Float[np.ndarray, "F"]) -> str:
    """Return why energies cannot have a unit, or an empty text.

    No electron density has a total energy below that of Thomas and Fermi, about -20.9 Z^(7/3) eV per atom.

    Args:
        units: Units in question.
        atomic_numbers: Atomic number of each atom.
        energy: Energies in units of the file.
    """
    lowest = -_THOMAS_FERMI * float(np.sum(np.asarray(atomic_numbers, float) ** (7 / 3)))
    found = energy[np.isfinite(energy)] * units.in_ev
    if found.size and np.median(found) < lowest:
        name = _SHOWN.get(units.energy, units.energy)
        return (
            f"an energy of {np.median(energy[np.isfinite(energy)]):.6g} {name} is below any energy of these atoms "
            f"({lowest / units.in_ev:.6g} {name})"
        )
    return ""


def suspicion(units: LabelUnits, forces: Float[np.ndarray, "F N 3"]) -> str:
    """Return why forces look as if they had another unit, or an empty text.

    Args:
        units: Units in question.
        forces: Forces in units of the file.
    """
    size = _root_mean_square(forces) * units.force
    if not size or _SMALLEST_FORCE < size < _LARGEST_FORCE:
        return ""
    return (
        f"force components of {size:.3g} eV/Å (root mean square) are unusual: dynamics at 300 to 500 K has "
        f"{_THERMAL_FORCE:g}"
    )


def is_decisive(units: LabelUnits, forces: Float[np.ndarray, "F N 3"]) -> bool:
    """Return whether forces are too large for a unit that nobody stated."""
    return _root_mean_square(forces) * units.force > _LARGEST_FORCE


def likely_units(forces: Float[np.ndarray, "F N 3"]) -> str:
    """Return the unit of energy with which forces are most like those of dynamics at room temperature.

    Args:
        forces: Forces in units of the file.
    """
    size = _root_mean_square(forces)
    if not size:
        return ""
    names = ("ev", "kcal/mol", "kj/mol", "hartree")
    nearest = min(names, key=lambda name: abs(np.log(size * _ENERGIES[name] / _THERMAL_FORCE)))
    return f"Their forces look like {_SHOWN.get(nearest, nearest)} per Å."


def _root_mean_square(forces: Float[np.ndarray, "F N 3"]) -> float:
    found = forces[np.isfinite(forces)]
    return float(np.sqrt(np.mean(found**2))) if found.size else 0.0


def work_mismatch(
    positions: Float[np.ndarray, "F N 3"], energy: Float[np.ndarray, "F"], forces: Float[np.ndarray, "F N 3"]
) -> str:
    """Return how energies and forces of neighbouring frames contradict each other, or an empty text.

    Between frames that are close together, E₂ - E₁ = -½ (F₁ + F₂) · (R₂ - R₁). A slope of -1 tells gradients that are
    taken for forces; another one, units of energies, forces and positions that do not belong together.

    Args:
        positions: Å.
        energy: eV.
        forces: eV/Å.
    """
    steps = np.diff(positions, axis=0)
    work = -0.5 * np.einsum("fax,fax->f", forces[1:] + forces[:-1], steps)
    rise = np.diff(energy)
    close = (np.abs(steps).max(axis=(1, 2), initial=0) < _LARGEST_STEP) & np.isfinite(work) & np.isfinite(rise)
    work, rise = work[close], rise[close]
    if len(work) < _MIN_PAIRS or not work.any() or not rise.any():
        return ""
    slope = float(work @ rise / (work @ work))
    correlation = float(work @ rise / np.sqrt((work @ work) * (rise @ rise)))
    if abs(correlation) < _FAIR_CORRELATION or abs(slope - 1) < _FAIR_SLOPE:
        return ""
    if abs(slope + 1) < _FAIR_SLOPE:
        return "energies fall where forces point uphill: the forces are gradients, with the wrong sign"
    return (
        f"energies of neighbouring frames change by {slope:.3g} times the work of the forces, where 1 was expected: "
        "units of energies, forces and positions do not belong together"
    )
