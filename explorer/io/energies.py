"""Energies in comment lines and data fields, with their units."""

import math
import re
from collections.abc import Mapping

from explorer.units import KCAL_PER_MOL

HARTREE = 27.211386245988  # eV, CODATA 2018
_UNITS = {  # eV
    "ev": 1.0, "mev": 1e-3, "eh": HARTREE, "ha": HARTREE, "hartree": HARTREE, "hartrees": HARTREE, "au": HARTREE,
    "a.u.": HARTREE, "kcal/mol": KCAL_PER_MOL, "kcal": KCAL_PER_MOL, "kj/mol": KCAL_PER_MOL / 4.184,
    "kj": KCAL_PER_MOL / 4.184, "ry": HARTREE / 2, "rydberg": HARTREE / 2, "cm-1": 1.239841984e-4,
}  # fmt: skip
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[ed][-+]?\d+)?"
_UNIT = "|".join(sorted((re.escape(unit) for unit in _UNITS), key=len, reverse=True))
_KEY = r"(?P<key>[\w./ -]*?energ(?:y|ies)[\w./-]*|e_?tot|total[ _]e|scf[ _]e|e)"
_STATED = re.compile(
    rf"(?:^|[\s;,|]){_KEY}\s*(?:[\[(]\s*(?P<before>{_UNIT})\s*[\])])?(?:\s*[=:]\s*|\s+)[\"']?(?P<value>{_NUMBER})"
    rf"(?:\s*[\[(]?(?P<after>{_UNIT})[\])]?)?(?=$|[\s;,|\"'])",
    re.IGNORECASE,
)
_UNIT_IN_KEY = re.compile(rf"(?:^|[^a-z])({_UNIT})$", re.IGNORECASE)
_UNIT_KEY = re.compile(rf"(?:energy_?)?units?\s*=\s*[\"']?({_UNIT})(?=$|[\s\"'])", re.IGNORECASE)
_BARE = re.compile(rf"\s*(?P<value>{_NUMBER})\s*(?P<unit>{_UNIT})?\s*", re.IGNORECASE)
# Comment lines of programs that write energies in Hartree without saying so.
_IN_HARTREE = (
    re.compile(rf"^\s*energy:\s*(?P<value>{_NUMBER})\s+gnorm:", re.IGNORECASE),  # xtb
    re.compile(r"^\s*(?P<value>-?\d+\.\d{7,})(?:\s+!.*|\s+!?CONF\d+.*)?\s*$"),  # CREST, CENSO
    re.compile(rf"^\s*i\s*=\s*\d+,.*\bE\s*=\s*(?P<value>{_NUMBER})"),  # CP2K
    re.compile(rf"^gdb\s+\d+(?:\s+\S+){{10}}\s+(?P<value>{_NUMBER})\s"),  # QM9: U at 0 K
    re.compile(rf"^Coordinates from ORCA-job .*\sE\s+(?P<value>{_NUMBER})", re.IGNORECASE),
)
_LONGEST_COMMENT = 4000  # characters that are searched for an energy
Reading = tuple[float | None, tuple[str, ...]]  # energy in eV or None, and remarks


def unit_in_ev(unit: str) -> float:
    """Return the size of a unit of energy, eV.

    Args:
        unit: Name of the unit, such as `kcal/mol`.

    Raises:
        KeyError: For an unknown unit.
    """
    return _UNITS[unit.lower()]


def energy_of_comment(comment: str) -> Reading:
    """Return the energy of the comment line of an XYZ frame, and a remark if there is one of unknown unit.

    A stated unit is converted. `energy` of an extended XYZ line (with `Properties=`) is in eV, as in ASE. Comment lines
    of CREST, CENSO, xtb and ORCA are in Hartree.

    Args:
        comment: Comment line.
    """
    comment = comment[:_LONGEST_COMMENT]
    for pattern in _IN_HARTREE:
        match = pattern.search(comment)
        if match is not None:
            return _converted("energy", match["value"], "Eh")
    named_unit = _UNIT_KEY.search(comment)
    is_extended = re.search(r"(?:^|\s)(?:Properties|Lattice)\s*=", comment, re.IGNORECASE) is not None
    unread = ()
    for match in _STATED.finditer(_UNIT_KEY.sub(" ", comment)):
        key = match["key"].strip()
        in_key = _UNIT_IN_KEY.search(key)
        unit = match["before"] or match["after"] or (in_key and in_key[1]) or (named_unit and named_unit[1])
        if unit is None and is_extended and key.lower() == "energy":
            unit = "eV"
        if unit is not None:
            return _converted(key, match["value"], unit)
        if not is_extended:  # other energies of an extended line are data of their writer
            unread = (_unread(key),)
    bare = _BARE.fullmatch(comment)
    if bare is None:
        return None, unread
    if bare["unit"]:
        return _converted("energy", bare["value"], bare["unit"])
    return None, ("The number in the comment line has no unit and is not read as an energy. " + _ADVICE,)


def energy_of_fields(fields: Mapping[str, str]) -> Reading:
    """Return the energy of the data fields of an SDF record, and a remark if there is one of unknown unit.

    Args:
        fields: Texts by name.
    """
    unread = []
    for name, text in fields.items():
        if not re.search("energy|^e_?tot", name, re.IGNORECASE):
            continue
        match = _BARE.fullmatch(text.strip().split("\n")[0]) if text.strip() else None
        if match is None:
            continue
        unit = match["unit"] or _unit_of_field(name)
        if unit is not None:
            return _converted(name, match["value"], unit)
        unread.append(_unread(name))
    return None, tuple(unread[:1])


_ADVICE = "State it, such as energy=-30.1 Eh."


def _unread(key: str) -> str:
    return f"{key!r} has no unit and is not read. " + _ADVICE


def _unit_of_field(name: str) -> str | None:
    """Return the unit in `energy_eV`, `Energy (kcal/mol)`, or `total energy / Eh` as xtb writes it."""
    match = re.search(rf"[\s_(\[/]({_UNIT})[\s)\]]*$", name, re.IGNORECASE)
    return None if match is None else match[1]


def _converted(key: str, text: str, unit: str) -> Reading:
    value = float(text.lower().replace("d", "e")) * _UNITS[unit.lower()]
    return (value, ()) if math.isfinite(value) else (None, (f"{key!r} is not finite and is not read.",))
