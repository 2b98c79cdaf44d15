"""Sampling of labelled geometries: snapshots, relaxations and dynamics on the reference."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from ase.optimize import BFGS
from jaxtyping import Float
from rdkit import Chem

from explorer.dataset.force_field import ForceField
from explorer.dataset.propose import Proposal, differing, propose
from explorer.dataset.recipe import MoleculeRecipe, Sampling
from explorer.dataset.rounding import FORCE_GRID, POSITION_GRID, GridCalculator, on_grid
from explorer.dataset.starts import conformer_name, torsion_driven_start
from explorer.errors import ConfigError


class SampledFrame(NamedTuple):
    """One labelled geometry."""

    positions: Float[np.ndarray, "N 3"]  # Å
    energy: float  # eV
    forces: Float[np.ndarray, "N 3"]  # eV/Å
    stage: str  # "relaxation", "minimum", "dynamics-<T>", or that of a proposal
    conformer: str = ""  # rounded backbone torsions, so that starts that fall into one basin share it


def sample(
    mol: Chem.Mol, calculator: Calculator, seed: int, entry: MoleculeRecipe, job: int
) -> tuple[list[SampledFrame], list[str]]:
    """Frames of one start, and the reasons of what failed.

    Args:
        mol: with explicit hydrogens.
        calculator: the reference; every frame carries its energy and forces.
        seed: of the recipe.
        entry: of the recipe, the molecule and how it is sampled.
        job: number of the start in the entry; fixes the random numbers and the temperature.
    """
    rng = np.random.default_rng([seed, job, *entry.series.encode()])
    atoms = Atoms(
        [a.GetAtomicNum() for a in mol.GetAtoms()],
        charges=[a.GetFormalCharge() for a in mol.GetAtoms()],
        info={"charge": Chem.GetFormalCharge(mol)},
    )
    atoms.calc = GridCalculator(calculator)
    from_where = _from_walkers if entry.sampling.n_walkers else _from_start
    frames: list[SampledFrame] = []
    failures: list[str] = []
    for chain in from_where(mol, atoms, entry.sampling, job, rng):
        try:
            frames.extend(chain)  # what came before a failure stays
        except ConfigError:
            raise
        except Exception as error:  # calculators raise their own types; the reason is kept
            failures.append(f"{type(error).__name__}: {error}")
    return frames, failures


def _from_start(
    mol: Chem.Mol, atoms: Atoms, sampling: Sampling, job: int, rng: np.random.Generator
) -> Iterator[Iterator[SampledFrame]]:
    """A torsion-driven start, relaxed and then heated."""
    temperature = sampling.temperatures[job % len(sampling.temperatures)]

    def chain() -> Iterator[SampledFrame]:
        atoms.positions = torsion_driven_start(mol, sampling.cis_probability, rng)
        relaxation = list(_relax(atoms, sampling))
        name = conformer_name(mol, atoms.positions)
        # at a minimum half of the kinetic energy will go into the potential
        dynamics = _dynamics(atoms, temperature, 2 * temperature, sampling, rng)
        yield from (frame._replace(conformer=name) for frame in (*relaxation, *dynamics))

    yield chain()


def _from_walkers(
    mol: Chem.Mol, atoms: Atoms, sampling: Sampling, job: int, rng: np.random.Generator
) -> Iterator[Iterator[SampledFrame]]:
    """Chosen proposals: labelled as they are, relaxed, or gone on from in dynamics."""
    surrogate = ForceField(mol)
    walked, driven = propose(surrogate, sampling, job, rng)
    chosen = differing(mol, walked, sampling.n_snapshots + sampling.n_relaxations + sampling.n_dynamics, rng)
    n_downhill = min(sampling.n_relaxations, len(chosen))
    downhill, rest = chosen[:n_downhill], chosen[n_downhill:]
    heated, snapshots = rest[: sampling.n_dynamics], rest[sampling.n_dynamics :]

    def chain(proposal: Proposal, how: str) -> Iterator[SampledFrame]:
        atoms.positions = proposal.positions
        if how == "relax":
            frames = _relax(atoms, sampling, surrogate.hessian(atoms.positions))
        elif how == "heat":
            frames = _dynamics(atoms, proposal.temperature, proposal.temperature, sampling, rng)
        else:
            frames = iter([labelled_frame(atoms, proposal.stage)])
        yield from (frame._replace(conformer=proposal.conformer) for frame in frames)

    yield from (chain(proposal, "label") for proposal in snapshots)
    yield from (chain(proposal, "label") for proposal in differing(mol, driven, sampling.n_driven, rng))
    yield from (chain(proposal, "relax") for proposal in downhill)
    yield from (chain(proposal, "heat") for proposal in heated)


def _relax(atoms: Atoms, sampling: Sampling, hessian: np.ndarray | None = None) -> Iterator[SampledFrame]:
    optimizer = BFGS(atoms, logfile=None, maxstep=0.15)
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
    atoms: Atoms, temperature: float, first: float, sampling: Sampling, rng: np.random.Generator
) -> Iterator[SampledFrame]:
    """Langevin dynamics at a temperature from velocities of the first temperature, K."""
    MaxwellBoltzmannDistribution(atoms, temperature_K=first, rng=rng)
    Stationary(atoms)
    dynamics = Langevin(
        atoms, sampling.time_step * units.fs, temperature_K=temperature, friction=0.02 / units.fs, fixcm=False, rng=rng
    )
    dynamics.run(sampling.n_equilibration)
    for _ in range((sampling.n_steps - sampling.n_equilibration) // sampling.stride):
        dynamics.run(sampling.stride)
        yield labelled_frame(atoms, f"dynamics-{temperature:.0f}")


def labelled_frame(atoms: Atoms, stage: str) -> SampledFrame:
    """The atoms as they are with what their calculator, a `GridCalculator`, says of them."""
    positions = on_grid(atoms.positions, POSITION_GRID)
    positions -= on_grid(positions.mean(axis=0), POSITION_GRID)  # float32 keeps its digits near the origin
    forces = on_grid(atoms.get_forces(), FORCE_GRID)
    return SampledFrame(positions, float(atoms.get_potential_energy()), forces, stage)
