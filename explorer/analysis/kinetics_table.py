"""Exchange between two sets of minima as rows of a table, with times in words."""

from math import log

from explorer.analysis.kinetics import Direction, Interconversion
from explorer.analysis.run_analysis import RunAnalysis
from explorer.landscape.fastest import FastestPath
from explorer.wording import counted, time_in_words


def exchange_rows(analysis: RunAnalysis, result: Interconversion) -> list[tuple[str, str]]:
    """Return the rows of name and value of an exchange.

    Args:
        analysis: The analysed run.
        result: Interconversion from `kinetics.exchange`.
    """
    rows = [("temperature", f"{result.temperature:g} K"), ("free energies", result.method)]
    populations = result.populations or (None, None)
    for name, ids, population in (("A", result.sources, populations[0]), ("B", result.targets, populations[1])):
        share = "" if population is None else f", population {100 * population:.3g} %"
        rows.append((name, f"{counted(len(ids), 'minimum', 'minima')}{share}"))
    rows += _direction("A to B", result.forward) + _direction("B to A", result.backward)
    if result.forward.rate is not None and result.backward.rate is not None:
        half_life = log(2) / (result.forward.rate + result.backward.rate)
        rows.append(("half-life of the exchange", f"{half_life:.3g} s ({time_in_words(half_life)})"))
    for number, path in enumerate(result.paths):
        rows.append((f"path {number + 1}", path_text(analysis, path, result.heights)))
    if result.limiting_saddle is not None:
        rows.append(("limiting saddle", str(result.limiting_saddle)))
        shares = ", ".join(f"{s} ({100 * share:.0f} %)" for s, share in result.controlling)
        rows.append(("saddles that control the rate", shares))
    return rows


def path_text(analysis: RunAnalysis, path: FastestPath, heights: dict[int, float]) -> str:
    """Return a path as text: minima, and between them saddles with their energy.

    Args:
        analysis: The analysed run.
        path: The path.
        heights: Energy of its saddles by id, eV.
    """
    text = str(path.minima[0])
    for saddle, minimum in zip(path.saddles, path.minima[1:], strict=True):
        text += f" - [saddle {saddle}, {float(analysis.relative(heights[saddle])):.2f} kcal/mol] - {minimum}"
    return text


def _direction(name: str, one: Direction) -> list[tuple[str, str]]:
    if one.rate is None or one.mean_time is None:
        limit = "not known" if one.rate_at_least is None else f"at least {one.rate_at_least:.3g} 1/s"
        return [(f"rate constant {name}", limit)]
    rate = f"{one.rate:.3g} 1/s"
    if one.rate_at_least is not None and one.rate_at_least > 1.01 * one.rate:
        rate += f"; with upper bounds of barriers at least {one.rate_at_least:.3g} 1/s"
    return [
        (f"rate constant {name}", rate),
        (f"mean first-passage time {name}", f"{one.mean_time:.3g} s ({time_in_words(one.mean_time)})"),
    ]
