"""Relaxation of frames by walkers: known minima end it earlier, at the same place."""

from dataclasses import replace

import numpy as np
import pytest
from fixed_network import FIXED_NETWORK

from explorer.config import Settings
from explorer.hopping import walker_pool
from explorer.hopping.relax_frames import relax_by_walkers
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.potential.load import load_potential
from explorer.potential.pairs import count_pairs
from explorer.records.minimum import Minimum
from explorer.records.structure_class import StructureClass
from explorer.relaxation.relaxer import Status
from explorer.similarity.alignment import rmsd
from explorer.similarity.symmetry import renumber, symmetry_of

pytestmark = pytest.mark.slow  # compiles the walkers of a network


def test_known_minima_end_relaxations_earlier_at_the_same_minima():
    molecule = from_sequence("A")
    potential, _ = load_potential(FIXED_NETWORK, molecule, "float64")
    settings = Settings()
    settings = replace(settings, hopping=replace(settings.hopping, n_walkers=4))
    symmetry = symmetry_of(molecule)
    frames = renumber(symmetry, embed(to_rdkit(molecule), 8, seed=0))  # hydrogens of methyls in one order
    full = relax_by_walkers(potential, molecule, settings, frames)
    assert (full.status == Status.CONVERGED).all()
    known = [
        Minimum(
            id=k,
            energy=float(full.energy[k]),
            positions=np.asarray(full.positions[k], float),
            structure_class=StructureClass.INTACT,
            fmax=float(full.fmax[k]),
            n_evaluations=0,
            round=0,
        )
        for k in range(len(frames))
    ]
    early = relax_by_walkers(potential, molecule, settings, frames, known=known)
    assert (early.status == Status.CONVERGED).all()
    assert early.n_steps.sum() < 0.9 * full.n_steps.sum()
    for k in range(len(frames)):
        assert rmsd(symmetry, full.positions[k], early.positions[k]) < settings.identity.rmsd
        assert abs(full.energy[k] - early.energy[k]) < settings.identity.energy_window


def test_a_compact_frame_does_not_compile_the_walkers_again(monkeypatch):
    molecule = from_sequence("AA")
    potential, _ = load_potential(FIXED_NETWORK, molecule, "float64")
    settings = Settings()
    settings = replace(settings, hopping=replace(settings.hopping, n_walkers=4))
    frames = relax_by_walkers(potential, molecule, settings, embed(to_rdkit(molecule), 2, seed=0)).positions
    frames = 0.98 * np.asarray(frames, float)  # relaxation expands them again
    crowded = potential.replace(capacity=count_pairs(frames, potential.cutoff) - 1)
    monkeypatch.setattr(walker_pool, "with_more_capacity", lambda *_: pytest.fail("compiled again"))
    relaxed = relax_by_walkers(crowded, molecule, settings, frames)
    assert (relaxed.status == Status.CONVERGED).all()
