"""A network as the reference method: energies and forces of many molecules by a few compiled programs.

Structures are padded to a few sizes, so that a program is compiled for each size and not for each molecule. One call
evaluates structures of different molecules.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from jaxtyping import Array, Bool, Float, Int

from explorer.devices import batch_sharding, configure_jax, over_parts, replicated_sharding, rows_at_once
from explorer.errors import ConfigError, InputError
from explorer.potential.checkpoint import imported_checkpoints
from explorer.potential.load import SO3LR, SO3LR_PREFIX, in_precision, read_model
from explorer.potential.long_range import LongRange
from explorer.potential.low_rank import low_rank
from explorer.potential.pairs import count_pairs, globule_pairs, n_all_pairs
from explorer.potential.potential import Evaluation, Potential, evaluate_batch
from explorer.potential.so3krates import so3krates
from explorer.system import System

_SIZES = (20, 36, 56, 84, 116)  # atoms to which structures are padded; larger ones go up in steps of 32
_STEP_OF_SIZES = 32
_PAIR_HEADROOM = 1.1  # capacity over the pairs of a globule; structures with more pairs get the next size; not tuned
_ROWS_PER_DEVICE = 16  # structures of one call on each CPU core; not tuned


class SingleStructure(NamedTuple):
    """One structure to evaluate."""

    numbers: Int[np.ndarray, "N"]
    charge: int  # e
    n_unpaired: int
    positions: Float[np.ndarray, "N 3"]  # Å


class NetworkReference:
    """Energies and forces of a network for structures of any molecules.

    Args:
        name: Name of the network: `so3lr`, as `model fetch` imports it, or `so3lr:FOLDER`.
        precision: `float64` for labels, `float32` for the forces of a sampling.
        exact: Whether the radial filter networks themselves are evaluated and not their low-rank form.

    Raises:
        CheckpointError: If the model does not exist or is damaged.
    """

    def __init__(self, name: str, precision: str = "float64", exact: bool = True):
        if not jax.config.read("jax_enable_x64"):  # a process of its own, which a command has not prepared
            configure_jax()
        network = read_model(name)
        hp, params = network.hyperparameters, network.params
        self.elements, self.digest = hp.trained_elements, network.digest
        if not exact:
            hp, params = low_rank(hp, params)
        self.dtype = np.dtype(precision)
        self._potential = in_precision(so3krates(hp, params, 1, LongRange()), precision)

    def evaluate(self, structures: Sequence[SingleStructure]) -> list[tuple[float, Float[np.ndarray, "N 3"]]]:
        """Return the energy (eV) and the forces (eV/Å) of each structure; NaN where they are not finite.

        Args:
            structures: Structures in any order.

        Raises:
            InputError: If the network was not trained on an element of a structure.
        """
        self._check_elements(structures)
        sizes = np.array([_padded_size(s, self._potential.cutoff) for s in structures], int)
        results: list[Any] = [None] * len(structures)
        n_rows = max(rows_at_once(), _ROWS_PER_DEVICE * len(jax.devices()))
        on_devices = jax.device_put(self._potential, replicated_sharding(n_rows))
        for size in np.unique(sizes):
            potential = on_devices.replace(capacity=_capacity(int(size), self._potential.cutoff))
            (indices,) = np.nonzero(sizes == size)
            for first in range(0, len(indices), n_rows):
                part = indices[first : first + n_rows]
                found = self._evaluate_rows(potential, [structures[k] for k in part], int(size), n_rows)
                for k, energy, forces in zip(part, *found, strict=True):
                    results[k] = float(energy), forces[: len(structures[k].numbers)]
        return results

    def _evaluate_rows(self, potential: Potential, rows: list[SingleStructure], size: int, n_rows: int):
        numbers = np.zeros((n_rows, size), np.int32)
        positions = np.zeros((n_rows, size, 3), self.dtype)
        charges, unpaired = np.zeros(n_rows, self.dtype), np.zeros(n_rows, self.dtype)
        for k, row in enumerate(rows):
            n = len(row.numbers)
            numbers[k, :n], positions[k, :n] = row.numbers, row.positions - row.positions.mean(axis=0)
            charges[k], unpaired[k] = row.charge, row.n_unpaired
        systems = System(numbers, positions, charges, unpaired, numbers > 0)  # type: ignore[arg-type]
        wanted = np.arange(n_rows) < len(rows)
        found = jax.device_get(_evaluate(potential, *jax.device_put((systems, wanted), batch_sharding(n_rows))))
        is_finite = np.isfinite(positions).all(axis=(1, 2))  # atoms at NaN have no pairs, and so a finite energy
        energies = np.where(found.overflow | ~is_finite, np.nan, found.energy)
        return energies[: len(rows)], np.asarray(found.forces, float)[: len(rows)]

    def _check_elements(self, structures: Sequence[SingleStructure]) -> None:
        unknown = sorted({int(z) for s in structures for z in np.unique(s.numbers)} - {*self.elements})
        if unknown:
            raise InputError(
                f"The reference network was not trained on atomic numbers {unknown}. Use another reference."
            )


class NetworkCalculator(Calculator):
    """ASE calculator of a network as the reference method; energy in eV, forces in eV/Å.

    Args:
        network: The network.
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012  ASE requires this attribute as a list

    def __init__(self, network: NetworkReference):
        super().__init__()
        self.network = network

    def calculate(self, atoms: Atoms | None = None, properties=("energy",), system_changes=all_changes) -> None:
        """Compute energy and forces; called by ASE."""
        super().calculate(atoms, properties, system_changes)
        assert self.atoms is not None  # set by the line above
        ((energy, forces),) = self.network.evaluate([structure_of(self.atoms)])
        if not np.isfinite(energy):
            raise ValueError("the energy is not finite: atoms lie on each other")
        self.results = {"energy": energy, "forces": forces}


