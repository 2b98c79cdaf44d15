"""Force calls per true distinct minimum: our search and ASE's minima hopping from the same start.

Example:
`pes-explore bench search gly-gly-phe.pdb --potential ase:explorer.bench.mmff:MMFF --out reports/bench/search-ggf`
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.bench.ase_hopping import hop_with_ase
from explorer.bench.claims import Claims, ClaimVerifier, VerifiedClaims
from explorer.bench.curves import draw
from explorer.bench.own_hopping import OURS, hop
from explorer.bench.peers import in_own_process
from explorer.config import Settings
from explorer.files import write_json
from explorer.potential.load import potential_of
from explorer.records.molecule import Molecule
from explorer.records.moves import Move

EARLY_CALLS = 3000  # force calls of the early part of a search; not tuned
ALONE, PEER = f"{OURS}, hopping alone", "ASE MinimaHopping"  # names of the other searches


def measure(
    molecule: Molecule,
    settings: Settings,
    n_evaluations: int,
    n_seeds: int,
    n_peer_seeds: int,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Search from one structure with each program and several seeds, and verify the claims.

    Args:
        molecule: Start structure of all searches.
        settings: Settings of our searches; potential and precision are also used for the other program.
        n_evaluations: Force calls of each search.
        n_seeds: Number of searches of ours, and of our hopping alone.
        n_peer_seeds: Number of searches with ASE.
        report: Called with a line about each search.
    """
    potential, info = potential_of(replace(settings, precision="float64"), molecule)
    verifier = ClaimVerifier(potential, molecule, settings)

    def verified(name: str, seed: int, claims: Claims) -> dict[str, Any]:
        row = summarise(claims, verifier.verify(claims)) | {"seed": seed}
        report("  ".join((f"{name}, seed {seed}", *cells([row]))))
        return row

    programs: dict[str, list[dict[str, Any]]] = {}
    for name, one in variants(settings).items():
        claimed = ((seed, hop(potential, molecule, one, n_evaluations, seed)) for seed in range(n_seeds))
        programs[name] = [verified(name, seed, claims) for seed, claims in claimed]
    for seed in range(n_peer_seeds):
        claims = in_own_process(hop_with_ase, molecule, settings, n_evaluations, seed)
        programs.setdefault(PEER, []).append(verified(PEER, seed, claims))
    return {
        "molecule": molecule.name,
        "n_atoms": molecule.n_atoms,
        "potential": info.public_name,
        "digest": info.digest,
        "precision": settings.precision,
        "moves": list(settings.hopping.moves),
        "n_evaluations": n_evaluations,
        "early": EARLY_CALLS,
        "programs": programs,
    }


def variants(settings: Settings) -> dict[str, Settings]:
    """Return the settings of our search as given, and with hopping as its only move if these differ.

    Args:
        settings: Settings of the search.
    """
    alone = replace(settings, hopping=replace(settings.hopping, moves=(Move.HOPPING.value,)))
    return {ALONE: alone} if settings.hopping.moves == alone.hopping.moves else {OURS: settings, ALONE: alone}


def summarise(claims: Claims, verified: VerifiedClaims) -> dict[str, Any]:
    """Return the figures of one search; a ratio is None where its denominator is zero."""
    n_claimed, n_true = len(claims.positions), len(verified.found_after)
    n_early = verified.n_within(EARLY_CALLS)
    return {
        "n_evaluations": claims.n_spent,
        "seconds": claims.seconds,
        "failure": claims.failure,
        "n_claimed": n_claimed,
        "n_true": n_true,
        "rejected": verified.rejected,
        "claimed_per_true": n_claimed / n_true if n_true else None,
        "calls_per_true_minimum": claims.n_spent / n_true if n_true else None,
        "calls_per_true_minimum_early": EARLY_CALLS / n_early if n_early and claims.n_spent >= EARLY_CALLS else None,
        "lowest_eV": float(verified.energies.min()) if n_true else None,
        "found_after": verified.found_after.tolist(),
    }


SEARCH_HEADER = (
    "program",
    "searches",
    "claimed",
    "true",
    "claimed / true",
    f"calls per true minimum, first {EARLY_CALLS}",
    "in all",
    "lowest (eV)",
    "seconds",
)


def cells(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """Format the searches of one program as table cells after its name: medians, and the lowest energy of all."""
    lowest = [row["lowest_eV"] for row in rows if row["lowest_eV"] is not None]
    return (
        str(len(rows)),
        _median(rows, "n_claimed", ".0f"),
        _median(rows, "n_true", ".0f"),
        _median(rows, "claimed_per_true", ".2f"),
        _median(rows, "calls_per_true_minimum_early", ".0f"),
        _median(rows, "calls_per_true_minimum", ".0f"),
        f"{min(lowest):.4f}" if lowest else "–",
        _median(rows, "seconds", ".0f"),
    )


def _median(rows: list[dict[str, Any]], key: str, form: str) -> str:
    values = [row[key] for row in rows if row[key] is not None]
    return format(float(np.median(values)), form) if values else "–"


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write `search.json` and `search.svg` into a folder and return the path of the picture."""
    write_json(result, folder / "search.json")
    curves = {
        name: [(row["found_after"], row["n_evaluations"]) for row in rows] for name, rows in result["programs"].items()
    }
    title = f"{result['molecule']} ({result['n_atoms']} atoms), {result['potential']}"
    return draw(curves, title, "true distinct minima", folder / "search.svg")
