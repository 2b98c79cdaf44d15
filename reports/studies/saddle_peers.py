"""Compare the force calls that a transition state costs here with those of Sella, geomeTRIC and ASE's NEB.

    pes-explore run ac-ala3-nhme --out RUN
    pes-explore connect RUN --time-limit 10
    pip install sella geometric  # each of them is optional; one that is missing is skipped and named
    python reports/studies/saddle_peers.py RUN --pairs 100 --peer-pairs 20 --neb-pairs 10 --out FILE.json

The pairs of minima are those that the run tried first. Our refinement, Sella and geomeTRIC begin at the same structure,
the highest of seven on our path, and end when no force is above 0.002 eV/Å. The calls for these seven are left out; all
others count, those for Hessians too. NEB begins at the two minima and ends below 0.05 eV/Å. All use the same potential
in float64. What they find is tested by its whole Hessian.
"""

import argparse
import importlib.util
import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.units import Bohr, Hartree
from jaxtyping import Float

from explorer.bench.peers import OPTIONAL_OPTIMISERS, in_own_process, missing_peers
from explorer.files import write_json
from explorer.potential.ase_calculator import ExplorerCalculator
from explorer.records.transition_states import AttemptKind
from explorer.saddles.climb import Climber
from explorer.saddles.known_saddles import KnownSaddles
from explorer.saddles.pairs import Plan
from explorer.saddles.path import N_IMAGES
from explorer.saddles.refine_many import LOOSE_FMAX, refine_many
from explorer.saddles.refine_state import REFINEMENT_TEXT, Refinement
from explorer.saddles.starting_structures import StartMaker
from explorer.saddles.surface import Surface
from explorer.saddles.turns import TurnPlanner
from explorer.similarity.superpose import centred, superpose
from explorer.similarity.symmetry import symmetry_of
from explorer.vibrations.modes import count_imaginary
from explorer.workflows.session import Session

MAX_CALLS, MAX_NEB_CALLS = 500, 3000  # force calls after which an attempt of a peer has failed; not tuned
NEB_FMAX, BEFORE_CLIMB = 0.05, 0.5  # eV/Å, at the end, and when the highest image begins to climb
SLACK = 1.1  # largest real force over the limit, since the climbing or projected force that ends a search differs
Positions = Float[np.ndarray, "N 3"]
AtomsAt = Callable[[Positions], Atoms]


class Case(NamedTuple):
    """A pair of minima: start of a refinement and direction of the path there, Å, both minima, and their energies."""

    start: Positions
    direction: Positions
    ends: tuple[Positions, Positions]
    energies: tuple[float, float]


class Found(NamedTuple):
    """What an attempt found: structure, Å, force calls, and why it failed, if so."""

    positions: Positions
    calls: int
    failure: str = ""


class CountingCalculator(ExplorerCalculator):
    """Calculator that counts force calls together with others, in `spent[0]`, and stops after `most` of them."""

    spent: list[int]
    most: int

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Compute energy and forces; raises TimeoutError when no calls are left."""
        if self.spent[0] >= self.most:
            raise TimeoutError
        self.spent[0] += 1
        super().calculate(atoms, properties, system_changes)


def sella(case: Case, atoms_at: AtomsAt, told: bool = False) -> Positions:
    """Search with Sella; if told, its first eigensolver begins with the direction of the path."""
    from sella import Sella  # type: ignore[import-not-found]

    atoms = atoms_at(case.start)
    search = Sella(atoms, order=1, internal=True, logfile=None)
    if told:
        search.pes.v0 = search.pes.get_Ufree().T @ (search.pes.int.jacobian() @ case.direction.reshape(-1))
    search.run(LOOSE_FMAX, MAX_CALLS)
    return atoms.positions


def geometric(case: Case, atoms_at: AtomsAt, hessian: str = "first") -> Positions:
    """Search with geomeTRIC; by default its first Hessian takes 6 N force calls. Only the force ends a search."""
    from geometric.ase_engine import EngineASE  # type: ignore[import-not-found]
    from geometric.internal import DelocalizedInternalCoordinates  # type: ignore[import-not-found]
    from geometric.molecule import Molecule as Geometry  # type: ignore[import-not-found]
    from geometric.optimize import OPT_STATE, Optimizer, OptParams  # type: ignore[import-not-found]

    logging.getLogger("geometric").setLevel(logging.CRITICAL)
    atoms, limit, off = atoms_at(case.start), str(LOOSE_FMAX * Bohr / Hartree), "1e9"
    limits = ["energy", off, "grms", limit, "gmax", limit, "drms", off, "dmax", off]
    options: dict[str, Any] = {"transition": True, "hessian": hessian, "frequency": False}
    parameters = OptParams(**options, maxiter=MAX_CALLS, converge=limits)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "start.xyz"
        atoms.write(path)
        geometry = Geometry(str(path))
        internals = DelocalizedInternalCoordinates(geometry, build=True, connect=False, addcart=False)
        engine = EngineASE(geometry, atoms.calc)
        engine.ase_atoms.info = atoms.info
        begin = atoms.positions.flatten() / Bohr
        search = Optimizer(begin, geometry, internals, engine, folder, parameters, print_info=False)
        search.optimizeGeometry()
    if search.state != OPT_STATE.CONVERGED:
        raise RuntimeError
    return search.X.reshape(-1, 3) * Bohr


def neb(case: Case, atoms_at: AtomsAt) -> Positions:
    """Search with ASE's NEB; the energies of the ends take no force calls."""
    from ase.mep import DyNEB
    from ase.optimize import FIRE

    first, last = (atoms_at(x) for x in case.ends)
    images = [first, *(atoms_at(case.ends[0]) for _ in range(N_IMAGES)), last]
    for end, energy in zip((first, last), case.energies, strict=True):
        end.calc = SinglePointCalculator(end, energy=energy)
    band = DyNEB(images, method="improvedtangent")
    band.interpolate("idpp")
    for band.climb, band.fmax in ((False, BEFORE_CLIMB), (True, NEB_FMAX)):
        FIRE(band, logfile=None).run(band.fmax, MAX_NEB_CALLS)  # type: ignore[arg-type]
    return images[band.imax].positions


