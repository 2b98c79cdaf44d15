"""Sets of minima by name: ids, a structure class, a pattern of hydrogen bonds, or a rule for torsions."""

import operator
import re

import numpy as np
from jaxtyping import Bool

from explorer.analysis.run_analysis import RunAnalysis
from explorer.errors import InputError
from explorer.records.structure_class import StructureClass
from explorer.topology.hydrogen_bonds import NO_BONDS

_IDS = re.compile(r"\d+(\s*,\s*\d+)*")
_RULE = re.compile(r"\s*(phi|psi)(\d*)\s*(<|>)\s*(-?\d+(?:\.\d+)?)\s*", re.IGNORECASE)
_COMPARE = {"<": operator.lt, ">": operator.gt}


def find_minima(analysis: RunAnalysis, text: str) -> list[int]:
    """Return the ids of the minima that a text names.

    It is an id, several separated by commas (`3,7`), a structure class (`cis-amide`), a pattern of hydrogen bonds
    (`C10+C7`, `none`), or rules for backbone torsions in degrees joined by `and` (`phi<0`, `phi2>0 and psi2<90`; the
    number is that of the residue, and may be left out where there is one). Torsions lie between -180 and 180. Classes
    select among the results, patterns and rules among conformers.

    Args:
        analysis: The analysed run.
        text: What the user wrote.

    Raises:
        InputError: When the text is none of these, or no minimum fits.
    """
    run, text = analysis.run, text.strip()
    if _IDS.fullmatch(text):
        return _by_id(analysis, [int(part) for part in text.split(",")])
    if text in list(StructureClass):
        found = [m.id for m in run.results if m.structure_class == text]
    elif text in {*analysis.hydrogen_bonds, NO_BONDS}:
        found = [m.id for m in run.conformers if analysis.hydrogen_bonds[m.id] == text]
    else:
        fits = _fulfils(analysis, text)
        found = [m.id for m in run.conformers if fits[m.id]]
    if not found:
        raise InputError(f"No minimum of the run fits {text!r}. Try another class, pattern or rule.")
    return found


def _by_id(analysis: RunAnalysis, ids: list[int]) -> list[int]:
    minima = analysis.run.minima
    for id in ids:
        if id >= len(minima):
            raise InputError(f"The run has minima 0 to {len(minima) - 1}, received {id}.")
        if not minima[id].is_result:
            raise InputError(f"Minimum {id} is no result ({minima[id].exclusion}). Choose another one.")
    return sorted(set(ids))


def _patterns(analysis: RunAnalysis) -> str:
    """Return the patterns of the lowest conformers."""
    lowest = dict.fromkeys(
        analysis.hydrogen_bonds[m.id] for m in sorted(analysis.run.conformers, key=lambda m: m.energy)
    )
    return ", ".join(list(lowest)[:5]) or NO_BONDS


def _fulfils(analysis: RunAnalysis, text: str) -> Bool[np.ndarray, "n_minima"]:
    n_residues = len(analysis.topology.backbone)
    fits = np.ones(len(analysis.run.minima), dtype=bool)
    for part in re.split(r"\band\b|&", text):
        match = _RULE.fullmatch(part)
        if match is None:
            raise InputError(
                f"Minima are chosen by ids (3 or 3,7), a class ({', '.join(StructureClass)}), a pattern of hydrogen "
                f"bonds of the run ({_patterns(analysis)}), or a rule such as 'phi<0' or 'phi2>0 and psi2<90'; "
                f"received {text!r}."
            )
        name, number, sign, limit = match.groups()
        if not number and n_residues != 1:
            raise InputError(
                f"The molecule has {n_residues} residues with phi and psi, so a rule names one, such as "
                f"{name}1{sign}{limit}; received {text!r}."
            )
        residue = int(number or 1)
        if not 1 <= residue <= n_residues:
            raise InputError(f"The molecule has residues 1 to {n_residues} with phi and psi, received {text!r}.")
        angles = analysis.torsions[:, residue - 1, 0 if name.lower() == "phi" else 1]
        fits &= _COMPARE[sign](angles, float(limit))
    return fits
