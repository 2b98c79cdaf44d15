"""Molecules that a hunt searches: entries of a recipe in random order, or random molecules of the domain."""

from pathlib import Path

import numpy as np
from rdkit import Chem

from explorer.dataset.domain import canonical_smiles, draw_held_out_molecules, draw_molecules
from explorer.dataset.label import molecule_of
from explorer.dataset.recipe import MoleculeRecipe, load_recipe
from explorer.dataset.starts import torsion_driven_start
from explorer.errors import ConfigError
from explorer.io.build import from_rdkit
from explorer.records.molecule import Molecule


def molecules_of_round(recipe: str, n: int, seed: int, number: int) -> dict[str, str]:
    """Return the molecules of a round, none of which belongs to an earlier round if there are enough.

    Molecules held out of the training of the shipped models are not drawn.

    Args:
        recipe: File of a recipe whose molecules are taken in random order; empty for random molecules of the domain.
        n: Number of molecules in a round.
        seed: Seed of the hunt.
        number: Number of the round, from 1.

    Returns:
        SMILES by name.

    Raises:
        ConfigError: When the recipe cannot be read.
    """
    if recipe:
        return _of_recipe(recipe, n, seed, number)
    held_out = {smiles for members in draw_held_out_molecules().values() for smiles in members.values()}
    # a longer draw with the same seed begins with the molecules of earlier rounds
    before, drawn = (draw_molecules(n * k, seed, exclude=held_out) for k in (number - 1, number))
    earlier = {smiles for members in before.values() for smiles in members.values()}
    return {name: smiles for members in drawn.values() for name, smiles in members.items() if smiles not in earlier}


def _of_recipe(recipe: str, n: int, seed: int, number: int) -> dict[str, str]:
    entries = {entry.name: entry for entry in load_recipe(Path(recipe)).molecules}
    order = np.random.default_rng(seed).permutation(len(entries))
    names = list(entries)
    chosen = [names[order[k % len(order)]] for k in range(n * (number - 1), n * number)]
    return {name: smiles_of(entries[name]) for name in dict.fromkeys(chosen)}


def smiles_of(entry: MoleculeRecipe) -> str:
    """Return the canonical SMILES of an entry of a recipe, without explicit hydrogens.

    Args:
        entry: Entry of the recipe.
    """
    return canonical_smiles(entry.smiles or Chem.MolToSmiles(Chem.RemoveHs(molecule_of(entry))))


def build_start(name: str, smiles: str, rng: np.random.Generator) -> Molecule:
    """Build a molecule with random torsions and trans amides; several molecules are placed side by side.

    Args:
        name: Name of the molecule.
        smiles: SMILES, of several molecules if it has dots.
        rng: Random number generator.

    Raises:
        ConfigError: When RDKit cannot read the SMILES.
        InputError: When RDKit cannot build a structure.
    """
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise ConfigError(f"SMILES {smiles!r} of {name} could not be read.")
    mol = Chem.AddHs(mol)
    positions = torsion_driven_start(mol, 0.0, rng)
    return from_rdkit(mol, positions, name=name, source=f"SMILES {smiles}")
