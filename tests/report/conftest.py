"""Synthetic run: minima with random backbone torsions, and hops between them."""

from dataclasses import replace

import numpy as np
import pytest
from rdkit.Chem import rdMolTransforms

from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.io.build import from_sequence, to_rdkit
from explorer.records.certificates import Certificate, Saddle, SaddleEnd
from explorer.records.certificates import StationaryPointType as Certified
from explorer.records.comparisons import Comparison, TrainingMinimum, Validation
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import Costs, RunRecord
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate

# Basins of a capped alanine: phi, psi (degrees), energy (eV).
BASINS = ((-83, 75, 0.0), (-150, 155, 0.05), (-75, 140, 0.06), (-70, -35, 0.09), (62, 38, 0.16), (72, -58, 0.12))


@pytest.fixture(scope="session")
def synthetic_run() -> RunRecord:
    """60 minima of Ac-Ala3-NHMe with hops, comparison and validation."""
    return make_run(60)


@pytest.fixture(scope="session")
def run_factory():
    """Makes runs of any size: `run_factory(n_minima)`."""
    return make_run


def make_run(n_minima: int, sequence: str = "AAA", seed: int = 0) -> RunRecord:
    """Complete run that is a function of the arguments."""
    rng = np.random.default_rng(seed)
    molecule = from_sequence(sequence)
    quads = backbone_quads(molecule)
    basins = rng.integers(0, len(BASINS), size=(n_minima + 12, len(quads)))
    structures = [twisted(molecule, quads, basins[k], rng) for k in range(n_minima + 12)]
    energies = (
        -1200.0 + np.array([sum(BASINS[b][2] for b in row) for row in basins]) + rng.normal(0, 0.04, n_minima + 12)
    )
    found = np.sort(rng.integers(100, 900, size=n_minima)).cumsum() // 2
    minima = tuple(
        Minimum(
            id=i,
            energy=float(energies[i]),
            positions=structures[i],
            structure_class=random_class(rng, i),
            fmax=0.004,
            n_evaluations=int(found[i]),
            round=i // 5,
            uncertainty=uncertainty_of(i),
        )
        for i in range(n_minima)
    )
    hops = random_hops(rng, energies[:n_minima])
    steps = np.linspace(0, n_minima, 20).astype(int)
    calls = np.linspace(0, found[-1] * 1.1, 20).astype(int)
    rounds = tuple(
        Costs(
            n_evaluations=int(c),
            n_minima=int(m),
            wall_seconds=float(c) / 60,
            potential_seconds=float(c) / 75,
            n_idle=int(c) // 9,
        )
        for c, m in zip(calls, steps, strict=True)
    )
    run = RunRecord(
        molecule=molecule,
        config=to_dict(Settings()),
        provenance={"version": "0.1", "seed": "0", "potential_digest": "3f9a17c2be04", "host": "a test"},
        minima=minima,
        hops=hops,
        rounds=rounds,
        finished="time limit",
        visits=counted(hops, n_minima),
    )
    run = replace(run, comparison=compared(rng, run, structures[n_minima:], energies), validation=validated(rng, run))
    certificates, saddles = certified(np.random.default_rng(seed), run)
    return replace(run, certificates=certificates, saddles=saddles)


def uncertainty_of(index: int) -> UncertaintyEstimate:
    """Every tenth minimum is uncertain, every twentieth out of distribution."""
    verdict = (
        TrustLevel.OUT_OF_DISTRIBUTION
        if index % 20 == 19
        else TrustLevel.UNCERTAIN
        if index % 10 == 9
        else TrustLevel.TRUSTED
    )
    error = 0.02 * 1.05**index
    return UncertaintyEstimate(
        energy_spread=error, force_spread=error / 2, distance=1 + index / 50, expected_error=error, trust_level=verdict
    )


def backbone_quads(molecule: Molecule) -> list[tuple[int, ...]]:
    """Atoms C, N, CA, C, N of every residue."""
    from rdkit import Chem

    pattern = Chem.MolFromSmarts("C(=O)-[NX3]-[CX4]-C(=O)-[NX3]")
    return [(m[0], m[2], m[3], m[4], m[6]) for m in to_rdkit(molecule).GetSubstructMatches(pattern)]


