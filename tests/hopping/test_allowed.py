"""Structures that are not allowed are stored but not explored; allowed ones are explored, on a new bond graph too."""

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import islice

import jax.numpy as jnp
import numpy as np
import pytest

from explorer.config_file import load_settings
from explorer.errors import InputError
from explorer.hopping.explore import Checkpoint, explore
from explorer.potential.potential import Potential
from explorer.records.hop import Outcome
from explorer.records.molecule import Molecule
from explorer.records.structure_class import StructureClass
from explorer.records.uncertainty import TrustLevel, UncertaintyEstimate, is_within_limit
from explorer.similarity.symmetry import symmetry_of
from explorer.strategy.history import History
from explorer.uncertainty.criteria import Assessment

ARM, HALF, WELL = 1.35, 0.58, np.cos(np.radians(40))
TILT = 0.1  # eV by which the hydrogen prefers the nitrogen, in each direction


def isomerising() -> Potential:
    """Hydrogen on an arm about the middle of C-N, with a well near each atom: E = 1.5 (c² - cos² 40°)² - 0.1 c."""

    def energy_fn(params, system, pairs):
        carbon, nitrogen, hydrogen = system.positions
        bond, arm = nitrogen - carbon, hydrogen - (carbon + nitrogen) / 2
        length, reach = jnp.linalg.norm(bond), jnp.linalg.norm(arm)
        cosine = bond @ arm / (length * reach)
        stretch = 20 * (length - 2 * HALF) ** 2 + 20 * (reach - ARM) ** 2
        return stretch + 1.5 * (cosine**2 - WELL**2) ** 2 - TILT * cosine

    return Potential(params={}, energy_fn=energy_fn)


def hydrogen_cyanide() -> Molecule:
    positions = np.array([[-HALF, 0, 0], [HALF, 0, 0], [-ARM * WELL, ARM * np.sqrt(1 - WELL**2), 0]])
    return Molecule(
        name="hcn",
        atomic_numbers=np.array([6, 7, 1]),
        positions=positions,
        bonds=np.array([[0, 1], [0, 2]]),
        bond_orders=np.array([3.0, 1.0]),
        formal_charges=np.zeros(3, int),
        atom_names=("C1", "N2", "H3"),
    )


def settings_for(allow: tuple[str, ...]):
    return load_settings(
        overrides={"potential": "lennard-jones", "hopping.allow": allow, "hopping.n_walkers": 4, "relax.fmax": 1e-4}
    )


SURFACE = isomerising()


@cache
def rounds_of(allow: tuple[str, ...], n_rounds: int = 30):
    settings, molecule = settings_for(allow), hydrogen_cyanide()
    history = History(symmetry_of(molecule), settings.identity)
    return list(islice(explore(SURFACE, molecule, settings, history), n_rounds))


def search(allow: tuple[str, ...]):
    rounds = rounds_of(allow)
    return [m for round in rounds for m in round.minima], [hop for round in rounds for hop in round.hops][1:]


def wells() -> list[float]:
    """Energies of the two wells, near C and near N, by Newton's method on the closed form."""
    found = []
    for cosine in (-WELL, WELL):
        for _ in range(50):
            slope = 6 * (cosine**2 - WELL**2) * cosine - TILT
            cosine -= slope / (6 * (3 * cosine**2 - WELL**2))
        found.append(1.5 * (cosine**2 - WELL**2) ** 2 - TILT * cosine)
    return found


@pytest.mark.parametrize("allow", [(), ("cis-amide", "proton-transfer")])
def test_a_moved_proton_is_stored_and_only_explored_where_allowed(allow):
    minima, hops = search(allow)
    assert [m.energy for m in minima] == pytest.approx(wells(), abs=1e-4)
    assert [m.structure_class for m in minima] == [StructureClass.INTACT, StructureClass.PROTON_TRANSFERRED]
    outcomes, starts = Counter(hop.outcome for hop in hops), Counter(hop.start for hop in hops)
    crossed = [hop for hop in hops if hop.start == 0 and hop.end == 1]
    assert all(hop.reason.startswith("H3 moved from C1 to N2 (") for hop in crossed)
    if allow:
        assert outcomes[Outcome.CHANGED] == 0
        assert starts[1] > 5
        assert any(hop.accepted for hop in crossed)
    else:
        assert set(starts) == {0}
        assert outcomes[Outcome.CHANGED] == len(crossed) > 0
        assert not any(hop.accepted for hop in crossed)


