"""Potentials by name for a given molecule, with checked elements and a suitable capacity of the pair list."""

import hashlib
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from ase.data import chemical_symbols

from explorer.config import Settings
from explorer.config_file import ASE_PREFIX, LENNARD_JONES
from explorer.errors import CheckpointError, ConfigError
from explorer.io.check import check_elements
from explorer.potential.ase_potential import ase_potential
from explorer.potential.calculators import CalculatorName
from explorer.potential.capacity import choose_capacity
from explorer.potential.checkpoint import checkpoint_digest, find_checkpoint, is_checkpoint, load_checkpoint
from explorer.potential.hyperparameters import Hyperparameters
from explorer.potential.lennard_jones import lennard_jones
from explorer.potential.long_range import LongRange
from explorer.potential.low_rank import low_rank
from explorer.potential.mlff import MLFF_PREFIX, MlffName, read_mlff
from explorer.potential.network_committee import (
    check_same_architecture,
    common_hyperparameters,
    member_names,
    network_committee,
    with_common_zero,
)
from explorer.potential.potential import Potential
from explorer.potential.so3krates import so3krates
from explorer.potential.so3lr import read_so3lr, so3lr_digest
from explorer.potential.spin import check_spin
from explorer.records.molecule import Molecule
from explorer.resources import data_folder, user_models_folder

SO3LR = "so3lr"  # name of the SO3LR model as `model fetch` imports it, and that of the reference method
SO3LR_PREFIX = f"{SO3LR}:"  # prefix of the folder of the SO3LR model, as published by its authors or imported
_log = logging.getLogger(__name__)


class Network(NamedTuple):
    """Network as it is stored.

    Attributes:
        hyperparameters: Hyperparameters.
        params: Parameters.
        digest: Digest of its files.
        folder: Folder of its files.
    """

    hyperparameters: Hyperparameters
    params: Any
    digest: str
    folder: Path


class PotentialNetworks(NamedTuple):
    """Networks behind one potential: one, or the members of a committee.

    Attributes:
        members: Hyperparameters and parameters of each network, with one zero of energy.
        hyperparameters: Hyperparameters of the first, with the elements that all were trained on.
        digest: Digest of all files.
        folder: Folder of the uncertainty: that of a network; that of a committee is named after its digest and may not
            exist.
        folders: Folder of each network.
    """

    members: list[tuple[Hyperparameters, Any]]
    hyperparameters: Hyperparameters
    digest: str
    folder: Path
    folders: list[Path]


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """Identity of a potential that a run records.

    Attributes:
        name: Name as requested.
        digest: Digest of the files of a model, or class and arguments of an ASE calculator; empty for an analytic
            potential.
        reference: Method of the training labels.
        trained_elements: Atomic numbers of the training data; empty if all elements are allowed.
        training_data: File of the training data, beside the checkpoint or among the shipped data; None if not found.
        folder: Folder of the checkpoint of a network; None for any other potential.
        energy_shifts: Energies by atomic number that an imported model adds to what it reports, eV.
    """

    name: str
    digest: str = ""
    reference: str = ""
    trained_elements: tuple[int, ...] = ()
    training_data: Path | None = None
    folder: Path | None = None
    energy_shifts: tuple[float, ...] = ()

    @property
    def public_name(self) -> str:
        """Name without the folders of this machine, for reports."""
        if self.name.startswith(ASE_PREFIX):
            return self.name
        parts = [one.partition("?")[0].rpartition(":") for one in member_names(self.name)]
        return ",".join(f"{prefix}:{Path(path).name}" if prefix else Path(path).name for prefix, _, path in parts)


def load_potential(
    name: str,
    molecule: Molecule,
    precision: str = "float32",
    lr_cutoff: float | None = LongRange.cutoff,
    dispersion_damping: float = LongRange.damping,
    exact: bool = False,
    units: str | None = None,
    any_element: bool = False,
    calculator_timeout: float = 0.0,
) -> tuple[Potential, ModelInfo]:
    """Load the potential for a molecule.

    Args:
        name: `default`, a shipped or imported model, a checkpoint folder, `so3lr:FOLDER` for the published SO3LR
            model, `mlff:FOLDER` for a checkpoint of mlff, `lennard-jones`, or `ase:package.module:Class?key=value` for
            an ASE calculator. Several networks with commas between them, such as `mlff:A,mlff:B`, are a committee.
        molecule: Molecule, which decides the capacity of the pair list.
        precision: Precision of the parameters, `float32` or `float64`.
        lr_cutoff: Cutoff of electrostatics and dispersion, Å; None for no cutoff.
        dispersion_damping: Distance before that cutoff over which the dispersion is switched off, Å.
        exact: Whether to evaluate the radial filter networks themselves instead of their common basis (`low_rank`).
        units: Unit of energy of a network of mlff 0.x, `eV` or `kcal/mol`.
        any_element: Whether to accept elements that a checkpoint of mlff was not trained on; a warning names them.
        calculator_timeout: Time after which a calculation of an ASE calculator has failed, s; 0 for no limit.

    Raises:
        CheckpointError: If the model does not exist or is damaged.
        ConfigError: If the cutoff is out of range, or the ASE calculator does not exist.
        InputError: If the model was not trained on an element of the molecule, or knows no spin and the molecule has
            unpaired electrons.
    """
    long_range = LongRange(lr_cutoff, dispersion_damping)
    if name == LENNARD_JONES:
        return lennard_jones(), ModelInfo(name=name)
    if name.startswith(ASE_PREFIX):
        calculator = CalculatorName.parse(name)
        info = ModelInfo(name=name, digest=str(calculator), reference=str(calculator))
        return ase_potential(calculator, molecule, calculator_timeout), info
    networks = read_networks(name, units)
    hp, digest, folder = networks.hyperparameters, networks.digest, networks.folder
    untrained = sorted(set(molecule.atomic_numbers.tolist()) - set(hp.trained_elements))
    if any_element and not hp.dispersion and name.startswith(MLFF_PREFIX) and hp.trained_elements:
        if untrained:
            symbols = " ".join(chemical_symbols[z] for z in untrained)
            _warn_once(f"{name} was not trained on {symbols}: energies with these elements mean nothing.")
    elif hp.trained_elements:
        check_elements(molecule, hp.trained_elements, name)
    check_spin(molecule.multiplicity, hp.charge_spin_embedding and "spin" in hp.embedded_states, name)
    info = ModelInfo(
        name=name,
        digest=digest,
        reference=hp.reference,
        trained_elements=hp.trained_elements,
        training_data=training_data_file(networks.folders[0], hp.training_data),
        folder=folder,
        energy_shifts=hp.energy_shifts,
    )
    members = networks.members if exact else [low_rank(*member) for member in networks.members]
    capacity = choose_capacity(molecule.positions, hp.cutoff)
    single = len(members) == 1
    potential = (
        so3krates(*members[0], capacity, long_range) if single else network_committee(members, capacity, long_range)
    )
    return in_precision(potential, precision), info


