"""The map of the code: who may import whom, which folders never import JAX, sizes, and names that mean one thing."""

import ast
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from cli.main import app

ROOT = Path(__file__).resolve().parent.parent
LONGEST, SMELL = 400, 250  # lines

# Each folder (or module at the root of `explorer`) may import those above it, and itself.
LAYERS = (
    {"units", "errors", "sizes", "arrays", "wording", "time_limit"},
    {"records", "statistics", "resources", "files"},
    {
        "config",
        "config_ranges",
        "config_file",
        "overrides",
        "devices",
        "compilation",
        "stored_programs",
        "tree_structure",
    },
    {"system", "io"},
    {"potential", "topology"},
    {"similarity", "dynamics", "relaxation"},
    {"vibrations"},
    {"landscape"},
    {"store", "strategy"},
    {"dataset"},
    {"train", "comparison"},
    {"evaluate"},
    {"uncertainty"},
    {"hopping", "saddles", "analysis"},
    {"report"},
    {"workflows", "distributed"},
    {"active_learning", "bench", "api", "stored_run", "loaded_potential"},
)
# These never import JAX, so that a report, an export or a scheduler starts at once anywhere. Of some folders only
# single modules belong here.
HOST = {
    "units", "errors", "sizes", "wording", "time_limit", "records", "statistics", "resources", "files", "config",
    "config_file", "config_ranges", "overrides", "io", "topology", "similarity", "landscape", "store", "strategy",
    "comparison", "analysis", "report", "api", "stored_run", "loaded_potential", "vibrations.modes",
    "vibrations.thermochemistry", "dataset.dataset", "workflows.session", "workflows.outputs", "workflows.merge",
}  # fmt: skip
# Functions that every benchmark has under one name, and the entry point of a script.
INTERFACE = {"measure", "rows", "cells", "line", "write", "draw", "main", "summarise"}
INHERITED = {"setup", "calculate", "find_class"}  # methods of foreign base classes that a subclass fills in
MODULES = sorted(path for folder in ("explorer", "cli") for path in (ROOT / folder).rglob("*.py"))
FOLDERS = sorted(path.parent for path in (ROOT / "explorer").glob("*/__init__.py"))


def name_of(path: Path) -> str:
    """`explorer/io/read.py` is `explorer.io.read`, a package's __init__ is the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}
EXPLORER = [path for path in MODULES if name_of(path).startswith("explorer.")]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Modules of this project that a file imports anywhere in it, inside functions too."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not _only_for_types(node, path):
            assert node.level == 0, f"{path}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else str(node.module) for name in names}
    return frozenset(name for name in found if name.split(".")[0] in ("explorer", "cli"))


def _only_for_types(node: ast.AST, path: Path) -> bool:
    return any(
        isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING" and node in ast.walk(block)
        for block in ast.walk(tree_of(path))
    )


def folder_of(module: str) -> str:
    """`explorer.io.read` lies in `io`; a module at the root of `explorer` stands for itself."""
    return module.removeprefix("explorer.").split(".")[0]


def layer_of(module: str) -> int:
    """Number of the layer of a module of `explorer`."""
    (number,) = (n for n, layer in enumerate(LAYERS) if folder_of(module) in layer)
    return number


@pytest.mark.parametrize("path", EXPLORER, ids=name_of)
def test_imports_point_one_way(path):
    module = name_of(path)
    for imported in imports_of(path):
        assert not imported.startswith("cli"), f"{module} imports {imported}: the library must not use the command line"
        if imported != "explorer":
            assert layer_of(imported) <= layer_of(module), f"{module} imports {imported}, which lies above it"


def test_folders_of_a_layer_do_not_import_each_other_in_circles():
    edges = {(folder_of(name_of(path)), folder_of(imported)) for path in EXPLORER for imported in imports_of(path)}
    edges = {(a, b) for a, b in edges if a != b and "explorer" not in (a, b)}
    for layer in LAYERS:
        rest = {a for a, _ in edges} & layer
        inner = {(a, b) for a, b in edges if a in layer and b in layer}
        while free := {a for a in rest if not any(x == a and y in rest for x, y in inner)}:
            rest -= free
        assert not rest, f"these import each other in a circle: {sorted(rest)}"


def test_host_modules_never_import_jax():
    inside = {name: name.removeprefix("explorer.") for name in NAMES if name.startswith("explorer.")}
    modules = sorted(name for name, part in inside.items() if part in HOST or part.split(".")[0] in HOST)
    assert len(modules) > 100
    code = (
        "import importlib, sys\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'jax' not in sys.modules, f'{name} imports jax'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_module_is_too_long():
    assert max(len(path.read_text().splitlines()) for path in MODULES) <= LONGEST
    long = {name_of(path): n for path in MODULES if (n := _n_code_lines(path)) > SMELL}
    assert not long, f"more than {SMELL} lines of code are a smell: {long}"


def _n_code_lines(path: Path) -> int:
    """Lines without docstrings, comments and blank lines."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    skipped = {
        line
        for node in ast.walk(tree_of(path))
        if isinstance(node, documented) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    lines = enumerate(path.read_text().splitlines(), start=1)
    return sum(bool(text.strip()) and not text.strip().startswith("#") for k, text in lines if k not in skipped)


