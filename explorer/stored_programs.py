"""Functions whose traced programs are stored on disk, so that a later process neither traces nor lowers them again.

JAX stores compiled programs itself. But to look one up, it must trace the function, which takes seconds for a network.
Here the traced program is stored too, under a digest of all that it depends on.
"""

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Callable
from functools import cache, update_wrapper
from pathlib import Path
from threading import Thread
from typing import Any

import jax
import numpy as np
from jax import export

from explorer.devices import quick_options
from explorer.files import write_atomically
from explorer.resources import compilation_cache_folder
from explorer.tree_structure import UnstableError, structure_as_json, structure_from_json

_PACKAGES = ("jax", "jaxlib", "flax", "e3x", "numpy")  # their versions decide what is traced

_log = logging.getLogger(__name__)


class StoredProgram:
    """A function like that of `jax.jit` that stores what it traces; it must not be called inside of another one.

    A function whose arguments hold something without a stable name, such as an ASE calculator, is traced as usual.

    Args:
        function: Function of pytrees of arrays.
        few_calls: Whether its programs take more time to compile than a run spends in them. On a CPU, LLVM then
            optimises less and XLA uses its older code generator. For a step of a relaxation that takes half of the
            time of compilation and leaves the step as fast; a force call becomes a sixth slower.
    """

    def __init__(self, function: Callable, few_calls: bool = False):
        update_wrapper(self, function)
        self._function, self._few_calls = function, few_calls
        self._programs: dict[Any, Callable] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Return the result of the function."""
        leaves, tree = jax.tree.flatten(arguments)
        return self._program(leaves, tree)(*leaves)

    def compile_in_background(self, *arguments: Any) -> Thread:
        """Trace the function now, and compile it in another thread by a call whose result is not used.

        Threads that trace at the same time hinder each other, since tracing is Python. Compilation is not.

        Args:
            arguments: Arguments of the call, which should give it nothing to do.

        Returns:
            The thread. An interpreter that ends before it waits for it.
        """
        leaves, tree = jax.tree.flatten(arguments)
        program = self._program(leaves, tree)
        thread = Thread(target=lambda: jax.block_until_ready(program(*leaves)), name="compilation")
        thread.start()
        return thread

    def _program(self, leaves: list, tree: Any) -> Callable:
        """The program of flat arguments of these shapes, traced or read from disk; its first call compiles it."""
        key = tree, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        if key not in self._programs:
            self._programs[key] = self._read_or_traced(leaves, tree)
        return self._programs[key]

    def _read_or_traced(self, leaves: list, tree: Any) -> Callable:
        out_tree: list[Any] = []

        def of_leaves(*leaves: Any) -> list:
            values, structure = jax.tree.flatten(self._function(*jax.tree.unflatten(tree, leaves)))
            out_tree[:] = [structure]
            return values

        of_leaves.__name__ = self._function.__name__
        compiled = self._jit(of_leaves)
        try:
            path = self._path(leaves, tree)
            stored = _read(path)
            if stored is None:
                exported = export.export(compiled)(*leaves).serialize()
                stored = bytes(exported), out_tree[0]
                _write(path, *stored)
        except (UnstableError, NotImplementedError, ValueError) as error:  # the last two: JAX cannot store this
            _log.debug("%s is not stored: %s", self._function.__name__, error)
            compiled.trace(*leaves)
            return lambda *leaves: jax.tree.unflatten(out_tree[0], compiled(*leaves))
        _load_lapack()
        exported, structure = export.deserialize(bytearray(stored[0])), stored[1]

        def call(*leaves: Any) -> Any:
            return exported.call(*leaves)

        call.__name__ = self._function.__name__
        read = self._jit(call)
        return lambda *leaves: jax.tree.unflatten(structure, read(*leaves))

    def _jit(self, function: Callable) -> Any:
        return jax.jit(function, compiler_options=quick_options() if self._few_calls else None)

    def _path(self, leaves: list, tree: Any) -> Path:
        shapes = [[str(leaf.dtype), *leaf.shape] for leaf in leaves]
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        precision = [str(getattr(jax.config, name)) for name in ("jax_enable_x64", "jax_default_matmul_precision")]
        devices = jax.default_backend(), len(jax.devices())
        content = json.dumps([name, installation(), devices, precision, shapes, structure_as_json(tree)])
        return compilation_cache_folder() / "traced" / hashlib.sha256(content.encode()).hexdigest()


@cache
def installation() -> list[str]:
    """Return what a trace depends on besides its function and arguments: digest of the source code, and versions."""
    source = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        source.update(path.read_bytes())
    return [source.hexdigest(), *(importlib.metadata.version(name) for name in _PACKAGES)]


@cache
def _load_lapack() -> None:
    """Let JAX load LAPACK, which it does when it lowers a function that needs it; a stored program would crash."""
    jax.jit(jax.lax.linalg.cholesky).lower(np.eye(1))


def _read(path: Path) -> tuple[bytes, Any] | None:
    """The program of a file and the structure of its results; None where there is no file, or a damaged one."""
    try:
        header, _, program = path.read_bytes().partition(b"\n")
        structure, digest = json.loads(header)
        if digest != hashlib.sha256(program).hexdigest():
            return None
        return program, structure_from_json(structure)
    except (OSError, ValueError):
        return None


def _write(path: Path, program: bytes, structure: Any) -> None:
    """Store a program; a folder that cannot be written costs the next process the time of tracing."""
    header = json.dumps([structure_as_json(structure), hashlib.sha256(program).hexdigest()])
    try:
        with write_atomically(path) as temporary:
            temporary.write_bytes(header.encode() + b"\n" + program)
    except OSError as error:
        _log.debug("%s is not stored: %s", path.name, error)