PEERS: dict[str, tuple[Callable[[Case, AtomsAt], Positions], str]] = {
    "Sella": (sella, "order=1, internal=True"),
    "Sella, told the direction": (lambda *a: sella(*a, told=True), "as Sella, with the direction of the path as v0"),
    "NEB": (neb, f"DyNEB, {N_IMAGES} images, IDPP, improvedtangent, FIRE; climbs below {BEFORE_CLIMB} eV/Å"),
    "geomeTRIC": (geometric, "transition=True, hessian='first': 6 N force calls, which count"),
    "geomeTRIC, no Hessian": (lambda *a: geometric(*a, hessian="never"), "transition=True, hessian='never'"),
}


class Study:
    """Attempts for the first pairs of minima that a run tried."""

    def __init__(self, session: Session, n_pairs: int):
        run, settings = session.record, session.settings
        self.molecule, self._symmetry, self._identity = run.molecule, symmetry_of(run.molecule), settings.identity
        self.surface = surface = Surface(self.molecule, session.potential("float64"), run.minima[0])
        tried = [a for a in run.saddle_attempts if a.kind == AttemptKind.PAIR and a.try_number == 0][:n_pairs]
        climber = Climber(self.molecule, settings.seed)
        maker = StartMaker(self.molecule, self._symmetry, climber, surface.modes_of)
        plans = [Plan(a.kind, a.reason_for, a.start, a.end, 0) for a in tried]
        self._starts = maker.starts(plans, run.minima, surface.evaluate).starts
        planner, self.cases = TurnPlanner(self.molecule, self._symmetry), []
        for plan, start, direction in zip(plans, self._starts.positions, self._starts.direction, strict=True):
            a, b = (run.minima[m].positions for m in (plan.start, plan.end or 0))
            a, b = centred(a), centred(planner.renumbered(a, b))
            ends = a, b @ superpose(a, b)[0].T
            self.cases.append(Case(start, direction, ends, tuple(surface.evaluate(np.array(ends))[0].tolist())))

    def ours(self) -> list[Found]:
        """Return what our refinement finds; the force call of the start counts, as it does for the peers."""
        surface = self.surface
        refined = refine_many(surface.potential, surface.system, surface.coordinates, self._starts)
        texts = ["" if s == Refinement.CONVERGED else REFINEMENT_TEXT[Refinement(s)] for s in refined.status.tolist()]
        return [Found(*row) for row in zip(refined.positions, (refined.n_evaluations + 1).tolist(), texts, strict=True)]

    def of_peer(self, name: str, case: Case, most: int) -> Found:
        """Return what another program finds; any failure of it is a result."""
        spent, molecule = [0], self.molecule

        def atoms_at(positions: Positions) -> Atoms:
            calculator = CountingCalculator(self.surface.potential, "float64")
            calculator.spent, calculator.most = spent, most
            info = {"charge": molecule.total_charge, "multiplicity": molecule.multiplicity}
            return Atoms(molecule.atomic_numbers, positions, info=info, calculator=calculator)

        try:
            return Found(np.array(PEERS[name][0](case, atoms_at)), spent[0])
        except Exception as error:
            failure = f"{most} force calls" if isinstance(error, TimeoutError) else type(error).__name__
            return Found(case.start, spent[0], failure)

    def judged(self, found: Sequence[Found], fmax: float, ours: Sequence[Found] = ()) -> dict[str, Any]:
        """Return how many are first-order saddles, and their force calls; `ours` are those of the same pairs."""
        positions = np.array([one.positions for one in found])
        energies, forces = self.surface.evaluate(positions)
        still = np.linalg.norm(forces, axis=2).max(axis=1) < SLACK * fmax
        failures = [f.failure or ("" if good else "force too large") for f, good in zip(found, still, strict=True)]
        good = [k for k, failure in enumerate(failures) if not failure]
        spectra = self.surface.spectrometer.measure(positions[good], np.ones(len(good), bool))
        orders = {k: count_imaginary(spectrum.wavenumbers) for k, spectrum in zip(good, spectra, strict=True)}
        saddles = [k for k in good if orders[k] == 1]
        calls = [found[k].calls for k in saddles]
        result: dict[str, Any] = {
            "pairs": len(found),
            "fmax": fmax,
            "converged": len(good),
            "failures": dict(Counter(failure for failure in failures if failure)),
            "by_number_of_imaginary_vibrations": {str(n): c for n, c in sorted(Counter(orders.values()).items())},
            "first_order_saddles": len(saddles),
            "mean_force_calls_of_these": float(np.mean(calls)) if calls else None,
            "median_force_calls_of_these": float(np.median(calls)) if calls else None,
            "force_calls_of_all_per_saddle": sum(f.calls for f in found) / len(saddles) if saddles else None,
        }
        if ours:
            result["same_saddle_as_ours"] = sum(self._same(energies[k], positions[k], ours[k]) for k in saddles)
            result["ours_for_these_pairs"] = self.judged(ours, LOOSE_FMAX)
        return result

    def _same(self, energy: float, positions: Positions, other: Found) -> bool:
        known = KnownSaddles(self._symmetry, self._identity, ())
        known.add(float(self.surface.evaluate(other.positions[None])[0][0]), other.positions)
        return not other.failure and known.identify(energy, positions) is not None


