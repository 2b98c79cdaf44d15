"""Measure the yield and cost of the search for transition states in runs, and test each of them by its whole Hessian.

    pes-explore run ac-ala3-nhme --out RUN
    pes-explore connect RUN --time-limit 10
    python reports/studies/saddle_costs.py RUN --out FILE.json

Yield and cost are those of the first attempts for different pairs of minima. A saddle that was known already counts as
a certified one; its cost is less, since its ends are not descended to again. Costs of new ones hold both ends.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.records.run import RunRecord
from explorer.records.transition_states import AttemptKind, AttemptOutcome
from explorer.vibrations.modes import count_imaginary
from explorer.workflows.certify import certifier_of
from explorer.workflows.session import Session


def costs(run: RunRecord, n_pairs: int) -> dict:
    """Return outcomes and force calls of the first attempts for different pairs.

    Args:
        run: The run.
        n_pairs: Number of pairs.
    """
    pairs = [a for a in run.saddle_attempts if a.kind == AttemptKind.PAIR and a.try_number == 0][:n_pairs]
    certified = [a for a in pairs if a.outcome.has_saddle]
    new = [a.n_evaluations for a in certified if a.outcome != AttemptOutcome.KNOWN]
    known = [a.n_evaluations for a in certified if a.outcome == AttemptOutcome.KNOWN]
    every = run.saddle_attempts
    return {
        "pairs": len(pairs),
        "certified": len(certified),
        "outcomes": dict(Counter(str(a.outcome) for a in pairs)),
        "force_calls_per_pair": sum(a.n_evaluations for a in pairs) / max(len(pairs), 1),
        "force_calls_of_new_saddles": {"mean": float(np.mean(new)), "median": float(np.median(new))} if new else None,
        "force_calls_of_known_saddles": float(np.mean(known)) if known else None,
        "all_attempts": len(every),
        "saddles": len(run.transition_states),
        "force_calls_per_saddle_of_all_attempts": sum(a.n_evaluations for a in every)
        / max(len(run.transition_states), 1),
        "saddles_per_minute": 60 * len(run.transition_states) / run.connect_seconds if run.connect_seconds else None,
    }


def tested(session: Session) -> dict:
    """Return how many transition states have another number of imaginary vibrations than one by the whole Hessian.

    Args:
        session: The run.
    """
    states = session.record.transition_states
    spectrometer = certifier_of(session).spectrometer
    spectra = spectrometer.measure(np.array([s.positions for s in states]), np.ones(len(states), bool))
    numbers = Counter(count_imaginary(spectrum.wavenumbers) for spectrum in spectra)
    return {"saddles": len(states), "by_number_of_imaginary_vibrations": {str(k): numbers[k] for k in sorted(numbers)}}


def main() -> None:
    """Measure the runs that are named, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs with transition states")
    parser.add_argument("--pairs", type=int, default=100, help="number of pairs whose attempts count (100)")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()
    configure_jax()
    results = []
    for folder in options.runs:
        session = Session.open(folder)
        potential = {k: session.record.provenance.get(k, "") for k in ("potential", "potential_digest")}
        named = {"molecule": session.record.molecule.name, "n_atoms": session.record.molecule.n_atoms} | potential
        results.append(named | {"costs": costs(session.record, options.pairs), "hessians": tested(session)})
        print(results[-1], flush=True)
        write_json(results, options.out)


if __name__ == "__main__":
    main()
