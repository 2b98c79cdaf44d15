"""Where the relaxations of a search begin: embeddings, and the ends of escapes from minima."""

from dataclasses import replace

import jax
import numpy as np
from jaxtyping import Float

from explorer.config import RelaxSettings, Settings
from explorer.errors import InputError
from explorer.hopping.history import History
from explorer.hopping.judge import Course
from explorer.hopping.search import Search
from explorer.hopping.walker import Phase
from explorer.io.build import embed, to_rdkit
from explorer.potential.potential import Potential
from explorer.records import Minimum, Molecule, StructureClass
from explorer.relax.relaxer import Status, make_relaxer, relax_many
from explorer.similarity.symmetry import from_molecule as symmetry_of
from explorer.system import from_molecule

N_ORIGINS = 40  # minima that escapes leave from
TEMPERATURE = 1000.0  # K


def embedded_starts(molecule: Molecule, n_starts: int, seed: int) -> Float[np.ndarray, "n N 3"]:
    """ETKDG embeddings, Å."""
    return embed(to_rdkit(molecule), n_starts, seed)


def escaped_starts(
    potential: Potential, molecule: Molecule, settings: Settings, n_starts: int, seed: int
) -> Float[np.ndarray, "n N 3"]:
    """Where escapes at 1000 K from relaxed embeddings end, as a search would relax them, Å.

    Args:
        potential: on which surface.
        molecule: any conformer.
        settings: of the escapes and of the relaxation to the minima they leave.
        n_starts: escapes.
        seed: of embeddings and escapes.

    Raises:
        InputError: when no embedding relaxes to a minimum, or an escape explodes.
    """
    hopping = replace(settings.hopping, n_walkers=n_starts, temperature=TEMPERATURE)
    # a relaxer that may take a single force call hands back where it was started
    search = Search(
        potential,
        molecule,
        replace(settings, seed=seed, hopping=hopping, relax=RelaxSettings(max_steps=1)),
        History(symmetry_of(molecule), settings.identity, _origins(potential, molecule, settings, seed)),
    )
    n_origins = len(search.history)
    search.courses = [Course(k % n_origins, TEMPERATURE, hopping.ediff, k, 0) for k in range(n_starts)]
    walkers = search.launch(search.blank(), np.ones(n_starts, bool))
    while np.any(np.asarray(walkers.phase) != Phase.DONE):
        walkers = search.advance(walkers)
    if np.any(np.asarray(walkers.exploded)):
        raise InputError(f"{int(walkers.exploded.sum())} of {n_starts} escapes exploded. Shorten hopping.time_step.")
    return np.asarray(jax.device_get(walkers.relaxation.positions), float)


def _origins(potential: Potential, molecule: Molecule, settings: Settings, seed: int) -> list[Minimum]:
    starts = embedded_starts(molecule, N_ORIGINS, seed)
    relaxer = make_relaxer(molecule, settings.relax)
    result = relax_many(potential, relaxer, from_molecule(molecule, np.dtype(settings.precision)), starts)
    converged = np.flatnonzero(result.status == Status.CONVERGED)
    if not converged.size:
        raise InputError(f"No embedding of {molecule.name} relaxes on this potential. Check its elements and charge.")
    return [
        Minimum(k, float(result.energy[i]), np.asarray(result.positions[i], float), StructureClass.INTACT,
                float(result.fmax[i]), int(result.n_steps[i]), 0)
        for k, i in enumerate(converged)
    ]  # fmt: skip
