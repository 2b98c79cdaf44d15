"""Help of every command, and exit codes: 2 for wrong usage, 1 and one line for a user error."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

from cli.main import app
from explorer import __version__
from explorer.errors import StoreError

COMMANDS = [str(command.name) for command in app.registered_commands]
ROOT = Path(__file__).resolve().parents[2]
UNITS = ("eV", "Å", "kcal", " K", "degree", "minute", " ps", " fs", "share", "in meV", "seconds")


def test_every_command_is_in_the_command_reference_and_in_a_guide_or_tutorial():
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text()
    pages = [*(ROOT / "docs" / "guide").glob("*.md"), *(ROOT / "docs" / "tutorial").glob("*.md"), ROOT / "README.md"]
    text = "\n".join(page.read_text() for page in pages)
    for command in COMMANDS:
        assert f"pes-explore {command}" in reference
        assert f"pes-explore {command}" in text, f"no page shows {command}"


def test_version_is_that_of_the_package(pes_explore):
    assert pes_explore("--version") == (0, f"pes-explore {__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_parses(pes_explore, command):
    code, out, _ = pes_explore(command, "--help")
    assert code == 0
    example = re.sub(r"\s+", " ", out.partition("Example: ")[2]).strip()
    assert example.startswith(f"pes-explore {command}")


def test_every_option_that_takes_a_real_number_names_its_unit():
    n_checked = 0
    for command in app.registered_commands:
        for name, hint in get_type_hints(command.callback, include_extras=True).items():
            if get_origin(hint) is Annotated and float in (get_args(hint)[0], *get_args(get_args(hint)[0])):
                text = " ".join(f"{one.metavar or ''} {one.help}" for one in hint.__metadata__)
                assert any(unit.lower() in text.lower() for unit in UNITS), f"{command.name} --{name}: {text}"
                n_checked += 1
    assert n_checked >= 5


@pytest.mark.parametrize("arguments", [["no-such-command"], ["run", "--no-such-option"], ["relax"], ["report"]])
def test_wrong_usage_exits_with_2(pes_explore, arguments):
    code, _, err = pes_explore(*arguments)
    assert code == 2
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["report", "export", "info"])
def test_a_missing_run_is_one_line_and_exit_1(pes_explore, tmp_path, command):
    code, out, err = pes_explore(command, tmp_path / "nothing")
    assert (code, out) == (1, "")
    assert err.startswith("pes-explore: No run at")
    assert err.count("\n") == 1


def test_a_bug_keeps_its_traceback(pes_explore, monkeypatch, tmp_path):
    monkeypatch.setattr("explorer.store.read.read_run", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pes_explore("info", tmp_path)


def test_user_errors_of_any_depth_are_caught(pes_explore, monkeypatch, tmp_path):
    def broken(path):
        raise StoreError("wanted this, got that, try those")

    monkeypatch.setattr("explorer.store.read.read_run", broken)
    assert pes_explore("info", tmp_path) == (1, "", "pes-explore: wanted this, got that, try those\n")


def test_help_imports_neither_jax_nor_rdkit():
    code = (
        "import sys; from cli.main import main\n"
        "sys.argv = ['pes-explore', 'run', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit(len({'jax', 'rdkit'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "x.sqlite"), "x.sqlite: Permission denied. Check the path"),
        (OSError(28, "No space left on device"), "No space left on device. Check the path"),
        (MemoryError(), "the memory does not suffice"),
    ],
)
def test_errors_of_the_system_are_one_line(pes_explore, monkeypatch, tmp_path, error, line):
    def broken(path):
        raise error

    monkeypatch.setattr("explorer.store.read.read_run", broken)
    code, out, err = pes_explore("info", tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith(f"pes-explore: {line}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("-V",), ("--version",)])
def test_the_version_has_a_short_option(pes_explore, arguments):
    code, out, _ = pes_explore(*arguments)
    assert (code, out.split()[0]) == (0, "pes-explore")


@pytest.mark.parametrize("command", ["", "run", "label", "export", "model", "model import", "bench start"])
def test_help_has_a_short_option_and_shows_flags_without_a_type(pes_explore, command):
    code, out, _ = pes_explore(*command.split(), "-h")
    assert code == 0
    assert "--help" in out
    assert "<bool>" not in out
    assert "BOOLEAN" not in out
