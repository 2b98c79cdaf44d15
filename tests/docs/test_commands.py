"""Commands, options and settings that the pages and the README name exist, and the first tutorial can be followed."""

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import app
from explorer.config import Settings
from explorer.potential.hyperparameters import Hyperparameters
from explorer.records.former_names import SETTINGS as FORMER_SETTINGS
from explorer.records.moves import chosen_moves
from explorer.records.structure_class import allowed_classes
from explorer.train.settings import FitSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TUTORIAL = ROOT / "docs" / "tutorial" / "01_from_pdb_to_trusted_conformers.md"
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROGRAM = get_command(app)
SETTINGS = {field.name: type(getattr(Settings(), field.name)) for field in fields(Settings)} | {
    "fit": FitSettings,
    "model": Hyperparameters,
}
GROUPS = ("hopping", "relax", "identity", "budget", "fit", "model")
SMALL = {"--hops": "12", "--n": "2", "--full": "1"}  # budgets of the tutorial that the test below makes smaller


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


def spans(page: Path) -> list[str]:
    """Code between backticks outside of blocks."""
    return re.findall(r"`([^`\n]+)`", BLOCK.sub("", page.read_text(encoding="utf-8")))


def commands(text: str) -> list[list[str]]:
    """Words of the lines that call the program, continued lines joined."""
    lines = [part.strip() for line in text.replace("\\\n", " ").splitlines() for part in line.split("&&")]
    return [shlex.split(line, comments=True)[1:] for line in lines if re.match(r"\S*pes-explore ", line)]


def command_of(words: list[str]):
    """The command that some words call, and its arguments; None for the program itself."""
    command = PROGRAM
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            return (PROGRAM, words) if command is PROGRAM and words[0].startswith("-") else (None, words)
        command, words = command.commands[words[0]], words[1:]
    return command, words


def options_of(command) -> set[str]:
    inner = getattr(command, "commands", {}).values()
    own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return {"--help", *own}.union(*map(options_of, inner))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_command_lines_parse(page):
    for words in (words for text in blocks(page, "sh") for words in commands(text)):
        command, arguments = command_of(words)
        assert command is not None, f"no command {' '.join(words[:2])}"
        if command is PROGRAM or "--help" in arguments:
            continue
        given = command.make_context(command.name, arguments).params  # an unknown option or value raises
        if given.get("moves"):
            chosen_moves(given["moves"].split(","))
        if given.get("allow") not in (None, "none"):
            allowed_classes(given["allow"].split(","))
        assert given.get("max_uncertainty") in (None, "trusted", "uncertain", "any")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_of_commands_in_the_text_exist(page):
    texts = [*blocks(page, "text"), *spans(page)]
    wrong = []
    for words in (words for text in texts if "pes-explore " in text for words in _safely(text)):
        command, arguments = command_of(words)
        known = options_of(command or PROGRAM)
        wrong += [word for word in arguments if re.match(r"--\w", word) and word.partition("=")[0] not in known]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_options_by_themselves_exist(page):
    known = options_of(PROGRAM)
    scripts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "reports" / "studies").glob("*.py"))
    known |= set(re.findall(r'"(--[\w-]+)"', scripts))
    options = [span.split()[0].partition("=")[0] for span in spans(page) if re.match(r"--[a-z]", span)]
    named = [name for option in options for name in option.split("/")]  # --connect/--no-connect
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_exist(page):
    texts = [text for _, text in BLOCK.findall(page.read_text(encoding="utf-8"))] + spans(page)
    pattern = re.compile(rf"(?<![\w./-])({'|'.join(GROUPS)})\.(\w+)(?![\w/*-])(?!\.\w)")
    named = {match for text in texts for match in pattern.findall(text)}
    others = {"py", "json", "npz", "md", "toml", "svg", "png", "NAME"}  # files, and the name of any setting
    if page.name == "configuration.md":  # it lists former names
        others |= {name.partition(".")[2] for name in FORMER_SETTINGS}
    wrong = [
        f"{group}.{name}"
        for group, name in sorted(named)
        if name not in {field.name for field in fields(SETTINGS[group])} | others
    ]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples_of_configuration_use_existing_keys(page):
    for text in blocks(page, "toml"):
        group = None
        for line in text.splitlines():
            if header := re.match(r"\[(\w+)\]", line):
                group = header[1]
            elif (key := re.match(r"(\w+) *=", line)) and group in GROUPS:
                assert key[1] in {field.name for field in fields(SETTINGS[group])}


@pytest.mark.slow
def test_first_tutorial_can_be_followed(tmp_path):
    (tmp_path / "data").symlink_to(ROOT / "data")
    program = Path(sys.executable).parent / "pes-explore"
    calls = [words for text in blocks(TUTORIAL, "sh") for words in commands(text)]
    assert [words[0] for words in calls][:1] == ["run"]
    for words in calls:
        arguments = list(words)
        for option, value in SMALL.items():
            if option in arguments:
                arguments[arguments.index(option) + 1] = value
        if words[0] == "run" and "--resume" not in words:
            arguments += ["--walkers", "2", "--set", "training_frames=4"]
        subprocess.run([program, *arguments], cwd=tmp_path, check=True, timeout=1800)
    assert (tmp_path / "runs" / "dipeptide" / "index.html").exists()


def _safely(text: str) -> list[list[str]]:
    """Words of command lines of text that need not be valid shell, such as output with an apostrophe."""
    found = []
    for line in text.splitlines():
        try:
            found += commands(line)
        except ValueError:
            continue
    return found
