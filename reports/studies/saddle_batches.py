"""Measure how the number of simultaneous refinements and descents changes the cost of transition states.

    pes-explore run ac-ala3-nhme --out RUN
    pes-explore connect RUN --time-limit 10
    python reports/studies/saddle_batches.py RUN --batches 1 4 16 64 --attempts 64 --out FILE.json

The first attempts of the run for different pairs of minima are repeated as one round, with each batch size. They know
the minima that the search had found, and no saddle. Before the round, each batch size makes the first eight attempts,
which do not count, so that no program is compiled in the round. A batch of more than one row is split over all cores;
one row occupies one core. Vibrations, the paths between minima and estimates of the uncertainty have batches of their
own, which are not changed. Their time is in `seconds`, but not in the seconds of refinements and descents.

A force call of refinements and descents is one energy with its forces. The products of Hessians that test saddles are
counted apart.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from explorer.devices import configure_jax, padded_batch_size
from explorer.files import write_json
from explorer.records.run import RunRecord
from explorer.records.structure_class import FLIPPED_AMIDES
from explorer.records.transition_states import AttemptKind, ConnectRound
from explorer.saddles.climb import Climber
from explorer.saddles.connect import classes_of_ends
from explorer.saddles.pairs import Plan
from explorer.saddles.saddle_search import SaddleSearch
from explorer.saddles.work_limit import WorkLimit
from explorer.workflows.criteria import criteria_for
from explorer.workflows.session import Session

WARM_UP = 8  # attempts that compile the programs of a batch size


class Clock:
    """Seconds spent in parts of the work."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, name: str, part: Callable) -> Callable:
        """Return a function that counts its time.

        Args:
            name: Name of the part.
            part: The function.
        """

        def counted(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return part(*arguments, **named)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

        return counted


class TimedSearch(SaddleSearch):
    """Search for saddles that tells the time of its parts."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.clock = Clock()
        for name, part in (("refinements", "_refined"), ("tests", "_test"), ("descents", "_descend")):
            setattr(self, part, self.clock.timed(name, getattr(self, part)))


def before_connection(record: RunRecord) -> RunRecord:
    """Return a run as it was before its search for transition states.

    Args:
        record: The run.
    """
    minima = tuple(m for m in record.minima if m.attempt is None)
    return replace(record, minima=minima, transition_states=(), saddle_attempts=())


def first_pairs(record: RunRecord, n_attempts: int, n_minima: int) -> list[Plan]:
    """Return the first attempts for different pairs of minima.

    Args:
        record: The run.
        n_attempts: Number of attempts.
        n_minima: Number of minima that are known.
    """
    pairs = [a for a in record.saddle_attempts if a.kind == AttemptKind.PAIR and a.try_number == 0]
    known = [a for a in pairs if a.end is not None and max(a.start, a.end) < n_minima]
    return [Plan(a.kind, a.reason_for, a.start, a.end, a.try_number) for a in known[:n_attempts]]


def searched(session: Session, record: RunRecord, batch: int) -> TimedSearch:
    """Return a new search of a run, set up as `connect` does.

    Args:
        session: The run.
        record: The run as it was before.
        batch: Number of simultaneous refinements and descents.
    """
    settings, potential = replace(session.settings, precision="float64"), session.potential("float64")
    allowed = classes_of_ends(record, settings)
    climber = Climber(record.molecule, settings.seed, not allowed.isdisjoint(FLIPPED_AMIDES))
    criteria = criteria_for(session.model, potential, record.molecule, settings)
    return TimedSearch(record, potential, settings, climber, allowed, criteria, batch)


def result(round: ConnectRound, batch: int, seconds: float, of_parts: dict[str, float]) -> dict:
    """Return time and cost of one round.

    Args:
        round: The round.
        batch: Number of simultaneous refinements and descents.
        seconds: Its wall time.
        of_parts: Wall time of its parts.
    """
    calls, saddles = sum(a.n_evaluations for a in round.attempts), len(round.transition_states)
    iterative = of_parts.get("refinements", 0.0) + of_parts.get("descents", 0.0)
    return {
        "batch": batch,
        "rows": padded_batch_size(batch),
        "seconds": seconds,
        "seconds_of_parts": of_parts,
        "force_calls": calls,
        "hessian_products": sum(a.n_products for a in round.attempts),
        "certified_saddles": saddles,
        "seconds_per_saddle": seconds / max(saddles, 1),
        "seconds_per_saddle_of_refinements_and_descents": iterative / max(saddles, 1),
        "force_calls_per_saddle": calls / max(saddles, 1),
        "ms_per_force_call": 1e3 * iterative / calls,
    }


def main() -> None:
    """Repeat the attempts with each batch size, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run with transition states")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16, 64], help="batch sizes (1 4 16 64)")
    parser.add_argument("--attempts", type=int, default=64, help="number of attempts (64)")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()
    configure_jax()
    session = Session.open(options.run)
    record = before_connection(session.record)
    plans = first_pairs(session.record, options.attempts, len(record.minima))
    provenance = {k: record.provenance.get(k, "") for k in ("potential", "potential_digest")}
    named = {"molecule": record.molecule.name, "n_atoms": record.molecule.n_atoms} | provenance
    machine = {"backend": jax.default_backend(), "devices": len(jax.devices()), "load_before": os.getloadavg()[0]}
    results: list[dict] = []
    for batch in options.batches:
        for chosen in (plans[:WARM_UP], plans):
            search, began = searched(session, record, batch), time.perf_counter()
            round = search.attempt(record, chosen, 0, float("inf"), WorkLimit())
            seconds = time.perf_counter() - began
        results.append(result(round, batch, seconds, search.clock.seconds))
        print(results[-1], flush=True)
        summary = named | machine | {"attempts": len(plans), "minima": len(record.minima), "batches": results}
        write_json(summary, options.out)


if __name__ == "__main__":
    main()
