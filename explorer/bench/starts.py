"""Where the relaxations of a search begin: embeddings, and the ends of escapes from minima."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from explorer.config import RelaxSettings, Settings
from explorer.errors import InputError
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import embed, to_rdkit
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relax.relaxer import Status, make_relaxer, relax_many
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.system import system_of

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
    origins = _origins(potential, molecule, settings, seed)
    hopping = replace(settings.hopping, n_walkers=n_starts, temperature=TEMPERATURE)
    # a relaxer that may take a single force call is done at once
    settings = replace(settings, seed=seed, hopping=hopping, relax=RelaxSettings(max_steps=1))
    crew = WalkerPool(potential, molecule, settings)
    noise = np.random.default_rng(seed).normal(size=(n_starts, molecule.n_atoms, 3))
    crew.assign(
        HopRequest(k, origins[k % len(origins)], EscapeMode.SOFTENED, noise[k], TEMPERATURE) for k in range(n_starts)
    )
    escaped = np.full((n_starts, molecule.n_atoms, 3), np.nan)
    n_exploded = 0
    while np.isnan(escaped).any():
        crew.start_round()
        ended, _, _ = crew.finish_round()
        escaped[ended.walker] = ended.escaped
        n_exploded += int(ended.exploded.sum())
    if n_exploded:
        raise InputError(f"{n_exploded} of {n_starts} escapes exploded. Shorten hopping.time_step.")
    return escaped


def _origins(potential: Potential, molecule: Molecule, settings: Settings, seed: int) -> Float[np.ndarray, "n N 3"]:
    starts = embedded_starts(molecule, N_ORIGINS, seed)
    relaxer = make_relaxer(molecule, settings.relax)
    result = relax_many(potential, relaxer, system_of(molecule, np.dtype(settings.precision)), starts)
    converged = np.flatnonzero(result.status == Status.CONVERGED)
    if not converged.size:
        raise InputError(f"No embedding of {molecule.name} relaxes on this potential. Check its elements and charge.")
    return np.asarray(result.positions[converged], float)
