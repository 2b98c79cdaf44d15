"""Reference energies and forces: an ASE calculator by name, and labelling in parallel that can be resumed."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from rdkit import Chem

from explorer.config_file import ASE_PREFIX
from explorer.dataset.network_reference import NetworkCalculator, is_network, network_reference, structure_of
from explorer.dataset.parts import SampledFrame, save_part
from explorer.dataset.processes import run_in_processes
from explorer.dataset.recipe import MoleculeRecipe, Recipe
from explorer.dataset.sample import sample
from explorer.errors import ConfigError
from explorer.io.sequence import peptide_smiles
from explorer.potential.calculators import CalculatorName
from explorer.potential.charged_atoms import set_charge_and_spin

_BLOCK = 512  # structures of a file that are labelled at a time; not tuned
_GFN2_CALCULATOR = "ase:tblite.ase:TBLite?method=GFN2-xTB"


def reference_calculator(name: str) -> Calculator:
    """Return the ASE calculator of a reference method.

    Args:
        name: `gfn2` (GFN2-xTB by tblite), `so3lr` or `so3lr:FOLDER` (the published SO3LR model, exact and in float64;
            without a folder, as `model fetch` imports it) or `ase:package.module:Class?key=value`.

    Raises:
        ConfigError: When the name is unknown or its package is not installed.
        CheckpointError: When there is no SO3LR model in the folder.

    Source: Bannwarth et al., J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176.
    """
    if is_network(name):
        return NetworkCalculator(network_reference(name))
    if name != "gfn2" and not name.startswith(ASE_PREFIX):
        raise ConfigError(f"Reference {name!r} is unknown. Use gfn2, so3lr, so3lr:FOLDER or ase:package.module:Class.")
    return CalculatorName.parse(reference_potential_name(name)).make(verbosity=0)


def reference_potential_name(name: str) -> str:
    """Return the name of a reference method as that of a potential.

    >>> reference_potential_name("gfn2")
    'ase:tblite.ase:TBLite?method=GFN2-xTB'
    """
    return _GFN2_CALCULATOR if name == "gfn2" else name


def molecule_of(entry: MoleculeRecipe) -> Chem.Mol:
    """Return the RDKit molecule of an entry of a recipe, with explicit hydrogens.

    Args:
        entry: Entry of the recipe.
    """
    smiles = entry.smiles or peptide_smiles(entry.sequence, entry.caps)
    return Chem.AddHs(Chem.MolFromSmiles(smiles))


def label_recipe(
    recipe: Recipe,
    reference: str,
    parts: Path,
    n_processes: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Label every start of a recipe, one file per start; starts that have a file are skipped.

    The order is random, so that an interrupted run contains some starts of every molecule.

    Args:
        recipe: Recipe to label.
        reference: Name for `reference_calculator`.
        parts: Folder of the files, from which an interrupted run resumes.
        n_processes: Number of processes, one per core.
        progress: Called with the numbers of finished and of all starts.
    """
    parts.mkdir(parents=True, exist_ok=True)
    jobs = [(m, k) for m in recipe.molecules for k in range(m.n_starts)]
    order = np.random.default_rng(recipe.seed).permutation(len(jobs))
    todo = [jobs[j] for j in order if not start_file(parts, *jobs[j]).exists()]
    done = len(jobs) - len(todo)
    calls = [(recipe, m, k, reference, start_file(parts, m, k)) for m, k in todo]
    run_in_processes(_label_start, calls, n_processes, lambda n, _: progress(done + n, len(jobs)))


def label_structures(structures: list[Atoms], reference: str) -> Iterator[SampledFrame | str]:
    """Yield the label of each structure, or the reason of its failure as a text.

    Atoms without initial charges take the total charge from `info["charge"]`, e.

    Args:
        structures: Structures to label; their calculator is replaced.
        reference: Name for `reference_calculator`.

    Raises:
        ConfigError: When there is no such reference method.
    """
    if is_network(reference):
        yield from _label_by_network(structures, reference)
        return
    for atoms in structures:
        if not atoms.get_initial_charges().any():
            set_charge_and_spin(atoms, atoms.info.get("charge", 0), atoms.info.get("multiplicity", 1))
        atoms.calc = reference_calculator(reference)
        try:
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        except (Exception, SystemExit) as error:  # calculators raise types of their own; the reason is reported
            yield f"{type(error).__name__}: {error}"
        else:
            yield SampledFrame(atoms.positions.copy(), float(energy), forces.copy(), "given")


def _label_by_network(structures: list[Atoms], reference: str) -> Iterator[SampledFrame | str]:
    """Yield the labels of many structures at a time."""
    network = network_reference(reference)
    for first in range(0, len(structures), _BLOCK):
        block = structures[first : first + _BLOCK]
        for atoms, (energy, forces) in zip(block, network.evaluate([structure_of(a) for a in block]), strict=True):
            if np.isfinite(energy) and np.isfinite(forces).all():
                yield SampledFrame(atoms.positions.copy(), energy, forces, "given")
            else:
                yield "the energy is not finite"


def start_file(parts: Path, entry: MoleculeRecipe, start: int) -> Path:
    """Return the file of one start of a labelling run.

    Args:
        parts: Folder of the files.
        entry: Entry of the recipe.
        start: Number of the start.
    """
    return parts / f"{entry.key}-{start:05d}.npz"


def _label_start(recipe: Recipe, entry: MoleculeRecipe, start: int, reference: str, path: Path) -> None:
    mol = molecule_of(entry)
    started = time.process_time()
    try:
        frames, failures = sample(mol, reference_calculator(reference), recipe.seed, entry, start)
    except ConfigError:
        raise
    except Exception as error:  # no embedding or no force field; stored with the start
        frames, failures = [], [f"{type(error).__name__}: {error}"]
    header = {"molecule": entry.name, "start": start, "failures": failures, "seconds": time.process_time() - started}
    save_part(path, np.array([a.GetAtomicNum() for a in mol.GetAtoms()]), frames, header)
