"""Labelling of a recipe on a network: blocks of many starts, one file per start, from which a later call goes on."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from explorer.dataset.label import molecule_of, reference_calculator, start_file
from explorer.dataset.network_reference import NetworkReference, is_network, network_reference
from explorer.dataset.recipe import Recipe
from explorer.dataset.sample_together import Networks, Start, sample_together
from explorer.dataset.second_opinion import Disagreement, NoSecondOpinion, SecondOpinion
from explorer.errors import ConfigError

BLOCK_SIZE = 32  # starts that are sampled together; a killed call loses at most one block; not tuned


def label_together(
    recipe: Recipe,
    reference: str,
    parts: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Sample and label every start of a recipe on a network; starts that have a file are skipped.

    Blocks hold starts of similar size and come in random order, so that an interrupted run contains molecules of all
    kinds.

    Args:
        recipe: Recipe whose sampler is `network`.
        reference: Name of the network, such as `so3lr:FOLDER`.
        parts: Folder of the files, from which an interrupted run resumes.
        progress: Called with the numbers of finished and of all starts.

    Raises:
        ConfigError: When the reference method is not a network.
    """
    if not is_network(reference):
        raise ConfigError(
            f"The recipe samples on a network (sampler = 'network'), received the reference {reference}. "
            "Use so3lr or so3lr:FOLDER."
        )
    networks = Networks(NetworkReference(reference, "float32", exact=False), network_reference(reference))
    second: SecondOpinion = NoSecondOpinion()
    if recipe.second_reference:
        second = Disagreement(reference_calculator(recipe.second_reference))
    blocks = _blocks(recipe, parts)
    total = sum(map(len, blocks))
    done = 0
    progress(done, total)
    for k in np.random.default_rng(recipe.seed).permutation(len(blocks)):
        todo = [start for start in blocks[k] if not start.path.exists()]
        sample_together(todo, networks, second, recipe.seed)
        done += len(blocks[k])
        progress(done, total)


def _blocks(recipe: Recipe, parts: Path) -> list[list[Start]]:
    """Return blocks of starts that have the same settings and similar sizes."""
    starts = defaultdict(list)
    for entry in recipe.molecules:
        mol = molecule_of(entry)
        starts[entry.sampling] += [Start(entry, k, mol, start_file(parts, entry, k)) for k in range(entry.n_starts)]
    blocks = []
    for group in starts.values():
        group.sort(key=lambda start: (start.mol.GetNumAtoms(), start.entry.key, start.number))
        blocks += [group[k : k + BLOCK_SIZE] for k in range(0, len(group), BLOCK_SIZE)]
    return blocks
