"""Blocks of a labelling run on a network: every start once, similar sizes together, and only what is missing again."""

import pytest

from explorer.dataset import label_together as module
from explorer.dataset.label_together import BLOCK_SIZE, label_together
from explorer.dataset.recipe import MoleculeRecipe, Recipe, Sampling
from explorer.dataset.second_opinion import Disagreement, NoSecondOpinion

ENTRIES = tuple(MoleculeRecipe(f"c{n}", 5, smiles="C" * n) for n in range(1, 16))
OTHER = MoleculeRecipe("water", 2, smiles="O", sampling=Sampling(n_turns=3))
RECIPE = Recipe((*ENTRIES, OTHER), sampler="network")


@pytest.fixture
def blocks(monkeypatch):
    """Blocks that are sampled; the files of their starts are empty."""
    sampled = []

    def sample(starts, networks, second, seed):
        sampled.append((starts, second))
        for start in starts:
            start.path.parent.mkdir(exist_ok=True)
            start.path.touch()

    monkeypatch.setattr(module, "NetworkReference", lambda *arguments, **options: None)
    monkeypatch.setattr(module, "network_reference", lambda name: None)
    monkeypatch.setattr(module, "sample_together", sample)
    return sampled


def test_every_start_is_sampled_once_in_blocks_of_similar_size_and_equal_settings(blocks, tmp_path):
    calls = []
    label_together(RECIPE, "so3lr:x", tmp_path, lambda done, total: calls.append((done, total)))
    assert sorted(start.path.name for block, _ in blocks for start in block) == sorted(
        f"{entry.name}-{k:05d}.npz" for entry in RECIPE.molecules for k in range(entry.n_starts)
    )
    assert calls[0] == (0, 77)
    assert calls[-1] == (77, 77)
    for block, second in blocks:
        sizes = [start.mol.GetNumAtoms() for start in block]
        assert len(block) <= BLOCK_SIZE
        assert max(sizes) - min(sizes) <= 3 * 8
        assert len({start.entry.sampling for start in block}) == 1
        assert isinstance(second, NoSecondOpinion)


def test_only_missing_starts_are_sampled_again(blocks, tmp_path):
    label_together(RECIPE, "so3lr:x", tmp_path)
    blocks.clear()
    (tmp_path / "c7-00003.npz").unlink()
    label_together(RECIPE, "so3lr:x", tmp_path)
    assert [start.path.name for block, _ in blocks for start in block] == ["c7-00003.npz"]


def test_second_reference_of_the_recipe_decides(blocks, tmp_path):
    recipe = Recipe((OTHER,), sampler="network", second_reference="ase:ase.calculators.emt:EMT")
    label_together(recipe, "so3lr:x", tmp_path)
    ((_, second),) = blocks
    assert isinstance(second, Disagreement)
