"""Recognition of known minima during a relaxation, so that no relaxation to a known minimum is finished."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float, Int

from explorer.config import IdentitySettings
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.relaxation.quasi_newton import QuasiNewtonState
from explorer.relaxation.state import energy_noise
from explorer.similarity.fingerprint import (
    FingerprintAtoms,
    fingerprint_atoms,
    fingerprint_batch,
    fingerprints_of,
)
from explorer.similarity.mirror import merges_mirror_images
from explorer.similarity.symmetry import symmetry_of

NOT_RECOGNISED = -1  # in place of the id of a minimum
# Share of `identity.rmsd` within which a projection matches. Evidence in `recognised_minimum`.
MATCH_SHARE = 0.4
MAX_FORCE_TO_RECOGNISE = 0.3  # eV/Å, largest force on an atom; above it the end cannot be predicted. Not tuned
PROJECTION_SIZE = 64  # components of a projection, for a relative error of distances of about 1/√128; not tuned
MAX_KNOWN_MINIMA = 8192  # capacity on the device; later minima are not recognised. Not tuned
MINIMA_PER_BLOCK = 256  # minima that are compared at a time, which bounds the memory; not tuned


class ProjectedMinima(NamedTuple):
    """Known minima by id, with room for more at the end.

    Attributes:
        projections: Random projections of their fingerprints, Å.
        energies: Energies of the minima, eV.
    """

    projections: Float[np.ndarray | Array, "M k"]
    energies: Float[np.ndarray | Array, "M"]


class RandomProjection(struct.PyTreeNode):
    """Random projection of fingerprints to few numbers, which preserves distances approximately.

    s = (f / √d) R, with a fingerprint f of d numbers and random numbers R of variance 1 / k, where k is the size of s.
    The distance of two projections is about the root mean square difference of their fingerprints.

    Attributes:
        atoms: Atoms of the fingerprint.
        directions: R / √d.
        rmsd: RMSD within which two structures are one minimum, Å.
        energy_window: Energy difference within which two structures are one minimum, eV.

    Source: Johnson & Lindenstrauss, Contemp. Math. 26, 189 (1984), doi:10.1090/conm/026/737400.
    """

    atoms: FingerprintAtoms
    directions: Float[np.ndarray | Array, "d k"]
    rmsd: Float[np.ndarray | Array, ""]
    energy_window: Float[np.ndarray | Array, ""]

    def project(self, positions: Any) -> Any:
        """Return the projections of structures (Å, shape (B, N, 3)), as an array of the same library."""
        xp = positions.__array_namespace__()
        directions = self.directions.astype(positions.dtype)
        return xp.einsum("bd,dk->bk", fingerprints_of(self.atoms, positions), directions)


@lru_cache(maxsize=8)  # the engine of a molecule is built for the number of walkers and for each pool
def make_projection(molecule: Molecule, settings: IdentitySettings) -> RandomProjection | None:
    """Return the projection of a molecule, or None if its minima must not be recognised.

    That is so for clusters, and for molecules whose fingerprints do not distinguish mirror images that are distinct
    minima.

    Args:
        molecule: Molecule; its positions are not used.
        settings: Criteria for two structures to be the same minimum.
    """
    if not len(molecule.bonds):
        return None
    symmetry = symmetry_of(molecule)
    signed, unsigned = (fingerprint_batch(symmetry, molecule.positions[None], s).shape[1] for s in (True, False))
    if signed == unsigned and not merges_mirror_images(symmetry, settings):
        return None
    directions = np.random.default_rng(0).normal(size=(signed, PROJECTION_SIZE)) / np.sqrt(signed * PROJECTION_SIZE)
    return RandomProjection(
        fingerprint_atoms(symmetry), directions, np.asarray(settings.rmsd), np.asarray(settings.energy_window)
    )


class KnownMinima:
    """Projections of the known minima on the host, with a copy for the device.

    Args:
        projection: Projection of the molecule; None to recognise nothing.
        precision: Precision of the search.
        sharding: Placement of the copy on the devices; by default on the first one.

    Attributes:
        projected: Copy for the device.
    """

    def __init__(self, projection: RandomProjection | None, precision: str, sharding: Any = None):
        self._projection, self._n, self._sharding = projection, 0, sharding
        size = MAX_KNOWN_MINIMA if projection else 0
        self._projections, self._energies = np.zeros((size, PROJECTION_SIZE), precision), np.zeros(size, precision)
        self.projected = self._copied()

    def add(self, minima: Sequence[Minimum]) -> None:
        """Add the minima that are new, up to the capacity.

        Args:
            minima: All minima of the search, in order of id.
        """
        new = minima[self._n : len(self._energies)]
        if not new or self._projection is None:
            return
        places = slice(self._n, self._n + len(new))
        self._projections[places] = self._projection.project(np.array([minimum.positions for minimum in new]))
        self._energies[places] = [minimum.energy for minimum in new]
        self._n += len(new)
        self.projected = self._copied()

    def _copied(self) -> ProjectedMinima:
        # a round that is still running may read the previous arrays, so they must not change
        copies = ProjectedMinima(projections=self._projections.copy(), energies=self._energies.copy())
        return jax.device_put(copies, self._sharding)


def recognised_minimum(
    projection: RandomProjection,
    known_minima: ProjectedMinima,
    relaxation: QuasiNewtonState,
    n_known: Int[Array, ""],
) -> Int[Array, ""]:
    """Return the id of the known minimum that a relaxation is about to reach, or `NOT_RECOGNISED`.

    The energy of a structure that still relaxes says little, so its final energy is predicted. The known minimum must
    meet three conditions. Its projection is within 0.4 ρ of that of the structure, where ρ is the RMSD of identity. Its
    energy is within the energy window of the predicted one, E + g·δx / 2 for the next unshortened step δx. And it is
    not above E (but for noise), since a relaxation goes downhill. If several minima qualify, the nearest is taken.
    Nothing is recognised while a force is above 0.3 eV/Å, where the quadratic prediction does not hold. Of 768 jumps in
    Trp-Gly, 70 % were recognised, after 15 force calls instead of 27. None of the 227 that ended at a new minimum was.

    Projections replace the superposition with each known minimum, which is too expensive in a compiled loop. Their
    distances are uncertain by about a tenth, for which the limit of 0.4 ρ leaves room. A hop only recognises the first
    `n_known` minima, those known when it began. So its end does not depend on what other walkers find meanwhile, and
    an interrupted run can repeat it.

    Args:
        projection: Projection of the molecule.
        known_minima: All known minima.
        relaxation: State of the relaxation.
        n_known: Number of minima that it may recognise.
    """
    dtype = relaxation.positions.dtype
    projected, predicted = projection.project(relaxation.positions[None])[0], relaxation.predicted_energy
    highest = relaxation.energy + energy_noise(relaxation.energy)
    n_known = jnp.where(relaxation.fmax < MAX_FORCE_TO_RECOGNISE, n_known, 0)

    def compare_block(block: Int[Array, ""], best: tuple[Float[Array, ""], Int[Array, ""]]):
        first, (best_distance, best_id) = block * MINIMA_PER_BLOCK, best
        of_block, energies = (jax.lax.dynamic_slice_in_dim(part, first, MINIMA_PER_BLOCK) for part in known_minima)
        ids = (first + jnp.arange(MINIMA_PER_BLOCK)).astype(n_known.dtype)
        distances = jnp.sum((of_block - projected) ** 2, axis=1)  # squared, Å²
        matches_energy = (jnp.abs(energies - predicted) < projection.energy_window) & (energies < highest)
        distances = jnp.where((ids < n_known) & matches_energy, distances, jnp.inf)
        nearest = jnp.argmin(distances)
        distance = distances[nearest]
        return jnp.minimum(distance, best_distance), jnp.where(distance < best_distance, ids[nearest], best_id)

    limit = (MATCH_SHARE * projection.rmsd.astype(dtype)) ** 2
    none = limit, jnp.full_like(n_known, NOT_RECOGNISED)
    n_blocks = (jnp.minimum(n_known, MAX_KNOWN_MINIMA) + MINIMA_PER_BLOCK - 1) // MINIMA_PER_BLOCK
    return jax.lax.fori_loop(0, n_blocks, compare_block, none)[1]
