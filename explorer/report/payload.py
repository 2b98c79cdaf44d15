"""Data for the script of the page: packed structures and one value per minimum and column."""

import base64
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float

from explorer.analysis.run_analysis import RunAnalysis
from explorer.records.molecule import Molecule
from explorer.report.certification import certification_columns
from explorer.report.panel import numbers
from explorer.report.uncertainty_figures import payload_columns
from explorer.similarity.superpose import superpose
from explorer.topology.hydrogen_bonds import MAX_DISTANCE, MIN_ANGLE, hydrogen_bond_sites
from explorer.units import BOLTZMANN, REDUCED

COORDINATE_RESOLUTION = 0.001  # Å; int16 then spans ±32 Å


def payload(analysis: RunAnalysis) -> dict[str, Any]:
    """Return the data of the page for JSON, except the figures.

    Absolute energies are in eV, relative ones in the unit of the run, and distances from training frames in degrees.

    Args:
        analysis: The analysed run.
    """
    molecule = analysis.run.molecule
    minima = analysis.run.minima
    positions = [m.positions for m in minima] + [t.positions for t in analysis.missed]
    return {
        "name": molecule.name,
        "symbols": [chemical_symbols[z] for z in molecule.atomic_numbers],
        "labels": atom_labels(molecule),
        "bonds": [[int(i), int(j), float(o)] for (i, j), o in zip(molecule.bonds, molecule.bond_orders, strict=True)],
        **_hydrogen_bond_sites(molecule),
        "structures": pack_array(aligned(np.array(positions, dtype=float), molecule)) if positions else None,
        "unit": analysis.unit.name,
        "reduced": analysis.unit == REDUCED,
        "boltzmann": BOLTZMANN / analysis.unit.size,
        "temperature": analysis.kelvin,
        "minima": {
            "energy": numbers([m.energy for m in minima], 6),
            "relative": numbers(analysis.energies, 3),
            "class": [str(m.structure_class) for m in minima],
            "difference": analysis.differences,
            "conformer": [m.is_conformer for m in minima],
            "exclusion": [m.exclusion for m in minima],
            "degeneracy": analysis.degeneracies.tolist(),
            "visits": [int(analysis.run.visits.get(m.id, 1)) for m in minima],
            "found": [int(m.n_evaluations) for m in minima],
            "fmax": numbers([m.fmax for m in minima], 7),
            "recognition": analysis.recognition,
            "distance": _distances(analysis),
            "hydrogenBonds": analysis.hydrogen_bonds,
            "torsions": [numbers(t, 0) for t in analysis.torsions] if minima else [],
            **certification_columns(analysis),
            **payload_columns(analysis),
        },
        "missed": {
            "id": [t.id for t in analysis.missed],
            "energy": numbers([t.energy for t in analysis.missed], 6),
            "relative": numbers(analysis.relative(np.array([t.energy for t in analysis.missed])), 3),
            "frames": [int(t.n_frames) for t in analysis.missed],
        },
    }


def _hydrogen_bond_sites(molecule: Molecule) -> dict[str, Any]:
    """Return donor, hydrogen and acceptor of all possible hydrogen bonds, and the limits of distance and angle."""
    sites = hydrogen_bond_sites(molecule)
    rows, columns = np.nonzero(sites.ring_sizes >= 0)
    pairs = np.column_stack([sites.donors[rows], sites.acceptors[columns]])
    return {"contacts": pairs.tolist(), "contactLimits": [MAX_DISTANCE, MIN_ANGLE]}


def _distances(analysis: RunAnalysis) -> list[float | None]:
    if analysis.run.comparison is None:
        return [None] * len(analysis.run.minima)
    distances = numbers(analysis.run.comparison.nearest_frame_distance, 1)
    return (distances + [None] * len(analysis.run.minima))[: len(analysis.run.minima)]


def atom_labels(molecule: Molecule) -> list[str]:
    """Return the atom names of the input, or element and number where there are none."""
    symbols = [chemical_symbols[z] for z in molecule.atomic_numbers]
    names = molecule.atom_names or ("",) * len(symbols)
    numbered = [f"{s}{i + 1}" for i, s in enumerate(symbols)]
    return [name if name and name != symbol else n for name, symbol, n in zip(names, symbols, numbered, strict=True)]


def aligned(positions: Float[np.ndarray, "n N 3"], molecule: Molecule) -> Float[np.ndarray, "n N 3"]:
    """Superpose structures on the heavy atoms of the first one, which is rotated to its principal axes.

    Args:
        positions: Structures, Å.
        molecule: Molecule; its positions are not used.

    Returns:
        Superposed structures, Å.
    """
    heavy = molecule.atomic_numbers > 1
    if heavy.sum() < 3:
        heavy = np.ones_like(heavy)
    centred = positions - positions[:, heavy].mean(axis=1, keepdims=True)
    _, _, axes = np.linalg.svd(centred[0, heavy])
    axes[2] *= np.linalg.det(axes)
    reference = centred[0, heavy] @ axes.T
    rotations, _ = superpose(np.broadcast_to(reference, (len(centred), *reference.shape)), centred[:, heavy])
    return centred @ np.swapaxes(rotations, -1, -2)


def pack_array(positions: Float[np.ndarray, "n N 3"]) -> dict[str, Any]:
    """Encode positions as base64 of little-endian int16.

    Args:
        positions: Structures, Å. Beyond 32 Å the resolution is coarser than 0.001 Å.
    """
    resolution = max(COORDINATE_RESOLUTION, float(np.abs(positions).max()) / 32767)
    integers = np.rint(positions / resolution).astype("<i2")
    return {"resolution": resolution, "count": len(positions), "int16": base64.b64encode(integers.tobytes()).decode()}
