"""ASE calculator of any potential of this project."""

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.data import chemical_symbols
from jaxtyping import Float
from scipy.spatial import KDTree

from explorer.errors import ConfigError
from explorer.potential.capacity import choose_capacity
from explorer.potential.load import load_potential
from explorer.potential.long_range import LongRange
from explorer.potential.potential import Components, Evaluation, Potential, components, evaluate
from explorer.records.molecule import Molecule
from explorer.system import System, from_arrays

_COINCIDENT = 0.05  # Å; nuclei do not come that close in any simulation of molecules; not tuned
_LARGEST = 1000  # e, and multiplicity

_evaluate = jax.jit(evaluate)
_components = jax.jit(components)


class ExplorerCalculator(Calculator):
    """Computes energy (eV), forces (eV/Å), charges (e) and dipole (e Å) of isolated molecules.

    A calculator that was made with a name can be pickled, for ASE in several processes. The free energy is the energy.

    Energies of a model that was imported from mlff include its energy shifts, as mlff reports them. Energies of models
    of this project are relative to the atomic energies of the model.

    Total charge and multiplicity are read from `atoms.info`. Only a model with electrostatics provides charges and
    dipole. The dipole of an ion refers to the origin of the positions.

    Args:
        potential: `default`, a shipped or imported model, a checkpoint folder, `so3lr:FOLDER`, `mlff:FOLDER`,
            `lennard-jones`, or a `Potential`.
        precision: `float32` or `float64`.
        lr_cutoff: Cutoff of electrostatics and dispersion, Å; None for no cutoff. Not used for a `Potential`.
        dispersion_damping: Distance before that cutoff over which the dispersion is switched off, Å.
        exact: Whether to evaluate the filter networks themselves instead of their low-rank form, which agrees with
            them to 1e-6 eV and 1e-6 eV/Å.
        units: Unit of energy of a network of mlff 0.x, `eV` or `kcal/mol`; energies are returned in eV.
        options: Options of ASE's `Calculator`, such as `label`.

    Raises:
        ConfigError: If the precision or the cutoff is not valid, or, in a calculation, if the atoms are periodic,
            coincide or have no finite positions, or if charge or multiplicity is no whole number.
        CheckpointError: In a calculation, if the model does not exist.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "charges", "dipole"]

    def __init__(
        self,
        potential: str | Potential = "default",
        precision: str = "float32",
        lr_cutoff: float | None = LongRange.cutoff,
        dispersion_damping: float = LongRange.damping,
        exact: bool = False,
        units: str | None = None,
        **options: Any,
    ):
        if precision not in ("float32", "float64"):
            raise ConfigError(f"precision must be float32 or float64, received {precision!r}.")
        super().__init__(**options)
        self.dtype = jnp.dtype(precision)
        self._enable_precision()
        self._requested = potential
        self._options = {"lr_cutoff": lr_cutoff, "dispersion_damping": dispersion_damping, "exact": exact}
        self._options |= {"units": units, "any_element": True}
        self._loaded: tuple[tuple[int, ...], Potential] | None = None
        self._shift = 0.0

    def _enable_precision(self) -> None:
        if self.dtype == jnp.float64 and not jax.config.read("jax_enable_x64"):
            jax.config.update("jax_enable_x64", True)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for other processes, which load the potential again."""
        return self.__dict__ | {"_loaded": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state in another process, where float64 may not be enabled yet."""
        vars(self).update(state)
        self._enable_precision()

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """Return what changed since the last result, including `info`, which ASE itself ignores."""
        changes = super().check_state(atoms, tol)
        if self.atoms is not None and _charge_and_multiplicity(self.atoms) != _charge_and_multiplicity(atoms):
            changes = [*changes, "info"]
        return changes

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Compute energy and forces, and other requested properties; the pair list grows if the pairs do not fit."""
        super().calculate(atoms, properties, system_changes)
        if self.atoms is None:
            raise ConfigError("Atoms were wanted, received none. Call calculate(atoms), or set atoms.calc.")
        atoms = self.atoms
        if atoms.pbc.any():
            raise ConfigError("A molecule without periodic boundaries was wanted; set atoms.pbc = False.")
        _check_positions(atoms.positions)
        charge, multiplicity = _charge_and_multiplicity(atoms)
        system = from_arrays(atoms.numbers, atoms.positions, charge, multiplicity - 1, self.dtype)
        evaluation = self._evaluate(atoms, system)
        energy = float(evaluation.energy) + self._shift
        self.results = {"energy": energy, "free_energy": energy, "forces": np.asarray(evaluation.forces, float)}
        if {"charges", "dipole"} & set(properties):
            charges = np.asarray(self._components(atoms, system).charges, float)
            centre = atoms.positions.mean(axis=0)
            # float32 charges do not sum to the total charge exactly; far from the origin the error would be large
            dipole = charges @ (atoms.positions - centre) + charge * centre
            self.results |= {"charges": charges, "dipole": dipole}

    def _evaluate(self, atoms: Atoms, system: System) -> Evaluation:
        potential = self._potential(atoms)
        evaluation = _evaluate(potential, system)
        if evaluation.overflow:
            potential = potential.replace(capacity=choose_capacity(atoms.positions, potential.cutoff))
            self._loaded = (_kind(atoms), potential)
            evaluation = _evaluate(potential, system)
        return evaluation

    def _components(self, atoms: Atoms, system: System) -> Components:
        potential = self._potential(atoms)
        parts = None if potential.components_fn is None else _components(potential, system)
        if parts is None or parts.charges is None:
            raise PropertyNotImplementedError(
                "This model has no partial charges, so it provides neither charges nor dipole. Try a model with "
                "electrostatics, such as so3lr:FOLDER."
            )
        return parts

    def _potential(self, atoms: Atoms) -> Potential:
        kind = _kind(atoms)
        if self._loaded is None or self._loaded[0] != kind:
            if isinstance(self._requested, Potential):
                potential = self._requested
            else:
                potential, info = load_potential(self._requested, _molecule(atoms), self.dtype.name, **self._options)
                # in float64 and outside of the network, whose energies keep their digits
                self._shift = float(np.array(info.energy_shifts)[atoms.numbers].sum()) if info.energy_shifts else 0.0
            self._loaded = (kind, potential)
        return self._loaded[1]


def _charge_and_multiplicity(atoms: Atoms) -> tuple[int, int]:
    return _whole_number(atoms, "charge", 0), _whole_number(atoms, "multiplicity", 1)


def _whole_number(atoms: Atoms, name: str, default: int) -> int:
    value = atoms.info.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not abs(number) <= _LARGEST or number != round(number) or (name == "multiplicity" and number < 1):
        raise ConfigError(f"A whole number was wanted for atoms.info[{name!r}], received {value!r}. Correct it.")
    return round(number)


def _check_positions(positions: Float[np.ndarray, "N 3"]) -> None:
    """Refuse positions at which a potential has no meaningful forces."""
    if not len(positions) or not np.isfinite(positions).all():
        raise ConfigError(
            "Atoms at finite positions were wanted, received none or NaN. Check the last step of the atoms."
        )
    if len(positions) == 1:
        return
    nearest = KDTree(positions).query(positions, k=2)[0][:, 1]
    if nearest.min() < _COINCIDENT:
        i = int(nearest.argmin())
        raise ConfigError(
            f"Separate atoms were wanted, but atom {i} (from 0) is {nearest[i]:.3f} Å from another. "
            "Correct the positions."
        )


def _kind(atoms: Atoms) -> tuple[int, ...]:
    """Return what the choice of a potential depends on: the multiplicity and the elements."""
    return (_charge_and_multiplicity(atoms)[1], *atoms.numbers)


def _molecule(atoms: Atoms) -> Molecule:
    """A molecule with what is needed to load a potential: elements, positions and multiplicity."""
    n_atoms = len(atoms)
    return Molecule(
        name=atoms.get_chemical_formula(),
        atomic_numbers=atoms.numbers,
        positions=atoms.positions,
        bonds=np.empty((0, 2), dtype=int),
        bond_orders=np.empty(0),
        formal_charges=np.zeros(n_atoms, dtype=int),
        multiplicity=_charge_and_multiplicity(atoms)[1],
        atom_names=tuple(f"{chemical_symbols[z]}{i + 1}" for i, z in enumerate(atoms.numbers)),
    )
