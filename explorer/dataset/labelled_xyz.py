"""Labelled frames of extended XYZ files, and of XYZ files with an energy as comment and forces as columns."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from ase.data import atomic_numbers as NUMBER_OF

from explorer.dataset.frame_source import FrameBlock, FrameSource, block_of
from explorer.dataset.label_units import LabelUnits
from explorer.errors import InputError
from explorer.wording import in_one_line

_ENTRY = re.compile(r"""([^\s=]+)\s*=\s*("[^"]*"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|\S+)""")
_ENERGY_KEY, _FORCES_KEY = re.compile(r"(.*_)?energy", re.IGNORECASE), re.compile(r"(.*_)?forces?", re.IGNORECASE)
_NO_LABELS = ("free_energy",)  # of smeared occupations; not the energy that forces belong to
_FIRST_CHOICE = "ref_"  # prefix of labels that are meant for training
_CHARGE_KEYS, _MULTIPLICITY_KEYS = ("charge", "total_charge"), ("multiplicity", "spin_multiplicity")
_MOST_REPORTED = 3  # broken frames that are described
_BROKEN = (ValueError, KeyError, IndexError, StopIteration, OverflowError)  # errors of reading a frame
_COUNT = re.compile(r"\s*[0-9]{1,9}\s*")


class LabelKeys(NamedTuple):
    """Keys of energies and forces."""

    energy: str | None
    forces: str | None


def read_xyz(path: Path, energy_key: str | None = None, forces_key: str | None = None) -> FrameSource:
    """Open an XYZ file.

    Args:
        path: File.
        energy_key: Key of the energies in the comment lines; found by itself if there is only one, or `REF_energy`.
        forces_key: Key of the forces in `Properties`; that which belongs to the energy by default.

    Raises:
        InputError: If there are no labels or the keys are ambiguous.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        first = next(_frames(file, path, []), None)
    if first is None:
        raise InputError(f"{path} has no frames. Give structures with energies and forces.")
    comment, _ = first
    notes: list[str] = []
    if _is_number(comment):
        blocks = _plain_blocks(path, notes)
        return FrameSource(layout="XYZ with the energy as comment (sGDML)", blocks=blocks, notes=notes)
    given = LabelKeys(energy_key, forces_key)
    blocks = _extended_blocks(path, given, notes)
    return FrameSource(layout="extended XYZ", blocks=blocks, usual=LabelUnits(), notes=notes)


def _frames(file: TextIO, path: Path, notes: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Comment and rows of every frame; after a broken one, reading goes on at the next count."""
    broken: list[str] = []
    number, line = 0, file.readline()
    while line:
        if not line.strip():
            line = file.readline()
            continue
        number += 1
        if not _COUNT.fullmatch(line):
            broken.append(f"frame {number}: the number of atoms was expected, received {line.strip()[:30]!r}")
            while line and not _COUNT.fullmatch(line):
                line = file.readline()
            continue
        n_atoms, comment = int(line), file.readline().strip()
        rows: list[str] = []
        line = file.readline()
        while len(rows) < n_atoms and line and not _COUNT.fullmatch(line):
            rows.append(line)
            line = file.readline()
        if len(rows) == n_atoms:
            yield comment, rows
        else:
            broken.append(f"frame {number}: {n_atoms} atoms were expected, received {len(rows)} lines")
    notes += _reported(broken)


def _reported(broken: list[str]) -> list[str]:
    if not broken:
        return []
    more = f"; and {len(broken) - _MOST_REPORTED} more" if len(broken) > _MOST_REPORTED else ""
    return [f"{len(broken)} broken frames are left out: {'; '.join(broken[:_MOST_REPORTED])}{more}."]


def _plain_blocks(path: Path, notes: list[str]) -> Iterator[FrameBlock]:
    broken: list[str] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, (comment, rows) in enumerate(_frames(file, path, notes), start=1):
            try:
                table = np.array([row.split() for row in rows])
                values = table[:, 1:].astype(float)
                forces = values[None, :, 3:6] if values.shape[1] >= 6 else None
                yield block_of(_numbers(table[:, 0]), values[None, :, :3], np.array([float(comment)]), forces)
            except _BROKEN as error:
                broken.append(f"frame {number}: {in_one_line(error, 80)}")
    notes += _reported(broken)


