"""Sampling of labelled geometries: snapshots, relaxations and dynamics with the reference method."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.optimize import BFGS
from rdkit import Chem

from explorer.dataset.force_field import SAMPLING_FRICTION, ForceField
from explorer.dataset.parts import SampledFrame
from explorer.dataset.propose import Proposal, propose, select_diverse
from explorer.dataset.recipe import MoleculeRecipe, Sampling
from explorer.dataset.rounding import FORCE_GRID, POSITION_GRID, GridCalculator, on_grid
from explorer.dataset.starts import conformer_name, torsion_driven_start
from explorer.errors import ConfigError

LABEL_MAX_STEP = 0.15  # Å, longest step of an atom in a labelled relaxation; not tuned


def sample(
    mol: Chem.Mol, calculator: Calculator, seed: int, entry: MoleculeRecipe, job: int
) -> tuple[list[SampledFrame], list[str]]:
    """Sample one start of a molecule.

    Args:
        mol: Molecule with explicit hydrogens.
        calculator: Calculator of the reference method; every frame has its energy and forces.
        seed: Seed of the recipe.
        entry: Entry of the recipe.
        job: Number of the start in the entry; it determines the random numbers and the temperature.

    Returns:
        Labelled frames, and the reasons of failures.
    """
    rng = np.random.default_rng([seed, job, *entry.series.encode()])
    atoms = Atoms(
        [a.GetAtomicNum() for a in mol.GetAtoms()],
        charges=[a.GetFormalCharge() for a in mol.GetAtoms()],
        info={"charge": Chem.GetFormalCharge(mol)},
    )
    atoms.calc = GridCalculator(calculator)
    chains = _from_walkers if entry.sampling.n_walkers else _from_start
    frames: list[SampledFrame] = []
    failures: list[str] = []
    for chain in chains(mol, atoms, entry.sampling, job, rng):
        try:
            frames.extend(chain)  # frames before a failure are kept
        except ConfigError:
            raise
        except (Exception, SystemExit) as error:  # calculators raise types of their own; the reason is stored
            failures.append(f"{type(error).__name__}: {error}")
    return frames, failures


def _from_start(
    mol: Chem.Mol, atoms: Atoms, sampling: Sampling, job: int, rng: np.random.Generator
) -> Iterator[Iterator[SampledFrame]]:
    """Relax a torsion-driven start with the reference method and then heat it."""
    temperature = sampling.temperatures[job % len(sampling.temperatures)]

    def chain() -> Iterator[SampledFrame]:
        atoms.positions = torsion_driven_start(mol, sampling.cis_probability, rng)
        relaxation = list(_relax(atoms, sampling))
        name = conformer_name(mol, atoms.positions)
        # twice the temperature: from a minimum, half of the kinetic energy becomes potential energy
        dynamics = _dynamics(atoms, temperature, 2 * temperature, sampling, rng)
        yield from (frame._replace(conformer=name) for frame in (*relaxation, *dynamics))

    yield chain()


def _from_walkers(
    mol: Chem.Mol, atoms: Atoms, sampling: Sampling, job: int, rng: np.random.Generator
) -> Iterator[Iterator[SampledFrame]]:
    """Label some proposals as they are, relax others, and start dynamics from others."""
    force_field = ForceField(mol)
    snapshots, driven = propose(force_field, sampling, job, rng)
    selected = select_diverse(mol, snapshots, sampling.n_snapshots + sampling.n_relaxations + sampling.n_dynamics, rng)
    n_relaxed = min(sampling.n_relaxations, len(selected))
    relaxed, rest = selected[:n_relaxed], selected[n_relaxed:]
    heated, labelled = rest[: sampling.n_dynamics], rest[sampling.n_dynamics :]

    def chain(proposal: Proposal, action: str) -> Iterator[SampledFrame]:
        atoms.positions = proposal.positions
        if action == "relax":
            frames = _relax(atoms, sampling, force_field.hessian(atoms.positions))
        elif action == "heat":
            frames = _dynamics(atoms, proposal.temperature, proposal.temperature, sampling, rng)
        else:
            frames = iter([labelled_frame(atoms, proposal.stage)])
        yield from (frame._replace(conformer=proposal.conformer) for frame in frames)

    yield from (chain(proposal, "label") for proposal in labelled)
    yield from (chain(proposal, "label") for proposal in select_diverse(mol, driven, sampling.n_driven, rng))
    yield from (chain(proposal, "relax") for proposal in relaxed)
    yield from (chain(proposal, "heat") for proposal in heated)


def _relax(atoms: Atoms, sampling: Sampling, hessian: np.ndarray | None = None) -> Iterator[SampledFrame]:
    optimizer = BFGS(atoms, logfile=None, maxstep=LABEL_MAX_STEP)
    if hessian is not None:
        optimizer.H0 = hessian
    if sampling.relaxation_stride:
        steps = optimizer.irun(fmax=sampling.fmax, steps=sampling.n_relaxation)
        yield from (
            labelled_frame(atoms, "relaxation")
            for step, _ in enumerate(steps)
            if step % sampling.relaxation_stride == 0
        )
    elif optimizer.run(fmax=sampling.fmax, steps=sampling.n_relaxation):
        yield labelled_frame(atoms, "minimum")
    else:
        raise RuntimeError(f"no minimum within {sampling.n_relaxation} steps")


def _dynamics(
    atoms: Atoms, temperature: float, initial_temperature: float, sampling: Sampling, rng: np.random.Generator
) -> Iterator[SampledFrame]:
    """Yield frames of Langevin dynamics whose initial velocities have a temperature of their own; K."""
    MaxwellBoltzmannDistribution(atoms, temperature_K=initial_temperature, rng=rng)
    Stationary(atoms)
    dynamics = Langevin(
        atoms,
        sampling.time_step * units.fs,
        temperature_K=temperature,
        friction=SAMPLING_FRICTION / units.fs,
        fixcm=False,
        rng=rng,
    )
    dynamics.run(sampling.n_equilibration)
    for _ in range((sampling.n_steps - sampling.n_equilibration) // sampling.stride):
        dynamics.run(sampling.stride)
        yield labelled_frame(atoms, f"dynamics-{temperature:.0f}")


def labelled_frame(atoms: Atoms, stage: str) -> SampledFrame:
    """Return the positions of atoms, centred, with the energy and the forces of their calculator.

    Args:
        atoms: Atoms with a `GridCalculator`; positions in Å.
        stage: How the geometry was made, as in `SampledFrame`.
    """
    positions = on_grid(atoms.positions, POSITION_GRID)
    positions -= on_grid(positions.mean(axis=0), POSITION_GRID)  # float32 is the most precise near the origin
    forces = on_grid(atoms.get_forces(), FORCE_GRID)
    return SampledFrame(positions, float(atoms.get_potential_energy()), forces, stage)
