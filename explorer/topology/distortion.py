"""Bonds that are distorted beyond what a minimum of the molecule can have."""

import numpy as np
from ase.data import covalent_radii
from jaxtyping import Float, Int

from explorer.topology.bonds import BREAKING_RATIO, HYDROGEN_BREAKING_RATIO, Topology, relative_distances

# Length of a bond over its length in the relaxed input. Conformers of peptides stay within 0.95 to 1.08. Not tuned.
MIN_STRETCH, MAX_STRETCH = 0.85, 1.25
# Distance of a hydrogen over the sum of covalent radii below which two heavy atoms share it. The acceptor of a strong
# hydrogen bond is at 1.5 and above. Not tuned.
SHARED_RATIO = 1.3


def distortions(
    topology: Topology, positions: Float[np.ndarray, "B N 3"], ordinary: Float[np.ndarray, "n_bonds"] | None = None
) -> list[str]:
    """Return the first distortion of each structure in words; empty where there is none.

    A distortion is a bond outside 0.85 to 1.25 of its ordinary length, or a hydrogen within 1.3 times the sum of
    covalent radii of two heavy atoms. Broken bonds have a structure class and are no distortion.

    Args:
        topology: Topology of the molecule.
        positions: Å.
        ordinary: Ordinary length of each bond, such as that in the relaxed input, Å; None to compare no lengths.
    """
    names, positions = topology.atom_names, np.asarray(positions, float)
    hydrogens, heavy = np.flatnonzero(topology.atomic_numbers == 1), np.flatnonzero(topology.atomic_numbers != 1)
    found = _stretched(topology, positions, ordinary)
    if len(topology.bonds) == 0 or not len(hydrogens) or len(heavy) < 2:
        return found
    for b, one in enumerate(positions):
        ratio = relative_distances(topology.atomic_numbers, one)[hydrogens[:, None], heavy]
        near = np.sort(ratio, axis=1)[:, 1]
        if not found[b] and near.min() < SHARED_RATIO:
            k = int(near.argmin())
            first, second = heavy[np.argsort(ratio[k])[:2]].tolist()
            distances = np.linalg.norm(one[[first, second]] - one[hydrogens[k]], axis=1)
            found[b] = (
                f"{names[hydrogens[k]]} lies between {names[first]} and {names[second]} "
                f"({distances[0]:.2f} and {distances[1]:.2f} Å)"
            )
    return found


def bond_lengths(
    bonds: Int[np.ndarray, "n_bonds 2"], positions: Float[np.ndarray, "*batch N 3"]
) -> Float[np.ndarray, "*batch n_bonds"]:
    """Return the length of each bond, Å.

    Args:
        bonds: Index pairs.
        positions: Å, any leading axes.
    """
    return np.linalg.norm(positions[..., bonds[:, 0], :] - positions[..., bonds[:, 1], :], axis=-1)


def _stretched(
    topology: Topology, positions: Float[np.ndarray, "B N 3"], ordinary: Float[np.ndarray, "n_bonds"] | None
) -> list[str]:
    if ordinary is None or len(topology.bonds) == 0:
        return [""] * len(positions)
    names, (i, j) = topology.atom_names, topology.bonds.T
    lengths = bond_lengths(topology.bonds, positions)
    stretch = lengths / ordinary
    radii, has_hydrogen = covalent_radii[topology.atomic_numbers], (topology.atomic_numbers[topology.bonds] == 1).any(1)
    breaks = np.where(has_hydrogen, HYDROGEN_BREAKING_RATIO, BREAKING_RATIO) * (radii[i] + radii[j])
    strange = ((stretch < MIN_STRETCH) | (stretch > MAX_STRETCH)) & (lengths < breaks)
    found = []
    for b in range(len(positions)):
        k = int(np.argmax(np.abs(np.log(np.maximum(stretch[b], 1e-3))) * strange[b]))
        text = f"bond {names[i[k]]}-{names[j[k]]} of {lengths[b, k]:.2f} Å, ordinarily {ordinary[k]:.2f} Å"
        found.append(text if strange[b, k] else "")
    return found
