"""Certification of all stored minima of a run by the whole Hessian and by few Hessian-vector products.

python reports/studies/certify.py runs/ac-ala3-nhme --out reports/bench/certify.json
"""

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np

from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.records.certificates import StationaryPointType
from explorer.vibrations.certifier import SOFTEST_MINIMUM, Certifier
from explorer.workflows.certify import certifier_of
from explorer.workflows.session import Session


def measure(run: Path) -> dict:
    """Return types of stationary points from whole Hessians, and error and cost of the method with few products.

    Args:
        run: Folder of the run.
    """
    session = Session.open(run)
    record, certifier = session.record, certifier_of(session)
    whole = np.ones(len(record.minima), bool)
    certificates, saddles = certifier.certify(record.minima, whole)
    tested = [c for c in certificates if c.point_type != StationaryPointType.NOT_CERTIFIED]
    exact = np.array([c.lowest_wavenumber for c in tested])
    softest, seconds = _softest(certifier, np.array([record.minima[c.minimum].positions for c in tested]))
    by_products = np.array([spectrum.lowest for spectrum in softest])
    products = [spectrum.n_products for spectrum in softest]
    verdicts = Counter(str(c.point_type) for c in certificates)
    return {
        "run": record.molecule.name,
        "n_atoms": record.molecule.n_atoms,
        "n_stored": len(certificates),
        "verdicts": {str(verdict): verdicts[str(verdict)] for verdict in StationaryPointType},
        "reasons": dict(Counter(c.reason for c in certificates if c.reason)),
        "n_ends_not_in_the_run": sum(end.minimum is None for saddle in saddles for end in saddle.ends),
        "softest_wavenumber_per_cm": {
            "smallest": float(exact.min()),
            "median": float(np.median(exact)),
            "n_below_20": int((exact < 20).sum()),
        },
        "products_per_minimum": {
            "whole": 3 * record.molecule.n_atoms,
            "softest_mean": float(np.mean(products)),
            "softest_largest": int(max(products)),
        },
        "largest_error_of_softest_percent": float(100 * np.abs(by_products / exact - 1).max()),
        "n_other_verdicts_by_few_products": int(((by_products < SOFTEST_MINIMUM) != (exact < SOFTEST_MINIMUM)).sum()),
        "seconds_per_minimum_softest": seconds / len(tested),
    }


def _softest(certifier: Certifier, positions: np.ndarray) -> tuple[list, float]:
    """Return the softest vibrations of relaxed structures, and the seconds of a second call without compilation."""
    relaxed = np.asarray(certifier.relax(positions).positions)
    none = np.zeros(len(relaxed), bool)
    spectra = certifier.spectrometer.measure(relaxed, none)
    start = time.perf_counter()
    certifier.spectrometer.measure(relaxed, none)
    return spectra, time.perf_counter() - start


def main() -> None:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    configure_jax()
    result = measure(arguments.run)
    print(write_json(result, arguments.out).read_text(), end="")


if __name__ == "__main__":
    main()