def test_the_reason_tells_escape_from_relaxation():
    _, hops = search(())
    for hop in hops:
        changed = hop.escape_class != StructureClass.INTACT
        if hop.outcome == Outcome.CHANGED:
            assert hop.reason.endswith("(already during the escape)" if changed else "(during the relaxation)")
        elif hop.outcome != Outcome.FAILED:
            assert ("restored by the relaxation" in hop.reason) == changed
    assert any(hop.escape_class == StructureClass.PROTON_TRANSFERRED for hop in hops)


def test_a_resumed_search_may_explore_the_same_minima():
    allow, stop = ("cis-amide", "proton-transfer"), 12
    rounds, settings, molecule = rounds_of(allow), settings_for(allow), hydrogen_cyanide()
    last, minima = rounds[stop], [m for round in rounds[: stop + 1] for m in round.minima]
    visits = Counter(hop.end for round in rounds[: stop + 1] for hop in round.hops if hop.end is not None)
    assert max(visits.values()) > settings.hopping.max_visits  # walkers restart from other minima
    history = History(symmetry_of(molecule), settings.identity, minima, visits)
    checkpoint = Checkpoint(
        index=stop,
        walkers=last.walkers,
        n_evaluations=last.n_evaluations,
        wall_seconds=last.wall_seconds,
        potential_seconds=last.potential_seconds,
    )
    again = islice(explore(SURFACE, molecule, settings, history, checkpoint), len(rounds) - stop - 1)
    assert [hop for r in again for hop in r.hops] == [hop for r in rounds[stop + 1 :] for hop in r.hops]


def test_an_input_that_relaxes_to_a_structure_that_is_not_allowed_is_refused():
    molecule = hydrogen_cyanide()
    positions = molecule.positions.copy()
    positions[2, 0] *= -1  # near the nitrogen, though it is bonded to the carbon
    across, symmetry = replace(molecule, positions=positions), symmetry_of(molecule)
    settings, allowing = settings_for(()), settings_for(("proton-transfer",))
    with pytest.raises(InputError, match=r"proton-transferred: H3 moved from C1 to N2.*--allow proton-transfer"):
        next(explore(SURFACE, across, settings, History(symmetry, settings.identity)))
    first = next(explore(SURFACE, across, allowing, History(symmetry, allowing.identity)))
    assert first.minima[0].structure_class == StructureClass.PROTON_TRANSFERRED


def uncertain_near_nitrogen(positions: np.ndarray, limit: str) -> list[Assessment]:
    """Assessments of a model without training data near the nitrogen."""
    cosines = [(x[1] - x[0]) @ (x[2] - (x[0] + x[1]) / 2) for x in positions]
    estimates = [
        UncertaintyEstimate(
            energy_spread=0.1,
            force_spread=0.2,
            distance=3.0,
            expected_error=0.3,
            trust_level=TrustLevel.OUT_OF_DISTRIBUTION if c > 0 else TrustLevel.TRUSTED,
        )
        for c in cosines
    ]
    return [Assessment(e, "" if is_within_limit(e.trust_level, limit) else str(e.trust_level)) for e in estimates]


@pytest.mark.parametrize("limit", ["trusted", "uncertain", "any"])
def test_walkers_do_not_explore_where_the_model_is_too_uncertain(limit):
    molecule, settings = hydrogen_cyanide(), settings_for(("cis-amide", "proton-transfer"))
    history = History(symmetry_of(molecule), settings.identity)

    def assess(positions, energies, ordinary):
        return uncertain_near_nitrogen(positions, limit)

    rounds = list(islice(explore(SURFACE, molecule, settings, history, assess=assess), 30))
    minima, hops = [m for r in rounds for m in r.minima], [hop for r in rounds for hop in r.hops][1:]
    assert [m.uncertainty.trust_level for m in minima] == [
        TrustLevel.TRUSTED,
        TrustLevel.OUT_OF_DISTRIBUTION,
    ]  # both are stored
    crossed = [hop for hop in hops if hop.end == 1]
    assert all(hop.uncertainty == minima[1].uncertainty for hop in crossed)
    if limit == "any":
        assert Counter(hop.start for hop in hops)[1] > 5
        assert not any(hop.outcome == Outcome.TOO_UNCERTAIN for hop in hops)
    else:
        assert {hop.start for hop in hops} == {0}
        assert {hop.outcome for hop in crossed} == {Outcome.TOO_UNCERTAIN}
        assert all(not hop.accepted and hop.reason for hop in crossed)


def test_an_input_where_the_model_is_too_uncertain_is_refused():
    molecule = hydrogen_cyanide()
    settings = settings_for(())
    history = History(symmetry_of(molecule), settings.identity)

    def doubt(positions, energies, ordinary):
        return [Assessment(None, "doubted")] * len(positions)

    with pytest.raises(InputError, match=r"the model does not know \(doubted\).*--max-uncertainty any"):
        next(explore(SURFACE, molecule, settings, history, assess=doubt))
