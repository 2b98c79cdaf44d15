"""Draw the figures of the documentation as small SVG files.

`python docs/draw_figures.py` renews `docs/images`. `imports.svg` follows from the import statements of the library, and
`proposal_ranking.svg` from the acquisition function itself; `tests/docs` fails when `imports.svg` is out of date.
"""

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path

import networkx as nx
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
FONT = 'font-family="Helvetica, Arial, sans-serif"'
GREY, DARK, RED = "#b8b8b8", "#333333", "#d55e00"
PHASES = {"soften": "#e69f00", "dynamics": "#56b4e9", "relax": "#009e73"}

DEVICE_PACKAGES = {"jax", "flax", "optax", "e3x"}


def svg(width: int, height: int, parts: Iterable[str], title: str) -> str:
    """Return an SVG document on a white ground."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    ground = f'<title>{title}</title><rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


def text(x: float, y: float, words: str, size: int = 13, anchor: str = "start", colour: str = DARK) -> str:
    """Return a line of text."""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" {FONT}>{words}</text>'


def box(x: float, y: float, width: float, height: float, fill: str, stroke: str = "white", corner: float = 0) -> str:
    """Return a rectangle."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {place} rx="{corner:g}" fill="{fill}" stroke="{stroke}"/>'


def tick_figure() -> str:
    """Return the picture of one round: slots of the batch, each in its own phase, one force call per tick."""
    # walker and phase of each tick, by slot
    slots = (
        [(0, "soften")] * 5 + [(0, "dynamics")] * 7 + [(0, "relax")] * 4,
        [(1, "relax")] * 9 + [(5, "relax")] * 7,
        [(2, "dynamics")] * 3 + [(2, "relax")] * 11 + [(6, "soften")] * 2,
        [(3, "relax")] * 6 + [(7, "soften")] * 8 + [(7, "relax")] * 2,
    )
    left, top, width, height = 92, 64, 36, 34
    parts = [text(left, 26, "One round: 16 ticks. One tick is one batched force call, one for each slot.", 15)]
    for tick in range(16):
        parts.append(text(left + (tick + 0.5) * width, top - 8, str(tick + 1), 11, "middle", "#777777"))
    for row, phases in enumerate(slots):
        y = top + row * (height + 8)
        parts.append(text(left - 10, y + 22, f"slot {row}", 13, "end"))
        previous = None
        for tick, (walker, phase) in enumerate(phases):
            x = left + tick * width
            parts.append(box(x, y, width, height, PHASES[phase]))
            if walker != previous:
                parts.append(text(x + 5, y + 22, f"w{walker}", 12))
                if previous is not None:
                    parts.append(f'<path d="M{x:g} {y - 3:g} v{height + 6:g}" stroke="{DARK}" stroke-width="2.5"/>')
            previous = walker
    y = top + 4 * (height + 8) + 16
    for k, (phase, words) in enumerate((("soften", "softening"), ("dynamics", "dynamics"), ("relax", "relaxation"))):
        parts += [box(left + k * 130, y, 16, 16, PHASES[phase]), text(left + k * 130 + 22, y + 13, words)]
    parts.append(f'<path d="M{left + 397:g} {y - 1:g} v18" stroke="{DARK}" stroke-width="2.5"/>')
    parts.append(text(left + 408, y + 13, "hop done: the slot takes up its other walker"))
    return svg(790, y + 34, parts, "A round of the search: walkers in their phases, one force call each per tick")


