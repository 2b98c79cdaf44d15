"""One compiled program per precision for everything but the walkers: energies, forces, members, features, charges.

Relaxations need the forces of the mean of a committee, the uncertainty those of each member, a report the charges.
All are results of one forward pass. The number of gradients is an argument of the program, so that a relaxation pays
for one.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from explorer.devices import batch_sharding, over_rows, replicated_sharding, rows_at_once
from explorer.potential.capacity import with_capacity_for
from explorer.potential.padding import with_padding
from explorer.potential.potential import Components, Evaluation, Potential, neighbour_pairs
from explorer.stored_programs import StoredProgram
from explorer.system import System


class Prediction(NamedTuple):
    """Output of a potential for one structure, or for several with a leading axis.

    Attributes:
        energies: Energy of each member of a committee, eV; one energy for any other potential.
        forces: Forces of the wanted combinations of members, eV/Å; zero for those that were not wanted.
        overflow: Whether pairs did not fit; all numbers are NaN then.
        parts: Components of the energy and properties of the atoms; None for an analytic potential.
    """

    energies: Float[Array, "*B M"]
    forces: Float[Array, "*B M N 3"]
    overflow: Bool[Array, "*B"]
    parts: Components | None

    def without_padding(self, n_atoms: int) -> "Prediction":
        """Return the predictions of several structures for the atoms of the molecule alone."""
        parts = self.parts and self.parts._replace(
            **{
                name: None if (values := getattr(self.parts, name)) is None else values[:, :n_atoms]
                for name in ("charges", "hirshfeld_ratios", "features")
            }
        )
        return self._replace(forces=self.forces[..., :n_atoms, :], parts=parts)

    def mean(self) -> Evaluation:
        """Return the energy and forces of the potential, where the first combination was the mean."""
        return Evaluation(self.energies.mean(axis=-1), self.forces[..., 0, :, :], self.overflow)


@partial(StoredProgram, few_calls=True)
def predict_rows(
    potential: Potential,
    system: System,
    positions: Float[Array, "B N 3"],
    wanted: Bool[Array, "B"],
    weights: Float[Array, "M M"],
    n_weights: Int[Array, ""],
) -> Prediction:
    """Evaluate rows of structures, with the rows split over the devices.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used.
        positions: Structures, Å.
        wanted: Rows to evaluate. The others cost nothing on a CPU, and their results are meaningless.
        weights: Weights of the members in each combination whose forces are wanted.
        n_weights: Number of combinations, from the first.
    """

    def of_row(potential, system, weights, n_weights, positions, wanted):
        arguments = potential, system.replace(positions=positions), weights, n_weights
        shapes = jax.eval_shape(_predict, *arguments)
        nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return jax.lax.cond(wanted, _predict, lambda *_: nothing, *arguments)

    return over_rows(of_row, (potential, system, weights, n_weights), positions, wanted)


@jax.jit
def _predict(
    potential: Potential, system: System, weights: Float[Array, "M M"], n_weights: Int[Array, ""]
) -> Prediction:
    pairs, overflow = neighbour_pairs(potential, system)

    def members(positions: Float[Array, "N 3"]) -> tuple[Float[Array, "M"], Components | None]:
        moved = system.replace(positions=positions)
        if potential.components_fn is None:
            return potential.energy_fn(potential.params, moved, pairs)[None], None
        parts = potential.components_fn(potential.params, moved, pairs)
        return parts.energy[None] if parts.members is None else parts.members, parts

    def add_forces(k: Int[Array, ""], forces: Float[Array, "M N 3"]) -> Float[Array, "M N 3"]:
        (gradient,) = pull_back(weights[k])
        return forces.at[k].set(jnp.where(system.atom_mask[:, None], -gradient, 0))

    energies, pull_back, parts = jax.vjp(members, system.positions, has_aux=True)
    forces = jax.lax.fori_loop(0, n_weights, add_forces, jnp.zeros((len(weights), *system.positions.shape)))
    prediction = energies, forces.astype(energies.dtype), parts
    energies, forces, parts = jax.tree.map(lambda leaf: jnp.where(overflow, jnp.nan, leaf), prediction)
    return Prediction(energies, forces, overflow, parts)


def predict_batch(
    potential: Potential, system: System, positions: Any, wanted: Any, each_member: bool = False
) -> Prediction:
    """Evaluate a batch of structures whose size is a multiple of the number of devices.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        positions: Structures of the batch, Å.
        wanted: Rows to evaluate.
        each_member: Whether to compute the forces of each member of a committee, in place of those of their mean.
    """
    return predict_rows(*prediction_arguments(potential, system, positions, wanted, each_member))


def prediction_arguments(
    potential: Potential, system: System, positions: Any, wanted: Any, each_member: bool = False
) -> tuple:
    """Return the arguments of `predict_rows` for those of `predict_batch`."""
    n, dtype = potential.n_members, np.dtype(system.positions.dtype)
    weights = np.eye(n, dtype=dtype) if each_member else np.full((n, n), 1 / n, dtype)
    return potential, system, positions, wanted, weights, np.int32(n if each_member else 1)


def predict_all(
    potential: Potential, system: System, positions: Float[np.ndarray, "n N 3"], each_member: bool = False
) -> tuple[Prediction, Potential]:
    """Evaluate any number of structures by the program that relaxations use.

    Args:
        potential: Potential to evaluate.
        system: The molecule; its positions are not used, its dtype is that of the arithmetic.
        positions: Structures, Å; at least one.
        each_member: Whether to compute the forces of each member of a committee, in place of those of their mean.

    Returns:
        Arrays of NumPy in the order of the structures, and the potential with a capacity for their pairs.
    """
    size, parts, n_atoms = rows_at_once(), [], positions.shape[1]
    surface = with_capacity_for(potential, positions), with_padding(potential, system)
    potential, system = jax.device_put(surface, replicated_sharding(size))
    for first in range(0, len(positions), size):
        part = positions[first : first + size]
        padded = np.zeros((size, *system.positions.shape), system.positions.dtype)
        padded[: len(part), :n_atoms] = part
        rows, wanted = jax.device_put((padded, np.arange(size) < len(part)), batch_sharding(size))
        predicted = jax.device_get(predict_batch(potential, system, rows, wanted, each_member))
        parts.append(jax.tree.map(lambda leaf, n=len(part): leaf[:n], predicted))
    joined: Prediction = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    return joined.without_padding(n_atoms), potential