def test_commands_stay_thin():
    for command in app.registered_commands:
        path = ROOT / "cli" / f"{command.name}.py"
        statements = sum(isinstance(node, ast.stmt) for node in ast.walk(tree_of(path)))
        assert statements <= 60, f"{path.name}: a command only passes on; move the work to explorer/workflows"


def test_nothing_is_nested_deeper_than_a_folder():
    assert all(len(path.relative_to(ROOT).parts) <= 3 for path in MODULES)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_folder_says_what_it_is(folder):
    docstring = ast.get_docstring(tree_of(folder / "__init__.py")) or ""
    assert docstring.endswith("."), f"{folder.name}/__init__.py has no sentence that says what the folder is"


@pytest.mark.parametrize("path", [path for path in MODULES if path.name != "__init__.py"], ids=name_of)
def test_public_things_are_documented(path):
    tree = tree_of(path)
    things = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and not _is_overload(node)]
    public = [one for one in things if isinstance(one, ast.ClassDef) and not one.name.startswith("_")]
    things += [node for one in public for node in one.body if isinstance(node, ast.FunctionDef)]
    bare = [one.name for one in things if not one.name.startswith("_") and not ast.get_docstring(one)]
    assert ast.get_docstring(tree), "no docstring of the module"
    # what overrides a documented method of a base class may go without
    assert not [name for name in bare if name not in INHERITED], bare


def _is_overload(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(ast.unparse(one) == "overload" for one in node.decorator_list)


def _public_names(path: Path) -> set[str]:
    names = set()
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")} - INTERFACE


def test_no_public_name_has_two_meanings():
    places = defaultdict(list)
    for path in EXPLORER:
        if path.name == "api.py":  # its functions are those of the library, for notebooks
            continue
        for name in _public_names(path):
            places[name].append(name_of(path))
    assert not {name: where for name, where in places.items() if len(where) > 1}


def test_tests_mirror_the_tree_both_ways():
    library = {path.name for path in FOLDERS}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.glob("test_*.py"))}
    assert folders - library == {"cli", "docs", "golden", "studies"}
    assert library - folders == {"records"}, "a folder without tests; records are tested by the store that keeps them"


def test_every_module_is_tested_directly_or_through_modules_that_use_it():
    tested = set().union(*(imports_of(path) for path in (ROOT / "tests").rglob("*.py")))
    tested |= {name_of(path) for path in MODULES if name_of(path).startswith("cli")}  # commands run in tests/cli
    tested |= {"explorer.api", "explorer.potential.ase_adapter"}  # by names that are resolved when they are used
    for _ in range(2):  # a step of a training or of a learning round is tested with the whole
        tested |= set().union(*(imports_of(path) for path in MODULES if name_of(path) in tested))
    missing = {name_of(path) for path in EXPLORER if path.name != "__init__.py"} - tested
    assert not missing, sorted(missing)
