"""Each member omits a quarter of the conformers and has no weight on frames that it does not train on."""

import jax
import numpy as np
import pytest

from explorer.train.bootstrap import draw_weights, members_trained_on


def test_each_conformer_is_omitted_by_a_quarter_of_the_members():
    trained = np.array([members_trained_on(f"peptide:{k}", 8) for k in range(2000)])
    assert (trained.sum(axis=1) == 6).all()
    # binomial: 2000 draws of 3/4 have a standard deviation of 1 %
    np.testing.assert_allclose(trained.mean(axis=0), 0.75, atol=0.04)
    np.testing.assert_array_equal(members_trained_on("peptide:7", 8), trained[7])


@pytest.mark.parametrize("n_members", [1, 2, 3])
def test_fewer_than_four_members_train_on_every_conformer(n_members):
    assert members_trained_on("peptide:0", n_members).all()


def test_weights_are_zero_for_omitted_frames_and_favour_one_member():
    trained_members = np.array([members_trained_on(f"peptide:{k}", 8) for k in range(4000)])
    weights = np.asarray(draw_weights(jax.random.key(0), trained_members))
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    assert not weights[~trained_members].any()
    np.testing.assert_allclose(np.sort(weights, axis=1)[:, 2:], [[1 / 12] * 5 + [1 / 12 + 1 / 2]] * 4000, rtol=1e-6)
    np.testing.assert_allclose(weights.mean(axis=0), 1 / 8, atol=0.015)


def test_a_single_member_has_all_the_weight():
    np.testing.assert_array_equal(draw_weights(jax.random.key(0), np.ones((3, 1), bool)), np.ones((3, 1)))
