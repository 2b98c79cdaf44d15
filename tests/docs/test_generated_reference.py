"""The reference pages agree with the program: they are generated from it, and committed."""

import importlib.util
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

from cli.main import app

DOCS = Path(__file__).resolve().parents[2] / "docs"


def load_script(name: str) -> ModuleType:
    """Import `docs/NAME.py`; the folder is not a package."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load_script("generate_reference")


@pytest.mark.parametrize("name", reference.PAGES)
def test_committed_page_is_what_the_script_generates(name):
    committed = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert committed == reference.PAGES[name](), "run python docs/generate_reference.py"


@pytest.mark.parametrize(
    "settings",
    [
        *(value for _, value in reference._defaults(reference.Settings()) if hasattr(value, "__dataclass_fields__")),
        *reference.load_training_config(None, {}),
        reference.LearnSettings(),
        reference.Sampling(),
    ],
    ids=lambda settings: type(settings).__name__,
)
def test_every_setting_is_described(settings):
    described = reference.described(settings)
    assert [field.name for field in fields(settings) if not described.get(field.name)] == []


def test_imports_are_drawn_as_they_are():
    figures = load_script("draw_figures")
    committed = (DOCS / "images" / "imports.svg").read_text(encoding="utf-8")
    assert committed == figures.imports_figure(), "run python docs/draw_figures.py"


def test_every_command_has_a_section():
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    names = {command.name for command in app.registered_commands} | {"model import", "bench search"}
    assert [name for name in sorted(names) if f"\n## `pes-explore {name}`\n" not in page] == []
