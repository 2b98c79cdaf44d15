"""A run of Ac-Ala-NHMe whose minima are joined by transition states, made up but complete."""

from pathlib import Path

import numpy as np
from rdkit.Chem import rdMolTransforms

from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.io.build import from_sequence, to_rdkit
from explorer.records.certificates import Certificate, StationaryPointType
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import Round, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.transition_states import (
    AttemptKind,
    AttemptOutcome,
    ConnectRound,
    PairReason,
    SaddleAttempt,
    TransitionState,
    TransitionStateEnd,
)
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.units import KCAL_PER_MOL

# φ, ψ in degrees and kcal/mol above the lowest minimum: C7eq, C7ax, C5, αL, a cis amide, and one that nothing joins.
MINIMA = ((-82, 73, 0.0), (71, -63, 1.4), (-156, 166, 1.9), (62, 30, 5.6), (-74, -25, 3.1), (-60, 120, 6.0))
CLASSES = {4: StructureClass.CIS_AMIDE}
# Ends, kcal/mol above the lowest minimum. The fourth is degenerate; minimum 4 is joined by an upper bound only.
SADDLES = ((0, 2, 2.1), (0, 1, 6.7), (1, 3, 7.5), (0, 0, 1.2), (2, 1, 8.4))
BOUNDS = ((0, 4, 18.0), (0, 1, 30.0))
LOWEST = -1234.5  # eV
N_MODES = 60  # of 22 atoms


def wavenumbers(seed: int, imaginary: float = 0.0) -> np.ndarray:
    """Plausible wavenumbers of a minimum, or of a saddle with its imaginary one, cm⁻¹."""
    base = np.linspace(40, 58, N_MODES) ** 2  # 1600 to 3364, and softer ones below
    base[:30] = np.linspace(45, 1500, 30)
    found = base * (1 + 0.004 * np.random.default_rng(seed).normal(size=N_MODES))
    return np.concatenate([[-imaginary], np.sort(found[1:])]) if imaginary else np.sort(found)


def turned(molecule: Molecule, phi: float, psi: float) -> np.ndarray:
    """Positions with these backbone torsions, Å."""
    conformer = to_rdkit(molecule).GetConformer()
    from explorer.topology.bonds import topology_of

    for quadruple, angle in zip(topology_of(molecule).backbone[0].tolist(), (phi, psi), strict=True):
        rdMolTransforms.SetDihedralDeg(conformer, *quadruple, float(angle))
    positions = conformer.GetPositions()
    return positions - positions.mean(axis=0)


def write_connected_run(folder: Path, settings: Settings = Settings(), complete: bool = True) -> RunRecord:
    """Write the run into a folder, and return it.

    Args:
        folder: New folder.
        settings: Settings of the run.
        complete: Whether all vibrations of the saddles are stored, or only the lowest two.
    """
    molecule = from_sequence("A")
    minima = tuple(
        Minimum(
            id=k,
            energy=LOWEST + e * KCAL_PER_MOL,
            positions=turned(molecule, phi, psi),
            structure_class=CLASSES.get(k, StructureClass.INTACT),
            fmax=0.001,
            n_evaluations=40 * k,
            round=0,
        )
        for k, (phi, psi, e) in enumerate(MINIMA)
    )
    hops = [_hop(0, -1, 0, 0.0), *(_hop(k + 1, a, b, top) for k, (a, b, top) in enumerate(BOUNDS))]
    states = tuple(_state(molecule, k, a, b, e, complete) for k, (a, b, e) in enumerate(SADDLES))
    folder.mkdir(parents=True, exist_ok=True)
    provenance = {"potential_digest": "3f9a17c2be04", "potential": settings.potential}
    with Store.begin(folder / "run.sqlite", molecule, to_dict(settings), provenance) as store:
        store.commit(
            Round(
                index=0,
                minima=minima,
                hops=tuple(hops),
                walkers={},
                n_evaluations=300,
                wall_seconds=12.0,
                potential_seconds=9.0,
            )
        )
        store.save_certificates([_certificate(m) for m in minima], [])
        store.commit_connections(ConnectRound(index=0, transition_states=states, attempts=tuple(_attempts(states))))
        store.finish("time limit")
    return read_run(folder)


def _hop(index: int, start: int, end: int, top: float) -> Hop:
    return Hop(
        walker=-1 if start < 0 else 0,
        index=index,
        round=0,
        start=start,
        end=end,
        outcome=Outcome.NEW,
        reason="",
        accepted=True,
        temperature=400.0,
        ediff=0.08,
        highest_energy=LOWEST + top * KCAL_PER_MOL,
        n_evaluations=100,
    )


def _certificate(minimum: Minimum) -> Certificate:
    waves = wavenumbers(minimum.id)
    return Certificate(
        minimum=minimum.id,
        point_type=StationaryPointType.MINIMUM,
        reason="",
        energy=minimum.energy,
        fmax=1e-5,
        lowest_wavenumber=float(waves[0]),
        n_products=66,
        wavenumbers=waves,
    )


def _state(molecule: Molecule, id: int, a: int, b: int, energy: float, complete: bool) -> TransitionState:
    phi, psi = ((MINIMA[a][k] + MINIMA[b][k]) / 2 + (15 if a == b else 0) for k in (0, 1))
    direction = np.zeros((molecule.n_atoms, 3))
    direction[id] = 1.0, 0.0, 0.0
    waves = wavenumbers(100 + id, imaginary=50.0 + id)
    return TransitionState(
        id=id,
        energy=LOWEST + energy * KCAL_PER_MOL,
        positions=turned(molecule, phi, psi),
        fmax=1e-3,
        direction=direction,
        wavenumbers=waves if complete else waves[:2],
        structure_class=StructureClass.INTACT,
        ends=(TransitionStateEnd(minimum=a, path_length=2.0), TransitionStateEnd(minimum=b)),
        n_evaluations=90 * (id + 1),
        round=0,
        uncertainty=UncertaintyEstimate(
            energy_spread=0.01,
            force_spread=0.02,
            distance=2.0,
            expected_error=0.05,
            trust_level=TrustLevel.UNCERTAIN if id == 1 else TrustLevel.TRUSTED,
        ),
    )


def _attempts(states: tuple[TransitionState, ...]) -> list[SaddleAttempt]:
    return [
        SaddleAttempt(
            id=k,
            round=0,
            kind=AttemptKind.PAIR,
            reason_for=PairReason.MISSING,
            start=s.minima[0],
            end=s.minima[1],
            try_number=0,
            outcome=AttemptOutcome.DEGENERATE if s.is_degenerate else AttemptOutcome.CONNECTED,
            reason="",
            saddle=k,
            n_evaluations=90,
        )
        for k, s in enumerate(states)
    ]