def potential_of(settings: Settings, molecule: Molecule) -> tuple[Potential, ModelInfo]:
    """Load the potential that the settings of a run request; see `load_potential`."""
    return load_potential(
        settings.potential,
        molecule,
        settings.precision,
        exact=settings.exact,
        calculator_timeout=settings.calculator_timeout,
    )


def read_model(name: str, units: str | None = None) -> Network:
    """Read a network by name.

    Args:
        name: Name, as for `load_potential`.
        units: Unit of energy of a network of mlff 0.x, `eV` or `kcal/mol`.

    Raises:
        CheckpointError: If the model does not exist or is damaged.
        ConfigError: If units are given for another model.
    """
    if name.startswith(MLFF_PREFIX):
        options = MlffName.parse(name, units)
        network = read_mlff(options.folder, options.units, options.level, options.elements)
        for note in network.notes:
            _warn_once(f"{options.folder}: {note}")
        return Network(network.hyperparameters, network.params, network.digest, options.folder)
    if units is not None:
        raise ConfigError(f"units belong to {MLFF_PREFIX}FOLDER, received {name}. Leave them out.")
    if name.startswith(SO3LR_PREFIX):
        folder = Path(name.removeprefix(SO3LR_PREFIX)).expanduser()
        if not is_checkpoint(folder):
            return Network(*read_so3lr(folder), so3lr_digest(folder), folder)
    else:
        folder = find_checkpoint(name)
    return Network(*load_checkpoint(folder), checkpoint_digest(folder), folder)


def read_networks(name: str, units: str | None = None) -> PotentialNetworks:
    """Read a network, or the networks of a committee, by name.

    Args:
        name: Name, as for `load_potential`.
        units: Unit of energy of networks of mlff 0.x, `eV` or `kcal/mol`.

    Raises:
        CheckpointError: If a model does not exist or is damaged.
        ConfigError: If the networks of a committee differ in their architecture.
    """
    names = member_names(name)
    networks = [read_model(one, units) for one in names]
    all_hp = [network.hyperparameters for network in networks]
    check_same_architecture(names, all_hp)
    digest, folder = networks[0].digest, networks[0].folder
    if len(networks) > 1:
        digest = hashlib.sha256(" ".join(network.digest for network in networks).encode()).hexdigest()[:16]
        folder = user_models_folder() / "committees" / digest
    return PotentialNetworks(
        members=with_common_zero([(network.hyperparameters, network.params) for network in networks]),
        hyperparameters=common_hyperparameters(all_hp),
        digest=digest,
        folder=folder,
        folders=[network.folder for network in networks],
    )


def in_precision(potential: Potential, precision: str) -> Potential:
    """Return the same potential with its parameters in another precision."""
    if precision not in ("float32", "float64"):
        raise CheckpointError(f"precision must be float32 or float64, received {precision!r}.")

    def cast(leaf: Any) -> Any:  # on the host: as many shapes as parameters would be as many programs on a device
        array = np.asarray(leaf)
        return array.astype(precision) if np.issubdtype(array.dtype, np.floating) else array

    return potential.replace(params=jax.tree.map(cast, potential.params))


@cache
def _warn_once(text: str) -> None:
    _log.warning(text)


def training_data_file(folder: Path, recorded: str) -> Path | None:
    """Return the file of the training data of a model; None where it is not found.

    Args:
        folder: Folder of the checkpoint.
        recorded: Name and digest of the file, as in the hyperparameters.
    """
    name = recorded.split(" ")[0]
    candidates = (folder / name, data_folder() / "training" / name)
    return next((path for path in candidates if name and path.is_file()), None)
