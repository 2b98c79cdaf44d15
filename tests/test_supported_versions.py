"""The lowest and the highest versions that `pyproject.toml` allows: they install, search and compute the same forces.

The highest versions are those for this Python: JAX from 0.11 on needs Python 3.12.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from explorer import load_potential, read_molecule

ROOT = Path(__file__).resolve().parent.parent
PEPTIDE = "data/peptides/ac-ala-nhme.pdb"
TOLERANCE = 1e-6  # eV, eV/Å
REQUIREMENTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
VERSIONS = {
    "lowest": [requirement.split(",")[0].replace(">=", "==") for requirement in REQUIREMENTS],
    "highest": REQUIREMENTS,
}
PROGRAM = f"""
import json, sys
from pathlib import Path
from explorer import load_potential, read_molecule
import golden

run = Path(sys.argv[1])
golden.search("lj7", run)
energy, forces = load_potential("default").energy_and_forces(read_molecule("{PEPTIDE}"))
same_hops = golden.trace(run)["hops"] == golden.stored("lj7")["hops"]
print(json.dumps({{"same_hops": same_hops, "energy": energy, "forces": forces.tolist()}}))
"""


@pytest.fixture(scope="module", params=VERSIONS)
def python(request, tmp_path_factory) -> Path:
    """Python of an environment with the lowest or the highest versions."""
    if subprocess.run([sys.executable, "-m", "pip", "index", "versions", "jax"], capture_output=True).returncode:
        pytest.skip("pip reaches no package index")
    environment = tmp_path_factory.mktemp(request.param)
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *VERSIONS[request.param]], check=True)
    return python


@pytest.mark.slow
def test_other_versions_search_and_compute_the_same(python, tmp_path):
    # the flags of `conftest.py` are those of this version of XLA, and another one ends at a flag that it does not know
    environment = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"} | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "golden")])
    }
    command = [python, "-c", PROGRAM, tmp_path / "run"]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert finished.returncode == 0, finished.stderr
    made = json.loads(finished.stdout)
    assert made["same_hops"]
    energy, forces = load_potential("default").energy_and_forces(read_molecule(ROOT / PEPTIDE))
    assert made["energy"] == pytest.approx(energy, abs=TOLERANCE)
    assert np.array(made["forces"]) == pytest.approx(forces, abs=TOLERANCE)
