"""Random molecules of the domain of the shipped models, and recipes that list them."""

from collections.abc import Callable, Container, Sequence
from pathlib import Path

import numpy as np
from rdkit import Chem

from explorer.dataset.fragments import GROUPS, NUCLEOSIDES, SUGARS, draw_lipid, draw_listed, draw_oligomer, draw_pair
from explorer.dataset.peptide_draw import draw_disulfide, draw_linear, draw_macrocycle
from explorer.files import write_text
from explorer.io.sequence import peptide_name, peptide_smiles

Draw = Callable[[np.random.Generator], tuple[str, str]]
# What the domain consists of: how it is drawn, its share, and the largest number of atoms. Not tuned.
FAMILIES: dict[str, tuple[Draw, float, int]] = {
    "linear peptides": (draw_linear, 0.52, 80),
    "disulfides": (draw_disulfide, 0.06, 80),
    "macrocycles": (draw_macrocycle, 0.07, 116),
    "pairs": (draw_pair, 0.12, 60),
    "lipids": (draw_lipid, 0.06, 80),
    "oligomers": (draw_oligomer, 0.07, 80),
    "sugars": (draw_listed(SUGARS), 0.03, 80),
    "nucleobases": (draw_listed(NUCLEOSIDES), 0.02, 80),
    "groups": (draw_listed(GROUPS), 0.05, 80),
}
N_MOLECULES, TRAINING_SEED = 1500, 2028
N_HELD_OUT, HELD_OUT_SEED = 100, 2029
# Peptides that the project ships have many starts: runs of them are compared with these frames.
_SHIPPED = ("A", "AAA", "GGF")
_N_SHIPPED_STARTS = 40  # of each shipped peptide, about 1500 frames; not tuned
# Held-out molecules are of these families; members of the others are few, and each of them is to be trained on.
_DRAWN_AT_RANDOM = ("linear peptides", "disulfides", "macrocycles", "pairs", "lipids", "oligomers")
_MAX_CHARGE = 2  # e; larger charges of one sign are unlike anything that SO3LR was trained on; not tuned
_MAX_DRAWS = 200  # per molecule; families of few members are used up


def draw_molecules(
    n: int, seed: int, exclude: Container[str] = (), families: Sequence[str] = tuple(FAMILIES)
) -> dict[str, dict[str, str]]:
    """Draw molecules of the domain, each once.

    Args:
        n: Number of molecules.
        seed: Seed of the random numbers.
        exclude: Canonical SMILES that are not drawn.
        families: Families to draw from.

    Returns:
        For each family, SMILES by name.
    """
    rng = np.random.default_rng(seed)
    shares = np.array([FAMILIES[family][1] for family in families])
    drawn: dict[str, dict[str, str]] = {family: {} for family in families}
    seen: set[str] = set()
    for _ in range(n * _MAX_DRAWS):
        if len(seen) == n:
            break
        family = families[rng.choice(len(families), p=shares / shares.sum())]
        draw, _, max_atoms = FAMILIES[family]
        name, smiles = draw(rng)
        canonical = canonical_smiles(smiles)
        if canonical not in seen and canonical not in exclude and is_drawable(canonical, max_atoms):
            seen.add(canonical)
            drawn[family][_unused(name, drawn)] = canonical
    return drawn


def draw_held_out_molecules() -> dict[str, dict[str, str]]:
    """Return the molecules on which no shipped model is trained: for each family, SMILES by name."""
    return draw_molecules(N_HELD_OUT, HELD_OUT_SEED, families=_DRAWN_AT_RANDOM)


def canonical_smiles(smiles: str) -> str:
    """Return the canonical SMILES of a molecule, by which two molecules are the same.

    Args:
        smiles: SMILES that RDKit can read.
    """
    return Chem.CanonSmiles(smiles)


def is_drawable(smiles: str, max_atoms: int) -> bool:
    """Return whether a molecule is small enough and not charged too much.

    Args:
        smiles: SMILES.
        max_atoms: Largest number of atoms, hydrogens included.
    """
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return mol.GetNumAtoms() <= max_atoms and abs(Chem.GetFormalCharge(mol)) <= _MAX_CHARGE


def recipe_text(molecules: dict[str, dict[str, str]], settings: str, n_starts: int) -> str:
    """Return a recipe in TOML that lists molecules by family.

    Args:
        molecules: SMILES by name, for each family.
        settings: Lines at the top of the recipe.
        n_starts: Number of starts of each molecule.
    """
    groups = (
        _group_text(family, members, f"n_starts = {n_starts}\n") for family, members in molecules.items() if members
    )
    return settings.rstrip() + "\n" + "".join(groups)


def _group_text(title: str, molecules: dict[str, str], settings: str) -> str:
    lines = "".join(f"{_quoted(name)} = {_quoted(smiles)}\n" for name, smiles in sorted(molecules.items()))
    return f"\n# {title}\n[[group]]\n{settings}[group.smiles]\n{lines}"


def _quoted(text: str) -> str:
    return "'" + text + "'"  # a literal string of TOML: SMILES have backslashes


def _unused(name: str, drawn: dict[str, dict[str, str]]) -> str:
    names = {one for members in drawn.values() for one in members}
    number = 1
    while (unused := name if number == 1 else f"{name}-{number}") in names:
        number += 1
    return unused


def write_recipes(training: Path, held_out: Path, settings: str) -> None:
    """Write the recipes of the shipped data: molecules to train on, and molecules that are never trained on.

    Args:
        training: Recipe of the molecules to train on.
        held_out: Recipe of the others, which are drawn first and by another seed.
        settings: Lines of both on the sampling, in TOML.
    """
    apart = draw_held_out_molecules()
    listed = {smiles for members in apart.values() for smiles in members.values()}
    drawn = draw_molecules(N_MOLECULES, TRAINING_SEED, exclude=listed)
    # the series tells these entries from those of the same molecules among the drawn ones
    more = f"n_starts = {_N_SHIPPED_STARTS}\nseries = 'shipped'\n"
    peptides = {peptide_name(sequence): canonical_smiles(peptide_smiles(sequence)) for sequence in _SHIPPED}
    head = settings + f"seed = {HELD_OUT_SEED}\nsplit = 'test'\n"
    write_text(recipe_text(apart, head, n_starts=1), held_out)
    text = recipe_text(drawn, settings + f"seed = {TRAINING_SEED}\n", n_starts=2)
    write_text(text + _group_text("shipped peptides", peptides, more), training)
