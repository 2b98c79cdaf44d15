"""Many walkers at once: the only place where the search calls the potential."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from explorer.devices import batch_sharding, mesh
from explorer.hopping.walker import Engine, Phase, Walker, jump, launch, tick_escape, tick_relax
from explorer.potential.potential import Potential, evaluate_batch
from explorer.system import System

CHUNK = 4  # relaxing walkers whose linear algebra is done at a time


@partial(jax.jit, static_argnames="engine")
def advance(engine: Engine, potential: Potential, system: System, walkers: Walker, n_ticks: Int[Array, ""]) -> Walker:
    """So many force calls of every walker, rows spread over the devices.

    Args:
        engine: settings and functions; static.
        potential: on which surface.
        system: the molecule; its positions are not used.
        walkers: a batch; those that are done idle.
        n_ticks: force calls of each.
    """
    rows, same = PartitionSpec("batch"), PartitionSpec()
    spread = jax.shard_map(
        partial(_advance_local, engine),
        mesh=mesh(len(walkers.phase)),
        in_specs=(same, same, rows, same),
        out_specs=rows,
        check_vma=False,
    )
    return spread(potential, system, walkers, n_ticks)


def _advance_local(engine: Engine, potential: Potential, system: System, walkers: Walker, n_ticks) -> Walker:
    systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(walkers.phase), *leaf.shape)), system)

    def tick(_: int, walkers: Walker) -> Walker:
        running = walkers.phase != Phase.DONE
        evaluations = evaluate_batch(potential, systems.replace(positions=walkers.positions), running)
        relaxing = walkers.phase == Phase.RELAX
        walkers = jax.vmap(partial(tick_escape, engine))(walkers, evaluations)
        return map_where(partial(tick_relax, engine), relaxing, walkers, evaluations)

    return jax.lax.fori_loop(0, n_ticks, tick, walkers)


def map_where(fn: Any, mask: Bool[Array, "B"], rows: Any, *others: Any) -> Any:
    """fn(row, *others) for the rows where the mask holds, in chunks: the work follows their number.

    A relaxation step costs as much linear algebra as a force call, and a fifth of the walkers relax;
    under a plain vmap all of them would pay.

    Args:
        fn: maps a row (and the same row of the others) to a row of the same structure.
        mask: which rows.
        rows: a pytree with leading axis B.
        others: further pytrees with leading axis B.
    """
    n_rows = len(mask)
    chunk = min(CHUNK, n_rows)
    order = jnp.argsort(~mask, stable=True)

    def one_chunk(state: tuple[Int[Array, ""], Any]) -> tuple[Int[Array, ""], Any]:
        k, rows = state
        place = k * chunk + jnp.arange(chunk)
        index = order[jnp.minimum(place, n_rows - 1)]
        picked = jax.tree.map(lambda leaf: leaf[index], (rows, *others))
        changed = jax.vmap(fn)(*picked)
        target = jnp.where(mask[index] & (place < n_rows), index, n_rows)  # out of range: dropped
        rows = jax.tree.map(lambda leaf, new: leaf.at[target].set(new, mode="drop"), rows, changed)
        return k + 1, rows

    n_chunks = (jnp.sum(mask) + chunk - 1) // chunk
    return jax.lax.while_loop(lambda state: state[0] < n_chunks, one_chunk, (jnp.zeros((), n_chunks.dtype), rows))[1]


@partial(jax.jit, static_argnames="engine")
def relaunch(
    engine: Engine,
    walkers: Walker,
    fresh: Bool[Array, "B"],
    origins: Float[Array, "B N 3"],
    jumps: Bool[Array, "B"],
    starts: Float[Array, "B N 3"],
    temperatures: Float[Array, "B"],
    seed: Int[Array, ""],
    hops: Int[Array, "B"],
) -> Walker:
    """New hops for the rows marked fresh; the key of a hop is fold_in(fold_in(key(seed), walker), hop).

    Args:
        engine: settings and functions; static.
        walkers: a batch.
        fresh: rows that start a hop.
        origins: minima they start from, Å.
        jumps: which of them relax from `starts` at once.
        starts: Å; of the others it means nothing.
        temperatures: K.
        seed: of the run.
        hops: number of the hop of each walker.
    """

    def key_of(walker, hop):
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), walker), hop)

    keys = jax.vmap(key_of)(jnp.arange(len(hops)), hops)
    started = jax.vmap(partial(launch, engine))(origins, temperatures, keys)
    jumped = jax.vmap(partial(jump, engine))(started, starts)

    def choose(mask: Bool[Array, "B"], new: Array, old: Array) -> Array:
        return jnp.where(mask.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    started = jax.tree.map(partial(choose, jumps), jumped, started)

    # the same placement as after `advance`, which would be compiled again for another one
    return jax.lax.with_sharding_constraint(
        jax.tree.map(partial(choose, fresh), started, walkers), batch_sharding(len(hops))
    )


@jax.jit
def evaluate_ticks(
    potential: Potential, system: System, positions: Float[Array, "B N 3"], n_ticks: Int[Array, ""]
) -> Float[Array, "B N 3"]:
    """The force calls of a round and nothing else, to measure the share of the potential in a run."""

    def local(potential: Potential, system: System, positions: Array, n_ticks: Array) -> Array:
        systems = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (len(positions), *leaf.shape)), system)

        def tick(_: int, positions: Array) -> Array:
            forces = evaluate_batch(potential, systems.replace(positions=positions)).forces
            return positions + 1e-9 * forces  # each call needs the one before, so that none is left out

        return jax.lax.fori_loop(0, n_ticks, tick, positions)

    rows, same = PartitionSpec("batch"), PartitionSpec()
    spread = jax.shard_map(
        local, mesh=mesh(len(positions)), in_specs=(same, same, rows, same), out_specs=rows, check_vma=False
    )
    return spread(potential, system, positions, n_ticks)
