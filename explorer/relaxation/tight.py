"""Tight relaxation in float64, which leaves plateaus with small forces where a float32 relaxation stops."""

from dataclasses import replace
from threading import Thread
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.devices import replicated_sharding, rows_at_once
from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import RelaxResult, careful, compile_relaxation, make_relaxer, relax_many
from explorer.system import system_of

_TIGHT_MIN_STEP_LIMIT, _TIGHT_STEP_LIMIT_PER_ATOM = 400, 5  # default limit of force calls; not tuned


def tightened(settings: Settings, n_atoms: int) -> Settings:
    """Return the settings of a run with thresholds of 1e-4 eV/Å in float64.

    Args:
        settings: Settings of the run; a limit of force calls that is set there is kept.
        n_atoms: Number of atoms, which decides the limit otherwise.
    """
    max_steps = settings.relax.max_steps or max(_TIGHT_MIN_STEP_LIMIT, _TIGHT_STEP_LIMIT_PER_ATOM * n_atoms)
    relax = replace(settings.relax, fmax=1e-4, energy_change=1e-8, max_steps=max_steps)
    return replace(settings, precision="float64", relax=relax)


class TightRelaxer:
    """Relaxes conformers of one molecule to 1e-4 eV/Å in float64; it compiles on first use.

    Args:
        molecule: Molecule in any conformation.
        potential: Potential to evaluate, in float64.
        settings: Settings of the run; the convergence thresholds are replaced.
    """

    def __init__(self, molecule: Molecule, potential: Potential, settings: Settings):
        self.potential = jax.device_put(potential, replicated_sharding(rows_at_once()))
        self.relaxer = make_relaxer(molecule, tightened(settings, molecule.n_atoms).relax)
        self.system = system_of(molecule, np.dtype("float64"))

    def compile_in_background(self) -> list[Thread]:
        """Begin to compile the programs; calls must wait for the threads."""
        return compile_relaxation(self.potential, self.relaxer, self.system, np.asarray(self.system.positions))

    def set_capacity(self, capacity: int) -> None:
        """Set the capacity of the potential for pairs; 0 for all pairs."""
        self.potential = self.potential.replace(capacity=capacity)

    def __call__(
        self,
        starts: Float[np.ndarray, "n N 3"],
        memory: Any = None,
        beside_saddle: bool = False,
        batch: int | None = None,
    ) -> RelaxResult:
        """Relax structures, always by the same program.

        Args:
            starts: Starting structures, Å.
            memory: `Relaxer.memory` of relaxations that ended at the starts, as numpy arrays. It saves four force
                calls of nine.
            beside_saddle: Whether to begin with short steps, so that the nearest minimum is reached.
            batch: Number of rows relaxed at a time; by default as many as `rows_at_once`. Each has its own program.
        """
        self.potential = with_capacity_for(self.potential, starts)
        memory = jax.tree.map(lambda leaf: leaf.astype(float), memory)
        relaxer = careful(self.relaxer) if beside_saddle else self.relaxer
        return relax_many(self.potential, relaxer, self.system, starts, batch, memory=memory)