def _extended_blocks(path: Path, given: LabelKeys, notes: list[str]) -> Iterator[FrameBlock]:
    keys, chosen_from = given, frozenset()
    columns_of: dict[str, dict[str, slice]] = {}
    broken: list[str] = []
    periodic = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, (comment, rows) in enumerate(_frames(file, path, notes), start=1):
            info = {key: value.strip("\"'") for key, value in _ENTRY.findall(comment)}
            layout = info.get("Properties", "species:S:1:pos:R:3")
            try:
                columns = columns_of.setdefault(layout, _columns(layout))
                found = _candidates(info, columns)
                if found - chosen_from:
                    keys = _choose(given, info, columns, path, number, keys if chosen_from else None, notes)
                    chosen_from = chosen_from | found
                periodic = periodic or "Lattice" in info
                yield _block(info, columns, rows, keys)
            except _BROKEN as error:
                broken.append(f"frame {number}: {in_one_line(error, 80)}")
    notes += _reported(broken)
    if periodic:
        notes.append("Cells are ignored: every frame is taken for an isolated molecule.")
    if not chosen_from and given == LabelKeys(None, None):
        raise InputError(f"{path} has neither energies nor forces. Label it first: pes-explore label {path.name}.")


def _candidates(info: Mapping[str, str], columns: Mapping[str, slice]) -> frozenset[str]:
    energies = {key for key in info if _ENERGY_KEY.fullmatch(key) and key not in _NO_LABELS and _is_number(info[key])}
    return frozenset(energies | {key for key in columns if _FORCES_KEY.fullmatch(key)})


def _choose(
    given: LabelKeys,
    info: Mapping[str, str],
    columns: Mapping[str, slice],
    path: Path,
    number: int,
    before: LabelKeys | None,
    notes: list[str],
) -> LabelKeys:
    found = _candidates(info, columns)
    energies = sorted(key for key in found if _ENERGY_KEY.fullmatch(key))
    forces = sorted(key for key in found if _FORCES_KEY.fullmatch(key))
    energy = given.energy or _only(energies, "energy", path)
    prefix = energy[: -len("energy")] if energy and _ENERGY_KEY.fullmatch(energy) else None
    belonging = [key for key in forces if prefix is not None and key.lower().rstrip("s") == f"{prefix}force".lower()]
    force = given.forces or (belonging or [_only(forces, "forces", path) if energy is None else None])[0]
    if energy and forces and force is None:
        force = _only(forces, "forces", path)
    if before and (before.energy or energy) != energy:
        raise InputError(
            f"{path}: frame {number} has {energy}, the frames before it have {before.energy}. Say --energy-key."
        )
    chosen = LabelKeys(energy or (before.energy if before else None), force or (before.forces if before else None))
    if before is None:
        others = sorted(found - {chosen.energy, chosen.forces})
        beside = f"; {', '.join(others)} are left out" if others else ""
        notes.append(f"Labels are {chosen.energy or 'no energy'} and {chosen.forces or 'no forces'}{beside}.")
    return chosen


def _only(keys: list[str], what: str, path: Path) -> str | None:
    """The key for training, or the only one."""
    meant = [key for key in keys if key.lower().startswith(_FIRST_CHOICE)]
    if len(meant) == 1 or len(keys) == 1:
        return (meant or keys)[0]
    if keys:
        option = f"--{what.removesuffix('s') if what == 'energy' else what}-key"
        raise InputError(f"{path} has several labels: {', '.join(keys)}. Say which by {option} {keys[0]}.")
    return None


def _columns(layout: str) -> dict[str, slice]:
    parts, columns, start = layout.split(":"), {}, 0
    for name, width in zip(parts[::3], parts[2::3], strict=False):
        columns[name] = slice(start, start + int(width))
        start += int(width)
    return columns


def _block(info: Mapping[str, str], columns: Mapping[str, slice], rows: list[str], keys: LabelKeys) -> FrameBlock:
    table = np.array([row.split() for row in rows])
    species = next(columns[name] for name in ("species", "Z", "numbers", "atomic_numbers") if name in columns)
    positions = table[:, columns["pos"]].astype(float)
    labels = keys.energy or "", keys.forces or ""
    energy = np.array([float(info[labels[0]])]) if labels[0] in info else None
    forces = table[:, columns[labels[1]]].astype(float)[None] if labels[1] in columns else None
    charge, multiplicity = _integer(info, _CHARGE_KEYS), _integer(info, _MULTIPLICITY_KEYS)
    if multiplicity is None and "num_unpaired_electrons" in info:
        multiplicity = int(float(info["num_unpaired_electrons"])) + 1
    numbers = _numbers(table[:, species][:, 0])
    return block_of(numbers, positions[None], energy, forces, total_charge=charge, multiplicity=multiplicity)


def _integer(info: Mapping[str, str], keys: tuple[str, ...]) -> int | None:
    return next((round(float(info[key])) for key in keys if key in info), None)


def _numbers(symbols: np.ndarray) -> np.ndarray:
    return np.array([int(symbol) if symbol.isdigit() else NUMBER_OF[symbol.capitalize()] for symbol in symbols])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
