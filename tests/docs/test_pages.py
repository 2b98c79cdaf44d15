"""Pages name only what exists: files, constants, other pages and their headings."""

import pkgutil
import re
from pathlib import Path

import pytest

import explorer

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FOLDERS = "explorer|cli|tests|docs|data|reports"


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS))


def anchors_of(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return slugs | set(described_names(text))


def described_names(text: str) -> list[str]:
    """Names whose docstrings a page contains."""
    return re.findall(r"^::: (\S+)$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{FOLDERS})/[\w./\-*]+)`", text)
    named += [f"explorer/{path}" for path in re.findall(r"`(\w+/\w+\.py)`", text) if not re.match(FOLDERS, path)]
    missing = [path for path in named if not list(ROOT.glob(path.rstrip("/"))) and "NAME" not in path]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_constants_that_are_named_exist(page):
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"`([A-Za-z_]+)` in `((?:explorer|cli)/[\w/]+\.py)`", text)
    assert [f"{name} in {path}" for name, path in found if name not in (ROOT / path).read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_pages_and_headings(page):
    broken = []
    without_code = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code):
        path, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists() or (anchor and goal.suffix == ".md" and anchor not in anchors_of(goal)):
            broken.append(target)
    assert broken == []


def test_python_names_that_are_described_exist():
    names = described_names((DOCS / "reference" / "python_api.md").read_text(encoding="utf-8"))
    assert len(names) > 10
    assert [name for name in names if pkgutil.resolve_name(name).__doc__ is None] == []


def test_the_public_interface_is_described_whole():
    names = described_names((DOCS / "reference" / "python_api.md").read_text(encoding="utf-8"))
    assert set(explorer.__all__) - {name.rpartition(".")[2] for name in names} == set()


def test_map_names_every_folder():
    text = (DOCS / "developer" / "map.md").read_text(encoding="utf-8")
    table = text[text.index("| folder of `explorer`") :].split("\n\n")[0]
    listed = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert listed == {path.parent.name for path in (ROOT / "explorer").glob("*/__init__.py")}


def test_files_of_the_walk_through_a_run_exist():
    text = (DOCS / "developer" / "map.md").read_text(encoding="utf-8")
    block = text[text.index("## A run, from the command") :].split("```")[1]
    paths = re.findall(r"\w+/\w+\.py", block)
    assert len(paths) > 15
    assert [path for path in paths if not any((ROOT / top / path).is_file() for top in (".", "explorer"))] == []


def test_navigation_has_every_page():
    listed = set(re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == {name_of(page) for page in PAGES}
