"""Bootstrap of a committee: which members train on a conformer, and the weights of members in a step."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

_MEMBERS_PER_OMISSION = 4  # one member in four does not train on a given conformer; not tuned


def members_trained_on(conformer: str, n_members: int) -> Bool[np.ndarray, "M"]:
    """Return which members of a committee train on a conformer: three quarters of them, chosen by a hash of its name.

    Frames of one conformer resemble each other. A member must therefore miss all of them, or its prediction for the
    others would not be an extrapolation.

    Args:
        conformer: Name of the conformer.
        n_members: Number of members; of fewer than four, all train on every conformer.

    Source: Efron, Ann. Stat. 7, 1 (1979), doi:10.1214/aos/1176344552; here conformers are drawn and not frames.
    """
    digest = hashlib.sha256(f"member:{conformer}".encode()).digest()
    order = np.random.default_rng(list(digest)).permutation(n_members)
    return order >= n_members // _MEMBERS_PER_OMISSION


def draw_weights(key: Array, trained_members: Bool[np.ndarray | Array, "B M"]) -> Float[Array, "B M"]:
    """Draw the weights of the members in the prediction of each frame of a step.

    Half of the weight is spread evenly over the members that train on the frame; the other half is on one of them,
    chosen at random. A frame costs one gradient, however many members there are.

    With all weight on one member, every step would fit the shared features to a different head. After 1500 steps on
    molecules of up to 22 atoms, the force error was 213 meV/Å with all weight on one member, 202 with half of it, 203
    with random weights on all members, and 196 without a committee. How well the spread predicts errors was the same
    for these three.

    Args:
        key: Key of the random numbers.
        trained_members: For each frame, whether each member trains on it.

    Returns:
        Weights that sum to 1 for each frame.
    """
    logits = jnp.where(trained_members, 0.0, -jnp.inf)
    one = jax.nn.one_hot(jax.random.categorical(key, logits), trained_members.shape[-1])
    return 0.5 * one + 0.5 * trained_members / trained_members.sum(axis=-1, keepdims=True)