def structure_of(atoms: Atoms) -> SingleStructure:
    """Return the structure of ASE atoms, with charge and multiplicity from `info`, or the sum of initial charges."""
    charge = atoms.info.get("charge", round(float(atoms.get_initial_charges().sum())))
    return SingleStructure(atoms.numbers, int(charge), int(atoms.info.get("multiplicity", 1)) - 1, atoms.positions)


@lru_cache(maxsize=2)
def network_reference(name: str) -> NetworkReference:
    """Return the network of a reference such as `so3lr:FOLDER` in float64, loaded once."""
    return NetworkReference(name)


def is_network(reference: str) -> bool:
    """Return whether the name of a reference method is that of a network.

    >>> is_network("so3lr"), is_network("so3lr:models/so3lr"), is_network("gfn2")
    (True, True, False)
    """
    return reference == SO3LR or reference.startswith(SO3LR_PREFIX)


def require_fetched(reference: str, what: str) -> None:
    """Refuse SO3LR as the reference method without a folder where `model fetch` has not imported it.

    Args:
        reference: Name of the reference method.
        what: The network that was trained on its labels, as the subject of a sentence.

    Raises:
        ConfigError: When it was not fetched.
    """
    if reference == SO3LR and SO3LR not in imported_checkpoints():
        raise ConfigError(
            f"{what} was trained on labels of SO3LR. Get SO3LR by pes-explore model fetch so3lr, or give its folder: "
            "--reference so3lr:FOLDER."
        )


def public_reference(reference: str) -> str:
    """Return the name of a reference method without the folders of this machine, as datasets and models store it.

    >>> public_reference("so3lr:models/so3lr"), public_reference("gfn2")
    ('so3lr', 'gfn2')
    """
    return SO3LR if is_network(reference) else reference


def _padded_size(structure: SingleStructure, cutoff: float) -> int:
    n, n_pairs = len(structure.numbers), count_pairs(structure.positions, cutoff)
    sizes = [size for size in _SIZES if size >= n]
    sizes += list(range(max(n, _SIZES[-1] + 1) + _STEP_OF_SIZES, 4 * n + 300, _STEP_OF_SIZES))
    return next(size for size in sizes if _capacity(size, cutoff) >= n_pairs)


def _capacity(size: int, cutoff: float) -> int:
    return min(16 * int(np.ceil(_PAIR_HEADROOM * globule_pairs(size, cutoff) / 16)), n_all_pairs(size))


@jax.jit
def _evaluate(potential: Potential, systems: System, wanted: Bool[Array, "B"]) -> Evaluation:
    return over_parts(evaluate_batch, (potential,), systems, wanted)
