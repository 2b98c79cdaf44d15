"""The curve of distinct structures equals a separate count for each threshold."""

from dataclasses import replace

import numpy as np
import pytest

from explorer.config import IdentitySettings
from explorer.io.build import embed, from_sequence, to_rdkit
from explorer.similarity.count_by_threshold import count_distinct
from explorer.similarity.dedup import deduplicate
from explorer.similarity.symmetry import symmetry_of


@pytest.mark.parametrize("window", [0.05, 10.0])
@pytest.mark.parametrize("sequence", ["AA", "G"])
def test_count_is_that_of_deduplicate_at_each_threshold(sequence, window):
    molecule = from_sequence(sequence)
    symmetry, rng = symmetry_of(molecule), np.random.default_rng(0)
    positions = np.repeat(embed(to_rdkit(molecule), 8, seed=1), 5, axis=0)
    positions += 0.1 * rng.normal(size=positions.shape)
    energies, classes = rng.uniform(0, 0.2, size=40), ["intact", "cis-amide"] * 20
    settings, thresholds = IdentitySettings(energy_window=window), np.array([0.05, 0.125, 0.2, 0.3, 0.6, 1.0])
    expected = [
        len(set(deduplicate(symmetry, energies, positions, classes, replace(settings, rmsd=float(t))).tolist()))
        for t in thresholds
    ]
    counts = count_distinct(symmetry, energies, positions, classes, settings, thresholds)
    assert counts.tolist() == expected
    assert counts[0] > counts[-1]
