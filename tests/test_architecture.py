"""The house: who may import whom, which folders never import JAX, and how long a module may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import app

ROOT = Path(__file__).resolve().parent.parent
LONGEST, SMELL = 400, 250  # lines

# Each layer may import the ones above it and itself. A name is a module or a folder of `explorer`, or one
# module of a folder: `devices` and `hopping.history` stand where they are used, not where their folder stands.
LAYERS = (
    {
        "units",
        "errors",
        "classes",
        "certificates",
        "comparisons",
        "properties",
        "moves",
        "doubt",
        "config",
        "settings",
        "records",
        "devices",
        "resources",
        "trajectories",
        "grown",
    },
    {"system", "io"},
    {"potential", "topology", "similarity", "dynamics", "vibrations.modes", "vibrations.thermochemistry"},
    {"relax", "store", "landscape", "budget", "hopping.feedback", "hopping.history", "train.dataset"},
    {"compare"},
    {"hopping", "saddles", "vibrations", "report", "train", "uncertainty"},
    {"run", "assess", "certify", "contrast", "examine", "merge", "stability", "bench", "learn"},
)
HOST = (
    "units",
    "errors",
    "classes",
    "certificates",
    "comparisons",
    "properties",
    "moves",
    "doubt",
    "config",
    "settings",
    "records",
    "resources",
    "trajectories",
    "grown",
    "io",
    "topology",
    "similarity",
    "landscape",
    "budget",
    "compare",
    "store",
    "report",
    "hopping.feedback",
    "hopping.history",
    "merge",
    "train.dataset",
    "vibrations.modes",
    "vibrations.thermochemistry",
)
MODULES = sorted(path for folder in ("explorer", "cli") for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    """`explorer/io/read.py` is `explorer.io.read`, a package's __init__ is the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


def imports_of(path: Path) -> set[str]:
    """Modules of this project that a file imports anywhere in it, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not _only_for_types(node, path):
            assert node.level == 0, f"{path}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in NAMES else str(node.module) for name in names}
    return {name for name in found if name.split(".")[0] in ("explorer", "cli")}


def _only_for_types(node: ast.AST, path: Path) -> bool:
    return any(
        isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING" and node in ast.walk(block)
        for block in ast.walk(ast.parse(path.read_text()))
    )


def key_of(module: str) -> str:
    """`explorer.io.read` is `io`; a module with a place of its own in the table is itself."""
    inside = module.removeprefix("explorer.")
    return inside if _is_listed(inside) else inside.split(".")[0]


def _is_listed(key: str) -> bool:
    return any(key in layer for layer in LAYERS)


def layer_of(module: str) -> int:
    """Number of the layer of a module of `explorer`."""
    (number,) = (n for n, layer in enumerate(LAYERS) if key_of(module) in layer)
    return number


def is_host(module: str) -> bool:
    """Whether a module belongs to the part that never imports JAX."""
    return key_of(module) in HOST


EXPLORER = [path for path in MODULES if name_of(path).startswith("explorer.")]


@pytest.mark.parametrize("path", EXPLORER, ids=name_of)
def test_imports_point_one_way(path):
    module = name_of(path)
    for imported in imports_of(path):
        assert not imported.startswith("cli"), f"{module} imports {imported}: the library knows no command line"
        if imported != "explorer":
            assert layer_of(imported) <= layer_of(module), f"{module} imports {imported}, which stands above it"


def test_folders_of_a_layer_do_not_import_each_other_in_circles():
    edges = {(key_of(name_of(path)), key_of(imported)) for path in EXPLORER for imported in imports_of(path)}
    edges = {(a, b) for a, b in edges if a != b and "explorer" not in (a, b)}
    for layer in LAYERS:
        rest = {a for a, _ in edges} & layer
        inner = {(a, b) for a, b in edges if a in layer and b in layer}
        while free := {a for a in rest if not any(x == a and y in rest for x, y in inner)}:
            rest -= free
        assert not rest, f"these import each other in a circle: {sorted(rest)}"


def test_host_modules_never_import_jax():
    modules = sorted(name for name in NAMES if name.startswith("explorer.") and is_host(name))
    assert len(modules) > 30
    code = (
        "import importlib, sys\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        "    assert 'jax' not in sys.modules, f'{name} imports jax'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_module_is_too_long():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    for name in sorted(lengths, key=lengths.__getitem__, reverse=True):
        if lengths[name] > SMELL:
            print(f"{name}: {lengths[name]} lines, more than {SMELL} are a smell")
    assert max(lengths.values()) <= LONGEST


def test_commands_stay_thin():
    for command in app.registered_commands:
        path = ROOT / "cli" / f"{command.name}.py"
        assert len(path.read_text().splitlines()) <= 80, f"{path.name}: a command is a skin, move the work to explorer"


def test_nothing_is_nested_deeper_than_a_folder():
    assert all(len(path.relative_to(ROOT).parts) <= 3 for path in MODULES)


def test_tests_mirror_the_tree():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.glob("test_*.py"))}
    assert folders - {"cli"} <= {path.name for path in (ROOT / "explorer").iterdir() if path.is_dir()}
