"""Descend again from the transition states of a run, more carefully, and compare the ends with the stored minima.

    pes-explore run ac-ala3-nhme --out RUN
    pes-explore connect RUN --time-limit 10
    python reports/studies/saddle_ends.py RUN --saddles 100 --steepest 26 --out FILE.json

Careful descents are those of `connect` with steps of at most 0.05 Å or rad all the way, in place of 0.5 after the
first ones, and without early recognition. A steepest descent starts 0.05 Å beside the saddle, on either side along the
imaginary vibration, and follows dx/dt = F in Cartesian coordinates without masses, by steps of at most 0.02 Å in
float64 (`steepest_descent.py`). It has nothing from the descents of `connect`: neither internal coordinates, nor the
model Hessian, nor early recognition.

An end is equal if its energy is within the energy window of identity of the stored minimum, and its distance within
the RMSD of identity. Paths of steepest descent depend on the coordinates, and may part at a ridge. Ends of steepest
descents that differ are therefore descended to in more ways: by shorter steps, with masses, and by `connect` with and
without recognition.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from steepest_descent import LONGEST, descent, followed

from explorer.devices import configure_jax
from explorer.files import write_json
from explorer.records.transition_states import TransitionState
from explorer.saddles.ends import Descender
from explorer.saddles.surface import Surface
from explorer.similarity.identity import identity_distance
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.topology.bonds import topology_of
from explorer.topology.classify import classify_batch
from explorer.vibrations.certifier import PUSH_OFF_DISTANCE
from explorer.vibrations.modes import SOFTEST_MINIMUM
from explorer.workflows.session import Session

Side = tuple[TransitionState, int]  # 0 for the side along the imaginary vibration, 1 for that against it
CAREFUL_RADIUS = 0.05  # Å or rad


def descents_of_connect(session: Session, sides: Sequence[Side], recognise: bool, radius: float = 0.0) -> list[tuple]:
    """Return ends by the descents of `connect`; all minima of the run are known.

    Args:
        session: The run.
        sides: Where to descend.
        recognise: Whether a descent stops where it is about to end at a known minimum.
        radius: Largest trust radius, Å or rad; 0 for that of the run.
    """
    record, hopping = session.record, replace(session.settings.hopping, recognise=recognise)
    relax = replace(session.settings.relax, trust_radius=radius or session.settings.relax.trust_radius)
    settings = replace(session.settings, precision="float64", hopping=hopping, relax=relax)
    descender = Descender(record.molecule, topology_of(record.molecule), session.potential("float64"), settings)
    states = {state.id: state for state, _ in sides}
    saddles, directions = (np.array([getattr(s, k) for s in states.values()]) for k in ("positions", "direction"))
    history = History(symmetry_of(record.molecule), settings.identity, record.minima)
    pairs = dict(zip(states, descender.ends(saddles, directions, history), strict=True))
    ends = [pairs[state.id][side] for state, side in sides]
    known = [end if end.known_id is None else record.minima[end.known_id] for end in ends]
    return [(k.positions, k.energy, {"calls": end.n_evaluations}) for k, end in zip(known, ends, strict=True)]


def compared(session: Session, history: History, state: TransitionState, side: int, end: tuple) -> dict:
    """Compare an end with the stored minimum, and with all minima of the run.

    Args:
        session: The run.
        history: Its minima.
        state: The transition state.
        side: 0 for the end along its imaginary vibration, 1 for that against it.
        end: Positions (Å), energy (eV), and what else is known.
    """
    (positions, energy, more), identity = end, session.settings.identity
    stored = session.record.minima[state.minima[side]]
    distance = identity_distance(symmetry_of(session.record.molecule), stored.positions, positions)
    kind = classify_batch(topology_of(session.record.molecule), positions[None])[0].structure_class
    return more | {
        "equal": bool(distance <= identity.rmsd and abs(energy - stored.energy) <= identity.energy_window),
        "minimum": history.identify(energy, positions, kind),
        "energy_above_stored_eV": energy - stored.energy,
        "distance_angstrom": distance,
    }


def careful_ends(session: Session, history: History, states: Sequence[TransitionState]) -> dict:
    """Compare the ends of careful descents from saddles with the stored minima.

    Args:
        session: The run.
        history: Its minima.
        states: The saddles.
    """
    sides = [(state, side) for state in states for side in (0, 1)]
    ends = descents_of_connect(session, sides, False, CAREFUL_RADIUS)
    results = [compared(session, history, *one, end) for one, end in zip(sides, ends, strict=True)]
    return {
        "saddles": len(states),
        "ends": len(results),
        "equal": sum(one["equal"] for one in results),
        "force_calls_per_end": float(np.mean([one["calls"] for one in results])),
        "different": [
            {"saddle": state.id, "side": side, "stored_minimum": state.minima[side]} | one
            for (state, side), one in zip(sides, results, strict=True)
            if not one["equal"]
        ],
    }


def main() -> None:
    """Follow the descents, compare their ends, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run with transition states")
    parser.add_argument("--saddles", type=int, default=100, help="saddles with careful descents, from the first (100)")
    parser.add_argument("--steepest", type=int, default=26, help="saddles with steepest descents, from the first (26)")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    options = parser.parse_args()
    configure_jax()
    session = Session.open(options.run)
    record, potential = session.record, session.potential("float64")
    history = History(symmetry_of(record.molecule), session.settings.identity, record.minima)
    careful = careful_ends(session, history, record.transition_states[: options.saddles])
    print({k: v for k, v in careful.items() if k != "different"}, *careful["different"], sep="\n", flush=True)
    sides = [(state, side) for state in record.transition_states[: options.steepest] for side in (0, 1)]
    surface = Surface(record.molecule, potential, record.minima[0])
    hessians = surface.spectrometer.hessians(np.array([state.positions for state, _ in sides[::2]]))
    masses = np.repeat(record.molecule.masses / record.molecule.masses.mean(), 3)

    def reference(rows: Sequence[int], weights: np.ndarray, longest: float = LONGEST) -> list[tuple]:
        shifts = [(1 - 2 * sides[k][1]) * PUSH_OFF_DISTANCE * sides[k][0].direction for k in rows]
        starts = [sides[k][0].positions + shift for k, shift in zip(rows, shifts, strict=True)]
        return followed(
            surface, [descent(x, hessians[k // 2], weights, longest) for k, x in zip(rows, starts, strict=True)]
        )

    ends = reference(range(len(sides)), np.ones_like(masses))
    softest = surface.spectrometer.measure(np.array([end[0] for end in ends]), np.zeros(len(ends), bool))
    results = [compared(session, history, *one, end) for one, end in zip(sides, ends, strict=True)]
    results = [one | {"lowest_cm-1": vibration.lowest} for one, vibration in zip(results, softest, strict=True)]
    apart = [k for k, one in enumerate(results) if not one["equal"]]
    others = {"shorter": reference(apart, np.ones_like(masses), LONGEST / 4), "masses": reference(apart, masses)}
    for name, recognise in (("connect", True), ("connect_without_recognition", False)):
        others[name] = descents_of_connect(session, [sides[k] for k in apart], recognise)
    different = [
        {"saddle": state.id, "side": side, "imaginary_cm-1": state.imaginary, "stored_minimum": state.minima[side]}
        | {"reference": results[k]}
        | {name: compared(session, history, state, side, found[row]) for name, found in others.items()}
        for row, k in enumerate(apart)
        for state, side in [sides[k]]
    ]
    distances = [one["distance_angstrom"] for one in results if one["equal"]]
    summary = {
        "molecule": record.molecule.name,
        **{k: record.provenance.get(k, "") for k in ("potential", "potential_digest")},
        "careful": careful,
        "saddles": len(sides) // 2,
        "ends": len(sides),
        "equal": len(sides) - len(apart),
        "unfinished": sum(not one["finished"] for one in results),
        "ends_with_imaginary_vibration": sum(one["lowest_cm-1"] < SOFTEST_MINIMUM for one in results),
        "force_calls_per_end": float(np.mean([one["calls"] for one in results])),
        "median_distance_of_equal_angstrom": float(np.median(distances)) if distances else None,
        "largest_distance_of_equal_angstrom": max(distances, default=None),
        "different": different,
    }
    print({k: v for k, v in summary.items() if k != "different"}, *different, sep="\n")
    write_json(summary, options.out)


if __name__ == "__main__":
    main()
