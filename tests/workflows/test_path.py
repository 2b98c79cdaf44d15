"""Frames of a path: the descents from the linear saddle of three Lennard-Jones atoms end in the triangle."""

from dataclasses import replace
from itertools import pairwise

import ase.io
import numpy as np
import pytest
from scipy.optimize import brentq

from explorer.analysis.profile import profile_of
from explorer.analysis.run_analysis import RunAnalysis
from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.io.read import molecule_from_atoms
from explorer.records.minimum import Minimum
from explorer.records.run import RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import TransitionState, TransitionStateEnd
from explorer.workflows.path import path_frames, write_path
from explorer.workflows.session import Session

BOND = 2 ** (1 / 6)
TRIANGLE = BOND * np.array([[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(3) / 2, 0]])
# spacing of the linear chain, where the forces of the first and the second neighbour of an end cancel
SPACING = brentq(lambda r: sum(-12 / x**13 * k + 6 / x**7 * k for x, k in ((r, 1), (2 * r, 2))), 1.0, 1.2)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    molecule = molecule_from_atoms(np.array([18, 18, 18]), TRIANGLE, "Ar3", None, None)
    chain = SPACING * np.array([[-1.0, 0, 0], [1.0, 0, 0], [0, 0, 0]])
    state = TransitionState(
        id=0,
        energy=float(sum(4 * (x**-12 - x**-6) for x in (SPACING, SPACING, 2 * SPACING))),
        positions=chain,
        fmax=1e-9,
        direction=np.array([[0, -0.5, 0], [0, -0.5, 0], [0, 1.0, 0]]),
        wavenumbers=np.array([-30.0, 10.0]),
        structure_class=StructureClass.INTACT,
        ends=(TransitionStateEnd(minimum=0), TransitionStateEnd(minimum=0)),
        n_evaluations=1,
        round=0,
    )
    minimum = Minimum(
        id=0,
        energy=-3.0,
        positions=TRIANGLE,
        structure_class=StructureClass.INTACT,
        fmax=1e-9,
        n_evaluations=1,
        round=0,
    )
    run = RunRecord(
        molecule=molecule,
        config=to_dict(replace(Settings(), potential="lennard-jones")),
        provenance={},
        minima=(minimum,),
        hops=(),
        rounds=(),
        transition_states=(state,),
    )
    session = Session(tmp_path_factory.mktemp("run"), run)
    session.update(provenance={"potential_digest": session.model.digest})
    return session


def test_frames_lead_down_from_the_saddle_to_both_minima(session, tmp_path):
    analysis = RunAnalysis(session.record)
    profile = profile_of(analysis, (0, 0), (0,), (session.record.transition_states[0].energy,), [])
    seen = []
    frames, remarks = path_frames(session, analysis, profile, 6, lambda done, total: seen.append((done, total)))
    assert remarks == []
    assert seen[-1] == (2, 2)
    labels = [frame.label for frame in frames]
    assert labels == ["minimum 0", *6 * ["descent"], "saddle 0", *6 * ["descent"], "minimum 0"]
    energies = np.array([frame.energy for frame in frames])
    assert np.argmax(energies) == 7
    assert (np.diff(energies[7:]) < 1e-6).all()
    assert (np.diff(energies[:8]) > -1e-6).all()
    steps = [np.linalg.norm(b.positions - a.positions, axis=1).max() for a, b in pairwise(frames)]
    assert max(steps) < 0.8  # no frame jumps to another orientation or numbering
    written = ase.io.read(write_path(analysis, frames, tmp_path / "path.extxyz"), ":")
    assert [atoms.get_potential_energy() for atoms in written] == pytest.approx(energies.tolist(), abs=1e-6)


def test_without_images_no_potential_is_needed(session):
    analysis = RunAnalysis(session.record)
    profile = profile_of(analysis, (0, 0), (0,), (0.0,), [])
    frames, _ = path_frames(Session(session.folder, session.record), analysis, profile, 0, lambda *_: None)
    assert [frame.label for frame in frames] == ["minimum 0", "saddle 0", "minimum 0"]
