"""Fastest paths as energy profiles, and profiles as rows of a table."""

from explorer.analysis.kinetics import exchange
from explorer.analysis.profile import PointKind, Profile, profile_of
from explorer.analysis.run_analysis import RunAnalysis
from explorer.units import KCAL_PER_MOL


def fastest_profiles(analysis: RunAnalysis, starts: list[int], ends: list[int], k: int) -> list[Profile]:
    """Return the profiles of the fastest paths over certified saddles, the fastest first.

    Args:
        analysis: The analysed run.
        starts: Ids of the minima in which they start.
        ends: Ids of the minima in which they end.
        k: Number of paths.

    Raises:
        InputError: When a minimum is among both.
    """
    model = analysis.kinetics
    result = exchange(model, starts, ends, k)
    states = analysis.run.transition_states
    profiles = []
    for number, path in enumerate(result.paths):
        heights = tuple(states[s].energy for s in path.saddles)
        remark = (
            f"Path {number + 1}: taken without a step back with probability {_probability(path.log_probability)}; "
            f"limited by saddle {path.limiting_saddle}."
        )
        profiles.append(profile_of(analysis, path.minima, path.saddles, heights, [remark]))
    return profiles


def _probability(log: float) -> str:
    return f"10^{log / 2.302585:.1f}" if log < -7 else f"{2.718281828**log:.2g}"


def profile_rows(analysis: RunAnalysis, profile: Profile) -> list[tuple[str, str, str]]:
    """Return the rows of a profile: step, structure, energy (kcal/mol).

    Args:
        analysis: The analysed run.
        profile: Path between two minima.
    """
    rows = [
        (
            str(k),
            str(point.kind) if point.kind == PointKind.BOUND else f"{point.kind} {point.id}",
            f"{float(analysis.relative(point.energy)):.2f}",
        )
        for k, point in enumerate(profile.points)
    ]
    return [*rows, ("", "barrier from the start", f"{profile.barrier / KCAL_PER_MOL:.2f}")]
