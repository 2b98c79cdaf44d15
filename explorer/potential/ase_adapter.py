"""Any of our potentials as an ASE calculator, so that every ASE tool can use it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.data import chemical_symbols

from explorer.errors import ConfigError
from explorer.potential.load import choose_capacity, load_potential
from explorer.potential.potential import Evaluation, Potential, evaluate
from explorer.records import Molecule
from explorer.system import from_arrays

_evaluate = jax.jit(evaluate)


class ExplorerCalculator(Calculator):
    """Energy (eV) and forces (eV/Å) of isolated molecules; charge and multiplicity from `atoms.info`.

    Args:
        potential: `default`, a shipped model, a checkpoint folder, `lennard-jones`, or a `Potential`.
        precision: `float32` or `float64`.
        options: for ASE's `Calculator`, such as `label`.

    Raises:
        ConfigError: for an unknown precision, or for periodic atoms when they are computed.
        CheckpointError: when there is no such model.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, potential: str | Potential = "default", precision: str = "float32", **options: Any):
        if precision not in ("float32", "float64"):
            raise ConfigError(f"precision must be float32 or float64, received {precision!r}.")
        if precision == "float64" and not jax.config.jax_enable_x64:
            jax.config.update("jax_enable_x64", True)
        super().__init__(**options)
        self.dtype = jnp.dtype(precision)
        self._wanted = potential
        self._loaded: tuple[tuple[int, ...], Potential] | None = None

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """What changed since the last result; ASE itself does not look at `info`."""
        changes = super().check_state(atoms, tol)
        if self.atoms is not None and _charge_and_multiplicity(self.atoms) != _charge_and_multiplicity(atoms):
            changes = [*changes, "info"]
        return changes

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Compute both properties; the pair list grows when a structure has more pairs than fit."""
        super().calculate(atoms, properties, system_changes)
        if self.atoms.pbc.any():
            raise ConfigError("A molecule without periodic boundaries was wanted; set atoms.pbc = False.")
        evaluation = self._evaluate(self.atoms)
        self.results = {"energy": float(evaluation.energy), "forces": np.asarray(evaluation.forces, float)}

    def _evaluate(self, atoms: Atoms) -> Evaluation:
        charge, multiplicity = _charge_and_multiplicity(atoms)
        system = from_arrays(atoms.numbers, atoms.positions, charge, multiplicity - 1, self.dtype)
        potential = self._potential(atoms)
        evaluation = _evaluate(potential, system)
        if evaluation.overflow:
            potential = potential.replace(capacity=choose_capacity(atoms.positions, potential.cutoff))
            self._loaded = (tuple(atoms.numbers), potential)
            evaluation = _evaluate(potential, system)
        return evaluation

    def _potential(self, atoms: Atoms) -> Potential:
        numbers = tuple(atoms.numbers)
        if self._loaded is None or self._loaded[0] != numbers:
            given = isinstance(self._wanted, Potential)
            potential = self._wanted if given else load_potential(self._wanted, _molecule(atoms), self.dtype.name)[0]
            self._loaded = (numbers, potential)
        return self._loaded[1]


def _charge_and_multiplicity(atoms: Atoms) -> tuple[int, int]:
    return int(atoms.info.get("charge", 0)), int(atoms.info.get("multiplicity", 1))


def _molecule(atoms: Atoms) -> Molecule:
    """What a potential must know to be loaded: elements and positions."""
    n_atoms = len(atoms)
    return Molecule(
        name=atoms.get_chemical_formula(),
        atomic_numbers=atoms.numbers,
        positions=atoms.positions,
        bonds=np.empty((0, 2), dtype=int),
        bond_orders=np.empty(0),
        formal_charges=np.zeros(n_atoms, dtype=int),
        atom_names=tuple(f"{chemical_symbols[z]}{i + 1}" for i, z in enumerate(atoms.numbers)),
    )
