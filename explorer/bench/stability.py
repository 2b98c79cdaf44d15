"""Constant-energy dynamics of a shipped model: drift of the total energy, and bonds that stay bonds.

python -m explorer.bench.stability data/peptides/ac-ala3-nhme.pdb --out reports/bench/stability.json
"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from explorer.config import RelaxSettings
from explorer.devices import configure_jax
from explorer.dynamics.velocities import at_temperature, kinetic_energy, masses_of, remove_rigid_motion
from explorer.dynamics.verlet import leapfrog
from explorer.io.read import read_molecule
from explorer.potential.load import load_potential
from explorer.potential.potential import Potential, evaluate_batch
from explorer.records import Molecule
from explorer.relax.relaxer import make_relaxer, relax_many
from explorer.system import System, from_molecule
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.units import ACCELERATION, BOLTZMANN

TIME_STEP = 0.5  # fs, hydrogens of their own mass
FRAME = 200  # steps between two looks


class Copies(NamedTuple):
    """Independent copies of one molecule in motion."""

    positions: Float[Array, "B N 3"]  # Å
    velocities: Float[Array, "B N 3"]  # Å/fs, half a step behind
    n_steps: Int[Array, ""]


def start(system: System, molecule: Molecule, n_copies: int, temperature: float, seed: int) -> Copies:
    """Copies at a minimum with Maxwell velocities of twice the temperature, half of which goes into the bonds."""
    masses = jnp.asarray(masses_of(molecule.atomic_numbers, 1.008), system.positions.dtype)

    def velocities(key: Array) -> Array:
        noise = jax.random.normal(key, system.positions.shape, system.positions.dtype) / jnp.sqrt(masses)[:, None]
        return at_temperature(remove_rigid_motion(noise, system.positions, masses), masses, 2 * temperature)

    keys = jax.random.split(jax.random.key(seed), n_copies)
    positions = jnp.broadcast_to(system.positions, (n_copies, *system.positions.shape))
    return Copies(positions, jax.vmap(velocities)(keys), jnp.zeros((), jnp.int32))


@partial(jax.jit, static_argnames="n_steps")
def move(potential: Potential, system: System, masses: Array, copies: Copies, n_steps: int):
    """So many steps; returns the copies and the total energies (eV) at the last step but one."""
    n_copies = len(copies.positions)
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (n_copies, *leaf.shape)), system)

    def step(_: int, carry):
        copies, _ = carry
        evaluation = evaluate_batch(potential, systems.replace(positions=copies.positions))
        advance = jax.vmap(partial(leapfrog, masses=masses, time_step=TIME_STEP, is_first=copies.n_steps == 0))
        positions, velocities = advance(copies.positions, copies.velocities, evaluation.forces)
        # the velocity at the time of the positions is half a kick before the new one
        half_kick = 0.5 * TIME_STEP * ACCELERATION * evaluation.forces / masses[None, :, None]
        kinetic = jax.vmap(partial(kinetic_energy, masses=masses))(velocities - half_kick)
        return Copies(positions, velocities, copies.n_steps + 1), evaluation.energy + kinetic

    return jax.lax.fori_loop(0, n_steps, step, (copies, jnp.zeros(n_copies, system.positions.dtype)))


def _move_all(potential: Potential, system: System, masses: Array, copies: Copies):
    """`move` by one frame; where a copy folded so tightly that its pairs do not fit, again with all pairs."""
    after, total = move(potential, system, masses, copies, FRAME)
    if potential.capacity and not np.isfinite(total).all():
        return _move_all(potential.replace(capacity=0), system, masses, copies)
    return potential, after, total


def measure(molecule: Molecule, model: str, n_copies: int, picoseconds: float, temperature: float) -> dict:
    """Drift of the total energy (meV per atom over the whole time) and the first broken bond of each copy."""
    potential, info = load_potential(model, molecule)
    system = from_molecule(molecule)
    relaxed = relax_many(potential, make_relaxer(molecule, RelaxSettings()), system, molecule.positions[None])
    system = system.replace(positions=jnp.asarray(relaxed.positions[0]))
    masses = jnp.asarray(masses_of(molecule.atomic_numbers, 1.008), system.positions.dtype)
    copies, topology = start(system, molecule, n_copies, temperature, seed=0), topology_of(molecule)
    energies, temperatures, failures = [], [], [""] * n_copies
    for frame in range(int(picoseconds * 1000 / TIME_STEP / FRAME)):
        potential, copies, total = _move_all(potential, system, masses, copies)
        energies.append(np.asarray(total, float))
        kinetic = np.asarray(jax.vmap(partial(kinetic_energy, masses=masses))(copies.velocities), float)
        temperatures.append(kinetic / (1.5 * molecule.n_atoms * BOLTZMANN))
        for k, found in enumerate(classify_batch(topology, np.asarray(copies.positions, float))):
            if not failures[k] and found.kind.value in ("bond-broken", "fragmented", "proton-transferred", "clashed"):
                failures[k] = f"{(frame + 1) * FRAME * TIME_STEP / 1000:.1f} ps: {found.reason}"
    energies = np.array(energies)
    times = np.arange(len(energies))
    slopes = np.polyfit(times, energies, 1)[0] * len(energies) / molecule.n_atoms * 1000
    return {
        "model": model, "digest": info.digest, "molecule": molecule.name, "copies": n_copies,
        "picoseconds": picoseconds, "time_step_fs": TIME_STEP, "mean_temperature": float(np.mean(temperatures)),
        "drift_meV_per_atom": slopes.tolist(),
        "fluctuation_meV_per_atom": (energies.std(axis=0) / molecule.n_atoms * 1000).tolist(),
        "failures": failures,
    }  # fmt: skip


def main() -> None:
    """Command line of this script."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("molecule", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--copies", type=int, default=6)
    parser.add_argument("--picoseconds", type=float, default=20)
    parser.add_argument("--temperature", type=float, default=500)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    configure_jax()
    molecule = read_molecule(arguments.molecule)
    result = measure(molecule, arguments.model, arguments.copies, arguments.picoseconds, arguments.temperature)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
