"""Reference energies and forces: an ASE calculator by name, and resumable parallel labelling."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from jaxtyping import Int
from rdkit import Chem

from explorer.config_file import ASE_PREFIX
from explorer.dataset.processes import in_processes
from explorer.dataset.recipe import MoleculeRecipe, Recipe
from explorer.dataset.sample import SampledFrame, sample
from explorer.errors import ConfigError
from explorer.io.build import peptide_smiles
from explorer.potential.calculators import CalculatorName
from explorer.potential.charged_atoms import tell_charge_and_spin

GFN2 = "ase:tblite.ase:TBLite?method=GFN2-xTB"


def reference_calculator(name: str) -> Calculator:
    """An ASE calculator: `gfn2` (GFN2-xTB by tblite) or `ase:package.module:Class?key=value`.

    Raises:
        ConfigError: when the name is not understood or its package is not installed.

    Source: Bannwarth et al., J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176.
    """
    if name != "gfn2" and not name.startswith(ASE_PREFIX):
        raise ConfigError(f"Reference {name!r} is unknown. Use gfn2 or ase:package.module:Class.")
    return CalculatorName.parse(GFN2 if name == "gfn2" else name).make(verbosity=0)


def molecule_of(recipe: MoleculeRecipe) -> Chem.Mol:
    """The RDKit molecule, hydrogens explicit, of an entry of a recipe."""
    smiles = recipe.smiles or peptide_smiles(recipe.sequence, recipe.caps)
    return Chem.AddHs(Chem.MolFromSmiles(smiles))


def label_recipe(
    recipe: Recipe,
    reference: str,
    parts: Path,
    n_processes: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Run every start of a recipe, one file per start, skipping those that exist.

    The order is random, so that a run that is cut short leaves some of everything.

    Args:
        recipe: what to sample.
        reference: name for `reference_calculator`.
        parts: folder of the per-start files; a killed run goes on from it.
        n_processes: one reference process per core.
        progress: called with (starts done, starts in all).
    """
    parts.mkdir(parents=True, exist_ok=True)
    jobs = [(m, k) for m in recipe.molecules for k in range(m.n_starts)]
    order = np.random.default_rng(recipe.seed).permutation(len(jobs))
    todo = [jobs[j] for j in order if not part_path(parts, *jobs[j]).exists()]
    done = len(jobs) - len(todo)
    calls = [(recipe, m, k, reference, part_path(parts, m, k)) for m, k in todo]
    in_processes(_run_job, calls, n_processes, lambda n, _: progress(done + n, len(jobs)))


def label_structures(structures: list[Atoms], reference: str) -> Iterator[SampledFrame | str]:
    """Label given structures; a structure that fails yields the reason as a string.

    A total charge in `info["charge"]`, e, holds where the atoms carry none.
    """
    for atoms in structures:
        if not atoms.get_initial_charges().any():
            tell_charge_and_spin(atoms, atoms.info.get("charge", 0), atoms.info.get("multiplicity", 1))
        atoms.calc = reference_calculator(reference)
        try:
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        except Exception as error:  # calculators raise their own types; the reason is kept
            yield f"{type(error).__name__}: {error}"
        else:
            yield SampledFrame(atoms.positions.copy(), float(energy), forces.copy(), "given")


def part_path(parts: Path, molecule: MoleculeRecipe, start: int) -> Path:
    """File of one start of a labelling run."""
    return parts / f"{molecule.key}-{start:05d}.npz"


def save_part(path: Path, atomic_numbers: Int[np.ndarray, "N"], frames: list[SampledFrame], header: dict) -> None:
    """Write the frames of one job, whole or not at all.

    Args:
        path: of the npz file.
        atomic_numbers: of the molecule.
        frames: what was labelled.
        header: anything to be kept with them as JSON; `failures` are counted later.
    """
    shape = (-1, len(atomic_numbers), 3)
    temporary = path.with_suffix(".tmp.npz")
    np.savez(
        temporary,
        header=json.dumps(header),
        atomic_numbers=atomic_numbers.astype(np.int16),
        positions=np.array([f.positions for f in frames], dtype=np.float32).reshape(shape),
        energy=np.array([f.energy for f in frames]),
        forces=np.array([f.forces for f in frames], dtype=np.float32).reshape(shape),
        conformer=np.array([f.conformer for f in frames], dtype=str),
        stage=np.array([f.stage for f in frames], dtype=str),
    )
    temporary.rename(path)


def _run_job(recipe: Recipe, molecule: MoleculeRecipe, start: int, reference: str, path: Path) -> None:
    mol = molecule_of(molecule)
    begun = time.process_time()
    try:
        frames, failures = sample(mol, reference_calculator(reference), recipe.seed, molecule, start)
    except ConfigError:
        raise
    except Exception as error:  # no embedding, no force field; recorded with the start
        frames, failures = [], [f"{type(error).__name__}: {error}"]
    header = {"molecule": molecule.name, "start": start, "failures": failures, "seconds": time.process_time() - begun}
    save_part(path, np.array([a.GetAtomicNum() for a in mol.GetAtoms()]), frames, header)
