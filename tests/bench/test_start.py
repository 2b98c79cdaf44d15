"""The benchmark of the start: what is compiled in a cold run, and less time in a warm one."""

import json

import numpy as np
from ase import Atoms
from ase.io import write as write_atoms

from explorer.bench.start import measure, rows, write
from explorer.records.run import START_TIMES


def test_a_warm_run_compiles_less_and_both_tell_their_times(tmp_path):
    cluster = tmp_path / "dimer.xyz"
    write_atoms(cluster, Atoms("Ar2", [[0, 0, 0], [1.2, 0, 0]]))
    seen = []
    arguments = [str(cluster), "--potential", "lennard-jones", "--max-evaluations", "50", "--walkers", "2"]
    result = measure(arguments, lambda *state: seen.append(state))
    assert seen[-1][1:] == (2, 2)
    assert {"advance", "_tick", "predict_rows"} <= set(result["cold"]["programs"])
    assert result["cold"]["programs"]["advance"]["n_compiled"] == 1
    for cache in ("cold", "warm"):
        assert all(result[cache][name] > 0 for name in START_TIMES)
        assert np.isfinite([list(program.values()) for program in result[cache]["programs"].values()]).all()
    compile_seconds = [
        sum(program["compile"] for program in result[cache]["programs"].values()) for cache in ("cold", "warm")
    ]
    assert compile_seconds[1] < compile_seconds[0]
    assert rows(result)[0][0] in result["cold"]["programs"]
    assert json.loads(write(result, tmp_path).read_text())["arguments"] == arguments