def measure(options: argparse.Namespace) -> None:
    """Measure all methods, print and write the results."""
    session, missing = Session.open(options.run), missing_peers()
    session.require_same_model()
    study = Study(session, max(options.pairs, options.peer_pairs, options.neb_pairs))
    ours = study.ours()
    counts = f"--pairs {options.pairs} --peer-pairs {options.peer_pairs} --neb-pairs {options.neb_pairs}"
    programs = ["ase", *(module for module in OPTIONAL_OPTIMISERS.values() if importlib.util.find_spec(module))]
    methods: dict[str, dict] = {"ours": study.judged(ours[: options.pairs], LOOSE_FMAX)}
    results = {
        "command": f"python reports/studies/saddle_peers.py RUN {counts} --out FILE.json",
        "molecule": study.molecule.name,
        "n_atoms": study.molecule.n_atoms,
        **{k: session.record.provenance.get(k, "") for k in ("potential", "potential_digest")},
        "versions": {name: version(name) for name in programs},
        "skipped": missing,
        "force_calls_of_the_path": N_IMAGES,
        "methods": methods,
    }
    print(methods, flush=True)
    for name, (_, settings) in PEERS.items():
        n, most, fmax = options.peer_pairs, MAX_CALLS, LOOSE_FMAX
        if name == "NEB":
            n, most, fmax = options.neb_pairs, MAX_NEB_CALLS, NEB_FMAX
        if n and name.split(",")[0] not in missing:
            found = [study.of_peer(name, case, most) for case in study.cases[:n]]
            methods[name] = {"settings": settings, "most_force_calls": most, **study.judged(found, fmax, ours[:n])}
            print(name, methods[name], flush=True)
        write_json(results, options.out)


def main() -> None:
    """Read the options, and measure in a process with one thread for the linear algebra of the peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run of a molecule, with transition states")
    parser.add_argument("--pairs", type=int, default=20, help="number of pairs for our refinement (20)")
    parser.add_argument("--peer-pairs", type=int, default=20, help="number of pairs for Sella and geomeTRIC (20)")
    parser.add_argument("--neb-pairs", type=int, default=5, help="number of pairs for NEB (5)")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    in_own_process(measure, parser.parse_args())


if __name__ == "__main__":
    main()
