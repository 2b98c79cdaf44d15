"""Programs that are stored give the results of the function, in this process and in the next."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from explorer import stored_programs
from explorer.stored_programs import StoredProgram

TRACED = []


def solve(matrix, rows):
    """A function with LAPACK inside that notes when it is traced."""
    TRACED.append(matrix.shape)
    factor = jnp.linalg.cholesky(matrix)
    return {"solution": jax.scipy.linalg.cho_solve((factor, True), rows), "nothing": None}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_programs, "compilation_cache_folder", lambda: tmp_path)
    TRACED.clear()
    return tmp_path / "traced"


MATRIX, ROWS = np.array([[4.0, 1], [1, 3]]), np.array([1.0, 2])


def check(program):
    found = program(MATRIX, ROWS)
    assert found["nothing"] is None
    np.testing.assert_allclose(found["solution"], np.linalg.solve(MATRIX, ROWS), rtol=1e-12)


def test_a_stored_program_is_not_traced_again(folder):
    check(StoredProgram(solve))
    assert len(TRACED) == 1
    assert len(list(folder.iterdir())) == 1
    check(StoredProgram(solve))
    assert len(TRACED) == 1


def test_other_shapes_have_programs_of_their_own(folder):
    program = StoredProgram(solve)
    program(np.eye(3), np.ones(3))
    program(np.eye(3, dtype=np.float32), np.ones(3, np.float32))
    check(program)
    assert len(TRACED) == len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"no json\n", b'[["json:loads", null, []], ""]\n', None])
def test_a_damaged_file_is_replaced(folder, damage):
    check(StoredProgram(solve))
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-5] if damage is None else damage)
    for _ in range(2):
        check(StoredProgram(solve))
    assert len(TRACED) == 2


def test_a_folder_that_cannot_be_written_is_no_error(folder):
    folder.write_text("a file in its place")
    check(StoredProgram(solve))


def test_a_function_that_calls_the_host_is_not_stored(folder):
    def on_host(x):
        return jax.pure_callback(lambda x: np.asarray(2 * x), jax.ShapeDtypeStruct((2,), float), x)

    program = StoredProgram(on_host)
    np.testing.assert_array_equal(program(ROWS), 2 * ROWS)
    assert not folder.exists() or not list(folder.iterdir())


def test_errors_of_the_function_are_raised(folder):
    with pytest.raises((TypeError, ValueError), match=r"shape|dimension"):
        StoredProgram(solve)(np.ones((2, 3)), ROWS)


NEXT_PROCESS = """
import numpy as np
import sys
sys.path[:0] = [{tests!r}]
import test_stored_programs as t
from explorer.devices import configure_jax
configure_jax()
t.check(t.StoredProgram(t.solve))
print(len(t.TRACED))
"""


def test_the_next_process_reads_the_program(tmp_path):
    """LAPACK must be loaded there, although nothing that uses it was lowered."""
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path)}
    code = NEXT_PROCESS.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", code]
    done = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()
        for _ in range(2)
    ]
    assert done == ["1", "0"]
