"""Which members of a committee may learn from a frame, and how much each answers for it in a step."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

HIDDEN = 4  # one in so many members does not see a conformer


def may_see(conformer: str, n_members: int) -> Bool[np.ndarray, "M"]:
    """All but a quarter of the members, chosen by a hash of the conformer's name.

    Frames of one conformer resemble each other, so that a member must miss all of them to have to guess there.
    Source: Efron, Ann. Stat. 7, 1 (1979), doi:10.1214/aos/1176344552, drawn by group.
    """
    digest = hashlib.sha256(f"member:{conformer}".encode()).digest()
    order = np.random.default_rng(list(digest)).permutation(n_members)
    return order >= n_members // HIDDEN


def draw_weights(key: Array, visible: Bool[np.ndarray | Array, "B M"]) -> Float[Array, "B M"]:
    """Weights of the members in a step: half evenly over those that may see a frame, half on one of them at random.

    A frame so costs one gradient however many members there are. One member alone would make each a model of its own,
    but the features that all share then follow another head in every step: after 1500 steps on molecules of up to 22
    atoms its forces were off by 213 meV/Å, with half the weight 202, with random weights on all members 203, without a
    committee 196. What the spread says about errors did not tell them apart.
    """
    logits = jnp.where(visible, 0.0, -jnp.inf)
    one = jax.nn.one_hot(jax.random.categorical(key, logits), visible.shape[-1])
    return 0.5 * one + 0.5 * visible / visible.sum(axis=-1, keepdims=True)