def twisted(molecule: Molecule, quads: list, basins: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions with the torsions of the given basins, a few degrees off, Å."""
    conformer = to_rdkit(molecule).GetConformer()
    for (a, b, c, d, e), basin in zip(quads, basins, strict=True):
        phi, psi, _ = BASINS[basin]
        rdMolTransforms.SetDihedralDeg(conformer, a, b, c, d, float(phi + rng.normal(0, 9)))
        rdMolTransforms.SetDihedralDeg(conformer, b, c, d, e, float(psi + rng.normal(0, 9)))
    positions = conformer.GetPositions()
    return positions - positions.mean(axis=0)


def random_class(rng: np.random.Generator, index: int) -> StructureClass:
    """Mostly intact, the first one always."""
    if index == 0:
        return StructureClass.INTACT
    return list(StructureClass)[rng.choice(5, p=[0.8, 0.14, 0.03, 0.01, 0.02])]


def random_hops(rng: np.random.Generator, energies: np.ndarray) -> tuple[Hop, ...]:
    """Each minimum is reached once from an earlier one, then old ones are revisited or hops fail."""
    hops = []
    for index in range(4 * len(energies)):
        fresh = index < len(energies)
        start = -1 if index == 0 else int(rng.integers(0, index if fresh else len(energies)))
        end = index if fresh else int(rng.integers(0, len(energies)))
        outcome = Outcome.NEW if fresh else Outcome.SAME if end == start else Outcome.KNOWN
        reason = ""
        if not fresh and rng.random() < 0.15:
            end, outcome = None, Outcome.FAILED
            reason = "relaxation: 150 steps" if rng.random() < 0.7 else "dynamics: no minimum in 150 steps"
        elif not fresh and rng.random() < 0.04:
            outcome, reason = Outcome.CHANGED, "stereo-inverted"
        top = max(energies[max(start, 0)], energies[max(start, 0) if end is None else end])
        hops.append(
            Hop(
                walker=index % 32,
                index=index // 32,
                round=index // 40,
                start=start,
                end=end,
                outcome=outcome,
                reason=reason,
                accepted=outcome == Outcome.NEW,
                temperature=400.0,
                ediff=0.08,
                highest_energy=float(top + rng.gamma(3, 0.08)),
                n_evaluations=int(rng.integers(90, 300)),
            )
        )
    return tuple(hops)


def counted(hops: tuple[Hop, ...], n_minima: int) -> dict[int, int]:
    """Number of hops that ended in each minimum."""
    visits = dict.fromkeys(range(n_minima), 0)
    for hop in hops:
        if hop.end is not None:
            visits[hop.end] += 1
    return visits


def compared(rng: np.random.Generator, run: RunRecord, missed: list, energies: np.ndarray) -> Comparison:
    """A third of the minima is known, twelve training minima are missed, frames sit in the basins."""
    n = len(run.minima)
    known = [m for m in run.minima if m.structure_class == StructureClass.INTACT and m.id % 3 == 0]
    entries = [(m.energy, m.positions, m.id) for m in known]
    entries += [(energies[n + k], p, None) for k, p in enumerate(missed)]
    entries.sort(key=lambda entry: entry[0])
    centres = np.array([b[:2] for b in BASINS])[rng.integers(0, len(BASINS), size=(1500, 3))]
    frames = (centres + rng.normal(0, 22, centres.shape) + 180) % 360 - 180
    distance = np.array([rng.gamma(2, 4) if m in known else 10 + rng.gamma(3, 8) for m in run.minima])
    trained = tuple(
        TrainingMinimum(id=k, energy=float(e), positions=p, n_frames=int(rng.integers(1, 9)), found=i)
        for k, (e, p, i) in enumerate(entries)
    )
    return Comparison(
        training_minima=trained,
        nearest_frame_distance=distance,
        frames_torsions=frames,
        n_frames=6000,
        n_relaxed=192,
        n_failed=5,
        source="peptides.npz, digest 8a01",
    )


def validated(rng: np.random.Generator, run: RunRecord) -> Validation:
    """The twelve lowest minima, two of which moved away."""
    ids = np.array(sorted(range(len(run.minima)), key=lambda i: run.minima[i].energy)[:12])
    energy = np.array([run.minima[i].energy for i in ids])
    stayed = np.ones(len(ids), dtype=bool)
    stayed[-2:] = False
    rmsd = np.where(stayed, 0.08, 0.9) + rng.random(len(ids)) * 0.1
    relative = energy - energy.min()
    return Validation(
        reference="gfn2",
        ids=ids,
        rmsd=rmsd,
        stayed=stayed,
        energy=relative,
        reference_energy=relative + rng.normal(0, 0.02, len(ids)),
    )


def certified(rng: np.random.Generator, run: RunRecord) -> tuple[tuple[Certificate, ...], tuple[Saddle, ...]]:
    """All minima tested: one is a saddle between two others, one moved away, the ten lowest have all vibrations."""
    n_modes = 3 * run.molecule.n_atoms - 6
    lowest = sorted(range(len(run.minima)), key=lambda i: run.minima[i].energy)
    certificates, saddles = [], []
    several = len(lowest) > 3
    for i, minimum in enumerate(run.minima):
        waves = np.sort(rng.uniform(15, 3500, n_modes))
        verdict, reason, energy = Certified.MINIMUM, "", minimum.energy
        if several and i == lowest[-1]:
            waves[0], verdict, reason = -80.0, Certified.SADDLE, "1 imaginary vibration below -10 cm⁻¹"
            ends = [
                SaddleEnd(
                    minimum=k,
                    energy=m.energy,
                    positions=m.positions,
                    structure_class=m.structure_class,
                    point_type=Certified.MINIMUM,
                    reason="",
                    lowest_wavenumber=20.0,
                )
                for k, m in ((None, run.minima[lowest[1]]), (lowest[0], run.minima[lowest[0]]))
            ]
            saddles.append(
                Saddle(
                    minimum=i,
                    energy=energy,
                    positions=minimum.positions,
                    fmax=1e-5,
                    direction=minimum.positions,
                    wavenumbers=waves,
                    ends=(ends[0], ends[1]),
                )
            )
        elif several and i == lowest[-2]:
            verdict, reason, waves = Certified.NOT_CERTIFIED, "relaxes on to another structure", np.full(1, np.nan)
        whole = verdict == Certified.SADDLE or (i in lowest[:10] and verdict == Certified.MINIMUM)
        kept = waves if whole else np.empty(0)
        certificates.append(
            Certificate(
                minimum=i,
                point_type=verdict,
                reason=reason,
                energy=energy,
                fmax=1e-5,
                lowest_wavenumber=float(waves[0]),
                n_products=17,
                wavenumbers=kept,
            )
        )
    return tuple(certificates), tuple(saddles)
