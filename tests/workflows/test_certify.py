"""Certification of saddle points and plateaus on Lennard-Jones surfaces with known stationary points."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.errors import InputError
from explorer.records.certificates import StationaryPointType
from explorer.records.minimum import Minimum
from explorer.records.molecule import Molecule
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.vibrations.modes import wavenumber
from explorer.workflows.certify import certify_run, to_certify
from explorer.workflows.session import Session

ROW = (2 * (1 + 2**-13) / (1 + 2**-7)) ** (1 / 6)  # distance at which three atoms in a row are at rest
SIDE = 2 ** (1 / 6)  # of the triangle, energy -3
TRIANGLE = SIDE * np.array([[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(0.75), 0]])
LINE = ROW * np.array([[-1.0, 0, 0], [0, 0, 0], [1, 0, 0]])
LINE_ENERGY = 2 * 4 * (ROW**-12 - ROW**-6) + 4 * ((2 * ROW) ** -12 - (2 * ROW) ** -6)


def cluster(positions: np.ndarray) -> Molecule:
    n = len(positions)
    return Molecule(
        name=f"lj{n}",
        atomic_numbers=np.full(n, 18),
        positions=positions,
        bonds=np.zeros((0, 2), int),
        bond_orders=np.zeros(0),
        formal_charges=np.zeros(n, int),
    )


def planted(folder: Path, structures: list[tuple[np.ndarray, float]], digest: str = "") -> Path:
    """A run whose minima are what is given: positions (Å) and energies (eV)."""
    minima = tuple(
        Minimum(
            id=k,
            energy=energy,
            positions=positions - positions.mean(axis=0),
            structure_class=StructureClass.INTACT,
            fmax=1e-4,
            n_evaluations=10 * k,
            round=0,
        )
        for k, (positions, energy) in enumerate(structures)
    )
    settings = to_dict(Settings(potential="lennard-jones"))
    with Store.begin(folder / "run.sqlite", cluster(structures[0][0]), settings, {"potential_digest": digest}) as store:
        store.commit(
            Round(
                index=0, minima=minima, hops=(), walkers={}, n_evaluations=100, wall_seconds=1.0, potential_seconds=1.0
            )
        )
    return folder


def certified(folder: Path, n_full: int = 0, stop=lambda: False) -> int:
    return certify_run(Session.open(folder), n_full, lambda done, total: None, stop)


@pytest.fixture(scope="module")
def triangle_and_line(tmp_path_factory) -> Path:
    """The minimum of three atoms, the saddle between two numberings of it, and a stretched triangle."""
    structures = [(TRIANGLE, -3.0), (LINE, LINE_ENERGY), (1.3 * TRIANGLE, -1.5)]
    folder = planted(tmp_path_factory.mktemp("lj3"), structures)
    assert certified(folder) == 0
    return folder


def test_saddle_point_is_recognised_and_relaxes_to_the_triangle_on_both_sides(triangle_and_line):
    run = read_run(triangle_and_line)
    certificate, (saddle,) = run.certificates[1], run.saddles
    assert certificate.point_type == StationaryPointType.SADDLE
    assert certificate.reason == "2 imaginary vibrations below -10 cm⁻¹"  # it bends in two directions
    # bending by (1, -2, 1) has the curvature 3 V'(r) / r m
    slope = 4 * (-12 * ROW**-13 + 6 * ROW**-7)
    assert certificate.lowest_wavenumber == pytest.approx(wavenumber(3 * slope / (ROW * 39.95)), rel=1e-4)
    assert saddle.minimum == 1
    assert saddle.energy == pytest.approx(LINE_ENERGY, abs=1e-6)
    assert len(saddle.wavenumbers) == 4
    for end in saddle.ends:
        assert end.energy == pytest.approx(-3.0, abs=1e-6)
        assert (end.minimum, end.point_type) == (0, StationaryPointType.MINIMUM)
    bent = [end.positions - end.positions.mean(axis=0) for end in saddle.ends]
    assert np.linalg.norm(bent[0] - bent[1]) > 0.5  # two numberings, two places


def test_minimum_is_certified_with_its_three_vibrations(triangle_and_line):
    """Degenerate stretches and the breathing mode: curvature k r² gives ω² = 3k/2m and 3k/m."""
    certificate = read_run(triangle_and_line).certificates[0]
    assert certificate.point_type == StationaryPointType.MINIMUM
    waves = certificate.wavenumbers
    assert waves[0] == pytest.approx(waves[1], rel=1e-4)
    assert waves[2] / waves[0] == pytest.approx(np.sqrt(2), rel=1e-4)


def test_plateau_is_not_certified_and_the_reason_is_stored(triangle_and_line):
    certificate = read_run(triangle_and_line).certificates[2]
    assert certificate.point_type == StationaryPointType.NOT_CERTIFIED
    assert certificate.reason.startswith("relaxes on to another structure")
    assert certificate.reason.endswith("1.5000 eV lower")
    assert np.isnan(certificate.lowest_wavenumber)


def test_certified_minima_are_not_tested_again(triangle_and_line):
    before = read_run(triangle_and_line).certificates
    assert to_certify(read_run(triangle_and_line), 10)[0] == []
    assert certified(triangle_and_line, 10) == 0
    after = read_run(triangle_and_line).certificates
    assert [c.energy for c in before] == [c.energy for c in after]


def test_interrupted_certification_keeps_its_batches_and_continues(tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.workflows.certify.MINIMA_PER_COMMIT", 1)
    folder = planted(tmp_path, [(LINE, LINE_ENERGY), (TRIANGLE, -3.0)])
    assert certified(folder, stop=lambda: True) == 1
    run = read_run(folder)
    assert [c.minimum for c in run.certificates] == [1]  # the lowest first
    assert run.saddles == ()
    assert certified(folder) == 0
    run = read_run(folder)
    assert [c.point_type for c in run.certificates] == [StationaryPointType.SADDLE, StationaryPointType.MINIMUM]
    assert [s.minimum for s in run.saddles] == [0]


def test_run_of_another_model_is_refused(tmp_path):
    folder = planted(tmp_path, [(TRIANGLE, -3.0)], digest="3f9a17c2be04")
    with pytest.raises(InputError, match="3f9a17c2be04"):
        certified(folder)
    assert read_run(folder).certificates == ()


def test_the_four_minima_of_seven_atoms_have_no_negative_eigenvalue(tmp_path):
    """Relaxed from random starts; energies of Wales & Doye (1997), mirror images merged."""
    known = [-16.505384, -15.935043, -15.593211, -15.533060]
    assert certified(planted(tmp_path, distinct_minima(7, known))) == 0
    run = read_run(tmp_path)
    assert [c.point_type for c in run.certificates] == [StationaryPointType.MINIMUM] * 4
    assert min(c.lowest_wavenumber for c in run.certificates) > 10
    assert {len(c.wavenumbers) for c in run.certificates} == {15}
    assert {c.n_products for c in run.certificates} == {21}


def distinct_minima(n_atoms: int, known: list[float]) -> list[tuple[np.ndarray, float]]:
    """Positions and energies of clusters with the known energies, by scipy's minimiser."""

    def energy(flat):
        x = flat.reshape(-1, 3)
        i, j = np.triu_indices(n_atoms, 1)
        d = x[i] - x[j]
        s = 1 / (d**2).sum(axis=1) ** 3
        pull = 4 * (-12 * s**2 + 6 * s) / (d**2).sum(axis=1)
        gradient = np.zeros_like(x)
        np.add.at(gradient, i, pull[:, None] * d)
        np.add.at(gradient, j, -pull[:, None] * d)
        return 4 * (s**2 - s).sum(), gradient.ravel()

    rng = np.random.default_rng(1)
    found: dict[float, np.ndarray] = {}
    while len(found) < len(known):
        result = minimize(energy, rng.uniform(-1.2, 1.2, 3 * n_atoms), jac=True, method="BFGS", options={"gtol": 1e-6})
        match = [e for e in known if abs(e - result.fun) < 1e-5]
        found |= {e: result.x.reshape(-1, 3) for e in match}
    return [(x, e) for e, x in found.items()]
