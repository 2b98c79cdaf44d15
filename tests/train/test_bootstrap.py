"""Members miss a quarter of the conformers each, and answer only for what they may see."""

import jax
import numpy as np
import pytest

from explorer.train.bootstrap import draw_weights, may_see


def test_each_conformer_is_hidden_from_a_quarter_of_the_members():
    seen = np.array([may_see(f"peptide:{k}", 8) for k in range(2000)])
    assert (seen.sum(axis=1) == 6).all()
    # binomial: 2000 draws of 3/4 have a standard deviation of 1 %
    np.testing.assert_allclose(seen.mean(axis=0), 0.75, atol=0.04)
    np.testing.assert_array_equal(may_see("peptide:7", 8), seen[7])


@pytest.mark.parametrize("n_members", [1, 2, 3])
def test_few_members_see_everything(n_members):
    assert may_see("peptide:0", n_members).all()


def test_weights_are_of_members_that_may_see_and_favour_one():
    visible = np.array([may_see(f"peptide:{k}", 8) for k in range(4000)])
    weights = np.asarray(draw_weights(jax.random.key(0), visible))
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    assert not weights[~visible].any()
    np.testing.assert_allclose(np.sort(weights, axis=1)[:, 2:], [[1 / 12] * 5 + [1 / 12 + 1 / 2]] * 4000, rtol=1e-6)
    np.testing.assert_allclose(weights.mean(axis=0), 1 / 8, atol=0.015)


def test_a_single_member_answers_alone():
    np.testing.assert_array_equal(draw_weights(jax.random.key(0), np.ones((3, 1), bool)), np.ones((3, 1)))
