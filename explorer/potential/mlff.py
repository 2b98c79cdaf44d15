"""Reader of checkpoints of mlff, the reference code of SO3krates: version 0.2, 0.3, 1.0 and fine-tuned SO3LR.

A folder is taken as the reference code leaves it. Nothing of it is run: parameters are arrays of msgpack, zarr or, in
the published SO3LR, a pickle of which only arrays are admitted. A network that this project cannot express is refused
by the name of its hyperparameter.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from flax.traverse_util import unflatten_dict

from explorer.errors import CheckpointError
from explorer.potential.checkpoint import check_shapes
from explorer.potential.embedding import N_ELEMENTS
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.mlff_v0 import is_second_moment, v0_hyperparameters, v0_parameters, v0_trained_elements
from explorer.potential.mlff_v1 import v1_hyperparameters, v1_parameters
from explorer.potential.orbax import read_stored_arrays
from explorer.potential.so3lr import PARAMETERS_FILE, SO3LR_REFERENCE
from explorer.potential.unpickle import read_arrays

MLFF_PREFIX = "mlff:"  # prefix of the folder of a checkpoint of mlff
ENERGY_UNITS = {"eV": 1.0, "kcal/mol": 0.04336410390059322}  # eV; the constant of ASE, with which mlff converts
_SETTINGS_FILE = "hyperparameters.json"
_LOWEST_ENERGY = -15.0  # eV per squared atomic number: total energies of atoms are -13.6 Z² (H) to -17 Z^2.3 at most


@dataclass(frozen=True, kw_only=True)
class MlffName:
    """Parsed name of a checkpoint of mlff: `mlff:FOLDER?units=kcal/mol&level=0&elements=H,C,O`.

    Attributes:
        folder: Folder of the checkpoint.
        units: Unit of energy of a network of mlff 0.x; None if it is not given.
        level: Level of theory.
        elements: Atomic numbers in the training data; empty if they are not given.
    """

    folder: Path
    units: str | None = None
    level: int = 0
    elements: tuple[int, ...] = ()

    @classmethod
    def parse(cls, name: str, units: str | None = None) -> "MlffName":
        """Parse a name.

        Args:
            name: Name with prefix.
            units: Unit of energy that is given beside the name.

        Raises:
            CheckpointError: If an option is unknown or wrong.
        """
        path, _, query = name.removeprefix(MLFF_PREFIX).partition("?")
        parts = [text.partition("=") for text in query.split("&") if text]
        options = {key: value for key, _, value in parts}
        if unknown := options.keys() - {"units", "level", "elements"}:
            raise CheckpointError(f"{MLFF_PREFIX}FOLDER takes units, level and elements, received {min(unknown)}.")
        level = options.get("level", "0")
        if not level.isdigit():
            raise CheckpointError(f"level must be a number, received {level!r}.")
        elements = parse_elements(options.get("elements", ""))
        folder = Path(path).expanduser()
        return cls(folder=folder, units=options.get("units", units), level=int(level), elements=elements)


def parse_elements(text: str) -> tuple[int, ...]:
    """Return the atomic numbers of elements such as `H,C,N,O`.

    Raises:
        CheckpointError: If a symbol is unknown.
    """
    symbols = [symbol.strip() for symbol in text.split(",") if symbol.strip()]
    if unknown := [symbol for symbol in symbols if symbol not in atomic_numbers]:
        raise CheckpointError(f"elements must be symbols such as H,C,N,O, received {unknown[0]!r}.")
    return tuple(sorted({atomic_numbers[symbol] for symbol in symbols}))


@dataclass(frozen=True, kw_only=True)
class ImportedNetwork:
    """Network of a foreign checkpoint.

    Attributes:
        hyperparameters: Hyperparameters of this project.
        params: Parameters in the names of this project.
        digest: Digest of the parameters and of what decides the energy.
        generation: Program that wrote the checkpoint.
        notes: What the files do not say and was assumed, in sentences.
    """

    hyperparameters: Hyperparameters
    params: Any
    digest: str
    generation: str
    notes: tuple[str, ...]


def read_mlff(
    folder: Path, units: str | None = None, level: int = 0, elements: tuple[int, ...] = ()
) -> ImportedNetwork:
    """Read a checkpoint of mlff.

    Args:
        folder: Folder of a training run of mlff, with `hyperparameters.json`.
        units: Unit of energy of a network of mlff 0.x, "eV" or "kcal/mol"; those of mlff 1.0 are in eV.
        level: Level of theory, for a network with several energy heads.
        elements: Atomic numbers in the training data, where the files do not tell.

    Raises:
        CheckpointError: If files are missing or damaged, or the network is not implemented.
    """
    if units not in (None, *ENERGY_UNITS):
        raise CheckpointError(f"units must be {' or '.join(ENERGY_UNITS)}, received {units!r}.")
    settings = _settings(folder)
    try:
        if "stack_net" in settings:
            network, leftover = _read_v0(folder, settings, units)
        elif "model" in settings and "data" in settings:
            network, leftover = _read_v1(folder, settings, units, level)
        else:
            raise CheckpointError(
                f"{folder / _SETTINGS_FILE} has neither stack_net (mlff 0.x) nor model and data (mlff 1.0), so it is "
                "not a checkpoint of mlff. A fine-tuned model needs the hyperparameters.json of the original beside it."
            )
    except KeyError as error:
        raise CheckpointError(f"{folder}: {error.args[0]} is missing, so this is not a SO3krates network.") from None
    except (TypeError, AttributeError, ValueError, IndexError) as error:
        raise CheckpointError(f"{folder / _SETTINGS_FILE} does not describe a SO3krates network ({error}).") from None
    if leftover:
        raise CheckpointError(
            f"{folder} holds {len(leftover)} arrays for which there is no place, such as {min(leftover)}: this variant "
            "of the network is not implemented."
        )
    if elements:
        network = replace(network, hyperparameters=replace(network.hyperparameters, trained_elements=elements))
    check_shapes(network.hyperparameters, network.params, folder)
    network = _with_atomic_energies(network)
    digest = _digest(network.hyperparameters, network.params)
    return replace(network, params=unflatten_dict(network.params, sep="/"), digest=digest)


def _settings(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise CheckpointError(f"A folder with a checkpoint of mlff was wanted, received {folder}.")
    try:
        content = json.loads((folder / _SETTINGS_FILE).read_text())
    except FileNotFoundError:
        raise CheckpointError(f"{folder} has no {_SETTINGS_FILE}, so it is not a checkpoint of mlff.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / _SETTINGS_FILE} cannot be read ({error}). Copy it again.") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{folder / _SETTINGS_FILE} should hold named values. Copy it again.")
    return content


def _read_v0(
    folder: Path, settings: Mapping[str, Any], units: str | None
) -> tuple[ImportedNetwork, Mapping[str, np.ndarray]]:
    net = settings["stack_net"]
    if "geometry_embedding" in net:
        raise CheckpointError(
            f"{folder}: geometry_embedding belongs to mlff 0.1, another network. It is not implemented."
        )
    legacy = _numbered(folder, "checkpoint_loss_")
    newest = legacy or _numbered(folder, "ckpt_")
    if newest is None:
        raise CheckpointError(f"{folder} has neither checkpoint_loss_N nor ckpt_N: training saved no parameters.")
    part, place = ("params", newest) if legacy else ("valid_params", newest / "state")
    _check_complete(folder, place)
    wanted = f"{part}/params/"
    stored = read_stored_arrays(place, lambda name: name.startswith(wanted) or is_second_moment(name))
    theirs = {name.removeprefix(wanted): value for name, value in stored.items() if name.startswith(wanted)}
    if not theirs:
        raise CheckpointError(f"{place} holds no arrays below {wanted}, so it is not a checkpoint of mlff.")
    elements = v0_trained_elements(stored)
    scales, notes = _scales(folder)
    energy = net["observables"][0].get("energy", {})
    shift = _table(energy.get("per_atom_shift") or ()) * scales[1] + scales[0]
    unit, reason = (ENERGY_UNITS[units], "") if units else _unit_of(shift, elements)
    scale = unit * scales[1]
    hp = v0_hyperparameters(net, scale)
    params = v0_parameters(theirs, hp, energy, scale)
    hp = replace(hp, trained_elements=elements, energy_shifts=_shifts(shift * unit))
    if net["geometry_embeddings"][0]["geometry_embed"].get("mic"):
        notes.append("It was trained with periodic cells (mic); molecules are computed as isolated.")
    notes += [reason] if reason else []
    version = "0.2" if legacy else "0.3"
    return _imported(hp, params, f"mlff {version} (train_so3krates), {newest.name}", notes), theirs


def _scales(folder: Path) -> tuple[tuple[np.ndarray, float], list[str]]:
    """Shift by element and scale of the energies, in the unit of the network."""
    path = folder / "scales.json"
    if not path.is_file():
        return (np.zeros(N_ELEMENTS), 1.0), ["scales.json is missing: energies have no shifts."]
    try:
        energy = json.loads(path.read_text())["energy"]
        return (_table(energy.get("per_atom_shift") or ()), float(energy.get("scale", 1.0))), []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}). Copy it again.") from None


def _unit_of(shift: np.ndarray, elements: tuple[int, ...]) -> tuple[float, str]:
    """Unit of energy by the shifts, and the reason for it."""
    known = [z for z in elements if shift[z]] if elements else []
    lowest = _LOWEST_ENERGY * np.arange(N_ELEMENTS) ** 2.4
    # a shift that is the same for all elements is a mean over them, so that the heaviest one limits it
    same = len({float(shift[z]) for z in known}) == 1
    limit = {z: lowest[max(known) if same else z] for z in known}
    # shifts that are impossible in either unit come from a fit to a single composition and tell nothing
    impossible = [z for z in known if shift[z] < limit[z] <= ENERGY_UNITS["kcal/mol"] * shift[z]]
    how = "Say it: model import --units UNIT, or mlff:FOLDER?units=UNIT."
    if impossible:
        name = chemical_symbols[impossible[0]]
        return ENERGY_UNITS["kcal/mol"], (
            f"mlff 0.x does not record its unit of energy; kcal/mol is taken, because a shift of "
            f"{shift[impossible[0]]:.6g} for {name} is lower than any energy of that atom in eV. {how}"
        )
    return 1.0, f"mlff 0.x does not record its unit of energy; eV is taken, as its manual advises. {how}"


def _read_v1(
    folder: Path, settings: Mapping[str, Any], units: str | None, level: int
) -> tuple[ImportedNetwork, Mapping[str, np.ndarray]]:
    if units == "kcal/mol":
        raise CheckpointError("Networks of mlff 1.0 are always in eV. Leave units out.")
    newest = _numbered(folder / "checkpoints", "ckpt_")
    place = newest / "params" if newest else folder / PARAMETERS_FILE
    _check_complete(folder, place)
    stored = read_stored_arrays(place, lambda name: True) if newest else read_arrays(place)
    theirs = {name.removeprefix("params/"): value for name, value in stored.items()}
    if not any(name.startswith("layers_0/attention_block/") for name in theirs):
        raise CheckpointError(f"{folder}: layers_0/attention_block is missing, so this is not a SO3krates network.")
    model, data = settings["model"], settings["data"]
    hp = v1_hyperparameters(model, data, theirs)
    params = v1_parameters(theirs, hp, level)
    weights = (settings.get("training") or {}).get("loss_weights") or {"energy": 1.0}
    notes = []
    # without labels of energy the mean shift means nothing, and the authors do not add it
    trained_on_energies = bool(weights.get("energy"))
    table = np.zeros(N_ELEMENTS)
    for number, shift in (data.get("energy_shifts") or {}).items():
        table[int(number)] = shift if trained_on_energies else 0.0
    if not trained_on_energies:
        notes.append("It was trained without energies: their zero is arbitrary, differences are meaningful.")
    is_so3lr = place.name == PARAMETERS_FILE or "hirshfeld_ratios" in weights
    hp = replace(hp, energy_shifts=_shifts(table), reference=SO3LR_REFERENCE if is_so3lr else "")
    tuned = "fine_tune_so3krates_sparse" if (folder / "fine_tuning.json").is_file() else "train_so3krates_sparse"
    return _imported(hp, params, f"mlff 1.0 ({tuned}), {(newest or place).name}", notes), theirs


def _imported(hp: Hyperparameters, params: Any, generation: str, notes: list[str]) -> ImportedNetwork:
    if not hp.trained_elements:
        notes.append(
            "The files do not tell the elements of the training data. Say them: model import --elements H,C,O, or "
            "mlff:FOLDER?elements=H,C,O."
        )
    if re.search(r"_0$", generation):
        notes.append("It is checkpoint 0: training stopped before it became better than the random start.")
    return ImportedNetwork(hyperparameters=hp, params=params, digest="", generation=generation, notes=tuple(notes))


def _numbered(folder: Path, prefix: str) -> Path | None:
    """The file or folder PREFIX_N with the largest number; unfinished ones have longer names."""
    found = {
        int(path.name[len(prefix) :]): path for path in folder.glob(f"{prefix}*") if path.name[len(prefix) :].isdigit()
    }
    return found[max(found)] if found else None


def _check_complete(folder: Path, place: Path) -> None:
    if place.exists():
        return
    unfinished = [path.name for path in (*folder.glob("*tmp*"), *folder.glob("checkpoints/*tmp*"))]
    why = f"{unfinished[0]} was not written to its end" if unfinished else "the checkpoint is incomplete"
    raise CheckpointError(f"{place} is missing: {why}. Copy the folder again, or use an earlier checkpoint.")


def _table(values: Any) -> np.ndarray:
    """Table by atomic number, with zeros for elements beyond its end."""
    return np.concatenate([np.asarray(values, float), np.zeros(N_ELEMENTS)])[:N_ELEMENTS]


def _shifts(table: np.ndarray) -> tuple[float, ...]:
    return tuple(table.tolist()) if table.any() else ()


def _with_atomic_energies(network: ImportedNetwork) -> ImportedNetwork:
    """Use the shifts of trained elements as atomic energies, which labels are compared with."""
    hp = network.hyperparameters
    energies = tuple(hp.energy_shifts[z] for z in hp.trained_elements) if hp.energy_shifts else ()
    return replace(network, hyperparameters=replace(hp, atomic_energies=energies))


def _digest(hp: Hyperparameters, params: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(repr(replace(hp, trained_elements=(), atomic_energies=(), dispersion=False)).encode())
    digest.update(str(hp.dispersion).encode())
    for name in sorted(params):
        digest.update(name.encode() + np.ascontiguousarray(params[name]).tobytes())
    return digest.hexdigest()[:16]
