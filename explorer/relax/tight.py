"""Tight relaxation in float64, what makes a stop a minimum: shelves that hold float32 do not hold it."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from explorer.config import Settings
from explorer.potential.capacity import with_capacity_for
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relax.relaxer import RelaxResult, make_relaxer, relax_many
from explorer.system import system_of

FEWEST_STEPS, STEPS_PER_ATOM = 400, 5  # force calls
AT_A_TIME = 2  # relaxations of one program, always as many, so that it is compiled once; seldom more are wanted


def tightened(settings: Settings, n_atoms: int) -> Settings:
    """Settings of a run for relaxing to 1e-4 eV/Å in float64, by more steps where their number is left open."""
    max_steps = settings.relax.max_steps or max(FEWEST_STEPS, STEPS_PER_ATOM * n_atoms)
    relax = replace(settings.relax, fmax=1e-4, energy_change=1e-8, max_steps=max_steps)
    return replace(settings, precision="float64", relax=relax)


class TightRelaxer:
    """Relaxes conformers of one molecule to 1e-4 eV/Å in float64; it compiles on first use.

    Args:
        molecule: any conformer.
        potential: on which surface, in float64.
        settings: of the run; its convergence is replaced.
    """

    def __init__(self, molecule: Molecule, potential: Potential, settings: Settings):
        self.potential = potential
        self.relaxer = make_relaxer(molecule, tightened(settings, molecule.n_atoms).relax)
        self.system = system_of(molecule, jnp.dtype("float64"))

    def __call__(self, starts: Float[np.ndarray, "n N 3"], memory: Any = None) -> RelaxResult:
        """Relax structures, always by the same program.

        Args:
            starts: Å.
            memory: of relaxations of the same molecule that ended there (`Relaxer.memory`), arrays of numpy; it
                saves four force calls of nine.
        """
        self.potential = with_capacity_for(self.potential, starts)
        memory = jax.tree.map(lambda leaf: leaf.astype(float), memory)
        return relax_many(
            self.potential, self.relaxer, self.system, starts, batch=AT_A_TIME, memory=memory, keep_batch=True
        )