def ranking_figure() -> str:
    """Return the picture of how proposals of a jump are ranked, for two torsions and a few known minima."""
    from explorer.strategy.acquisition import AcquisitionFunction

    minima = np.array([[-75.0, 70.0], [-155.0, 160.0], [60.0, -60.0], [-70.0, -45.0]])
    energies = np.array([0.0, 0.05, 0.25, 0.12])  # eV
    starts = np.array([[-20.0, 110.0], [-120.0, 20.0], [100.0, -120.0], [-160.0, -150.0], [40.0, 60.0], [-60.0, 150.0]])
    ends = np.array([0.0, 0.05, 0.25, 0.05, 0.25, 0.0])
    acquisition = AcquisitionFunction(4)
    acquisition.add_minima(_features(minima), energies)
    acquisition.add_starts(_features(starts), ends)
    centres = np.arange(-172.5, 180, 15)
    grid = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 2)
    nowhere = np.empty((0, 4), np.float32)
    # torsions of one bond alone hardly differ: for the picture each counts as four of them
    new = np.exp(acquisition.log_probability(nowhere, False)(_features(grid)))
    both = np.exp(acquisition.log_probability(nowhere, True)(_features(grid)))
    side, top, cell = 216, 62, 9
    parts = [text(20, 24, "Ranking of proposals: probability of something new times probability of something low", 15)]
    for k, (values, title) in enumerate(((new, "new"), (both / new, "low"), (both, "new and low"))):
        left = 20 + k * (side + 26)
        parts.append(text(left + side / 2, top - 10, title, 13, "middle"))
        levels = np.minimum((values / values.max() * 6).astype(int), 5)
        for level in range(6):
            places = grid[levels == level]
            path = " ".join(
                f"M{left + (x + 172.5) / 15 * cell:g} {top + (172.5 - y) / 15 * cell:g}h{cell}v{cell}h-{cell}z"
                for x, y in places
            )
            shade = 255 - 34 * level
            parts.append(f'<path d="{path}" fill="rgb({shade},{min(255, shade + 20)},{min(255, shade + 14)})"/>')
        for marks, drawn in ((starts, "start"), (minima, "minimum")):
            for x, y in marks:
                parts.append(_mark(left + (x + 180) / 15 * cell, top + (180 - y) / 15 * cell, drawn))
        parts.append(f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="{DARK}"/>')
    y = top + side + 24
    parts += [_mark(28, y - 4, "minimum"), text(40, y, "known minimum"), _mark(168, y - 4, "start")]
    parts += [
        text(180, y, "where an earlier relaxation began"),
        text(430, y, "dark: promising; axes: two torsions, ±180°"),
    ]
    return svg(748, y + 18, parts, "Ranking of proposals by the acquisition function")


def _features(torsions: np.ndarray) -> np.ndarray:
    phases = np.radians(torsions)
    return np.concatenate([np.cos(phases), np.sin(phases)], axis=-1).astype(np.float32)


def _mark(x: float, y: float, drawn: str) -> str:
    if drawn == "minimum":
        return f'<circle cx="{x:g}" cy="{y:g}" r="5" fill="{RED}" stroke="white"/>'
    return f'<path d="M{x - 4:g} {y - 4:g}l8 8m0 -8l-8 8" stroke="{DARK}" stroke-width="1.6"/>'


def modules() -> dict[str, ast.Module]:
    """Return the syntax tree of every module of the library and of the command line by its name."""
    paths = [path for folder in ("explorer", "cli") for path in (ROOT / folder).rglob("*.py")]
    return {_module(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def folder_imports(trees: dict[str, ast.Module]) -> nx.DiGraph:
    """Return the folders as nodes and an edge from each folder to every folder that it imports.

    Modules at the root of the library, such as `config`, are left out: nearly all folders import them.
    """
    names = {name for name in trees if _folder(name)}
    graph = nx.DiGraph()
    graph.add_nodes_from(_folder(name) for name in names)
    for name in names:
        imported = {_folder(one) for one in _imports(trees[name].body, trees, True) if _folder(one)}
        graph.add_edges_from((_folder(name), one) for one in imported - {_folder(name)})
    return graph


def folders_with_jax(trees: dict[str, ast.Module]) -> set[str]:
    """Return the folders of which at least one module loads JAX when it is imported."""
    graph = nx.DiGraph((name, one) for name in trees for one in _imports(trees[name].body, trees, False))
    sources = [name for name in DEVICE_PACKAGES if name in graph]
    return {_folder(one) for source in sources for one in nx.ancestors(graph, source)} - {""}


def _imports(body: Sequence[ast.stmt], trees: dict[str, ast.Module], everywhere: bool) -> set[str]:
    """Modules and packages that are imported at the top of a module, or anywhere in it."""
    found: set[str] = set()
    nodes = [node for statement in body for node in ast.walk(statement)] if everywhere else body
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in trees else str(node.module) for name in whole}
    return {name if name in trees else name.split(".")[0] for name in found}


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _folder(module: str) -> str:
    """The folder of a module; empty for modules at the root of the library and for other packages."""
    first, *rest = module.split(".")
    if first == "cli":
        return "cli"
    is_folder = first == "explorer" and rest and (ROOT / first / rest[0]).is_dir()
    return rest[0] if is_folder else ""


def imports_figure() -> str:
    """Return the picture of the folders and the imports between them, without those that follow from others."""
    trees = modules()
    graph = folder_imports(trees)
    with_jax, arrows = folders_with_jax(trees), nx.transitive_reduction(graph)
    rank: dict[str, int] = {}
    for name in reversed(list(nx.lexicographical_topological_sort(graph))):
        rank[name] = 1 + max((rank[one] for one in graph.successors(name)), default=-1)
    width, box_width, box_height, step, top = 760, 124, 32, 66, 54
    places: dict[str, tuple[float, float]] = {}
    for row in range(max(rank.values()) + 1):
        names = sorted(name for name in rank if rank[name] == row)
        names.sort(key=lambda name: np.mean([places[one][0] for one in arrows.successors(name)] or [width / 2]))
        y = top + (max(rank.values()) - row) * step
        places |= {name: (width / len(names) * (k + 0.5), y) for k, name in enumerate(names)}
    parts = [text(20, 26, "Folders and their imports; an arrow points to what is imported", 15)]
    for a, b in sorted(arrows.edges):
        parts.append(_arrow(places[a][0], places[a][1] + box_height, places[b][0], places[b][1], GREY))
    for name, (x, y) in sorted(places.items()):
        fill = "#e6e6e6" if name == "cli" else "#fbe6c8" if name in with_jax else "#d9efe7"
        parts += [box(x - box_width / 2, y, box_width, box_height, fill, DARK, 6), text(x, y + 21, name, 13, "middle")]
    y = top + (max(rank.values()) + 1) * step - 8
    for k, (fill, words) in enumerate((("#d9efe7", "never loads JAX"), ("#fbe6c8", "loads JAX, at least in part"))):
        parts += [box(20 + 150 * k, y, 16, 16, fill, DARK, 3), text(42 + 150 * k, y + 13, words)]
    parts.append(text(390, y + 13, "Imports that follow from other arrows are not drawn."))
    return svg(width, y + 30, parts, "Folders of the library and their imports")


def _arrow(x0: float, y0: float, x1: float, y1: float, colour: str) -> str:
    bend = (y1 - y0) * 0.45
    curve = f"M{x0:g} {y0:g}C{x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1 - 5:g}"
    tip = f'<path d="M{x1 - 4:g} {y1 - 8:g}h8l-4 8z" fill="{colour}"/>'
    return f'<path d="{curve}" stroke="{colour}" fill="none"/>{tip}'


FIGURES = {"tick.svg": tick_figure, "proposal_ranking.svg": ranking_figure, "imports.svg": imports_figure}


def main(names: Sequence[str] = tuple(FIGURES)) -> None:
    """Write the figures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in names:
        (IMAGES / name).write_text(FIGURES[name](), encoding="utf-8")
        print(IMAGES / name)


if __name__ == "__main__":
    main()
