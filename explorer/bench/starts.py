"""Start structures of relaxations: embeddings, and the ends of escapes from minima."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from explorer.config import RelaxSettings, Settings
from explorer.errors import InputError
from explorer.hopping.walker_pool import WalkerPool
from explorer.io.build import embed, to_rdkit
from explorer.potential.potential import Potential
from explorer.records.molecule import Molecule
from explorer.relaxation.relaxer import Status, make_relaxer, relax_many
from explorer.strategy.hop_request import EscapeMode, HopRequest
from explorer.system import system_of

_N_ORIGINS = 40  # embeddings whose minima are the origins of escapes; not tuned
_ESCAPE_TEMPERATURE = 1000.0  # K, the default initial temperature of a search


def embedded_starts(molecule: Molecule, n_starts: int, seed: int) -> Float[np.ndarray, "n N 3"]:
    """Return ETKDG embeddings of a molecule, Å.

    Args:
        molecule: Molecule; its positions are not used.
        n_starts: Number of embeddings.
        seed: Seed of the embeddings.
    """
    return embed(to_rdkit(molecule), n_starts, seed)


def escaped_starts(
    potential: Potential, molecule: Molecule, settings: Settings, n_starts: int, seed: int
) -> Float[np.ndarray, "n N 3"]:
    """Return the ends of escapes at 1000 K from relaxed embeddings, which a search would relax, Å.

    Args:
        potential: Potential to evaluate.
        molecule: Molecule; its positions are not used.
        settings: Settings of the escapes and of the relaxation of their origins.
        n_starts: Number of escapes.
        seed: Seed of embeddings and escapes.

    Raises:
        InputError: When no embedding relaxes to a minimum, or an escape explodes.
    """
    origins = _origins(potential, molecule, settings, seed)
    hopping = replace(settings.hopping, n_walkers=n_starts, temperature=_ESCAPE_TEMPERATURE)
    # a relaxation with a single force call ends at once, so each hop stops at the end of its escape
    settings = replace(settings, seed=seed, hopping=hopping, relax=RelaxSettings(max_steps=1))
    pool = WalkerPool(potential, molecule, settings)
    noise = np.random.default_rng(seed).normal(size=(n_starts, molecule.n_atoms, 3))
    pool.assign(
        HopRequest(
            walker=k,
            origin=origins[k % len(origins)],
            mode=EscapeMode.SOFTENED,
            target=noise[k],
            temperature=_ESCAPE_TEMPERATURE,
        )
        for k in range(n_starts)
    )
    escaped = np.full((n_starts, molecule.n_atoms, 3), np.nan)
    n_exploded = 0
    while np.isnan(escaped).any():
        pool.start_round()
        ended, _, _ = pool.finish_round()
        escaped[ended.walker] = ended.escaped
        n_exploded += int(ended.exploded.sum())
    if n_exploded:
        raise InputError(f"{n_exploded} of {n_starts} escapes exploded. Shorten hopping.time_step.")
    return escaped


def _origins(potential: Potential, molecule: Molecule, settings: Settings, seed: int) -> Float[np.ndarray, "n N 3"]:
    starts = embedded_starts(molecule, _N_ORIGINS, seed)
    relaxer = make_relaxer(molecule, settings.relax)
    result = relax_many(potential, relaxer, system_of(molecule, np.dtype(settings.precision)), starts)
    converged = np.flatnonzero(result.status == Status.CONVERGED)
    if not converged.size:
        raise InputError(f"No embedding of {molecule.name} relaxes on this potential. Check its elements and charge.")
    return np.asarray(result.positions[converged], float)
