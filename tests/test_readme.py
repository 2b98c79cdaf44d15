"""What the README says can be done: its commands parse, its files exist, its first command explores."""

import ast
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SHELL = [text.strip() for language, text in BLOCKS if language == "sh"]
MAIN, TEST = SHELL[:2]
LINES = [part.strip() for text in SHELL for line in text.splitlines() for part in line.split("&&")]
PROSE = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
COMMANDS = [line for line in LINES if line.split()[0].endswith("pes-explore")]


def test_ci_runs_the_test_command_and_nothing_else():
    lines = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', TEST]


def test_both_commands_make_an_environment_and_install_with_constraints():
    for command in (MAIN, TEST):
        make, install, *_ = command.split(" && ")
        assert re.fullmatch(r"python3 -m venv \.venv\S*", make)
        assert "pip install -c constraints.txt" in install


@pytest.mark.parametrize("line", COMMANDS)
def test_command_lines_parse(line):
    _, name, *arguments = shlex.split(line)
    get_command(app).commands[name].make_context(name, arguments)  # an unknown option or a missing argument raises


def test_python_blocks_are_python_and_import_what_exists():
    for text in (text for language, text in BLOCKS if language == "python"):
        imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
        for node in imports:
            module = __import__(node.module, fromlist=[alias.name for alias in node.names])
            assert all(hasattr(module, alias.name) for alias in node.names)


def test_files_that_are_named_exist():
    linked = [target for target in re.findall(r"\]\(([^)]+)\)", PROSE) if not target.startswith("http")]
    named = [word for line in LINES for word in shlex.split(line) if word.startswith(("data/", "constraints"))]
    folders = re.findall(r"`(explorer/\w+)`", README)
    assert len(linked) >= 3
    assert len(named) >= 2
    assert [name for name in (*linked, *named, *folders) if not (ROOT / name).exists()] == []


def test_constraints_hold_exact_versions_and_no_hosts():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines)


@pytest.mark.slow
def test_main_command_explores_the_shipped_peptide_with_the_shipped_model(tmp_path):
    _, *arguments = shlex.split(next(line for line in COMMANDS if line in MAIN))
    arguments[arguments.index("--out") + 1] = str(tmp_path / "run")
    program = Path(sys.executable).parent / "pes-explore"
    small = ("--walkers", "4", "--max-evaluations", "1500", "--set", "training_frames=4")
    subprocess.run([program, *arguments, *small], cwd=ROOT, check=True, timeout=1200)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names >= {"run.sqlite", "index.html", "config.toml", "minima.extxyz", "summary.json"}
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["n_conformers"] >= 1
    assert summary["n_hops"] == sum(summary["outcomes"].values())
