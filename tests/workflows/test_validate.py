"""Validation: its reference method, and failed reference calculations."""

from types import SimpleNamespace

import numpy as np
import pytest

from explorer.config import Settings
from explorer.config_file import to_dict
from explorer.dataset import network_reference
from explorer.errors import ConfigError, InputError
from explorer.io.build import from_sequence
from explorer.records.hop import Hop, Outcome
from explorer.records.minimum import Minimum
from explorer.records.run import Round
from explorer.records.structure_class import StructureClass
from explorer.relaxation.reference import ReferenceMinimum
from explorer.relaxation.relaxer import Status
from explorer.store.read import read_run
from explorer.store.store import Store
from explorer.workflows import validate
from explorer.workflows.session import Session

MOLECULE = from_sequence("G")


@pytest.fixture
def run(tmp_path):
    minima = tuple(
        Minimum(
            id=k,
            energy=0.1 * k,
            positions=MOLECULE.positions + k,
            structure_class=StructureClass.INTACT,
            fmax=0.001,
            n_evaluations=10,
            round=0,
        )
        for k in range(4)
    )
    hop = Hop(
        walker=-1,
        index=0,
        round=0,
        start=-1,
        end=0,
        outcome=Outcome.NEW,
        reason="",
        accepted=True,
        temperature=0.0,
        ediff=0.0,
        highest_energy=0.0,
        n_evaluations=10,
    )
    with Store.begin(tmp_path / "run.sqlite", MOLECULE, to_dict(Settings()), {}) as store:
        store.commit(
            Round(
                index=0,
                minima=minima,
                hops=(hop,),
                walkers={},
                n_evaluations=10,
                wall_seconds=1.0,
                potential_seconds=1.0,
            )
        )
    return tmp_path


class Moody:
    """Exits on the second minimum, does not converge on the third, and leaves all others where they are."""

    def __init__(self, *_):
        self.n = 0

    def __call__(self, positions):
        self.n += 1
        if self.n == 2:
            raise SystemExit("the licence has expired")
        status = Status.NOT_CONVERGED if self.n == 3 else Status.CONVERGED
        return ReferenceMinimum(positions, float(self.n), status, np.zeros_like(positions))


def test_failed_minima_are_stored_as_nan_and_the_others_are_kept(run, monkeypatch):
    monkeypatch.setattr(validate, "ReferenceRelaxer", Moody)
    result = validate.validate_run(Session.open(run), "gfn2", 4)
    assert result.stayed.tolist() == [True, False, False, True]
    assert np.isnan(result.rmsd).tolist() == [False, True, True, False]
    assert result.reference_energy == pytest.approx([0, np.nan, np.nan, 3], nan_ok=True)
    assert read_run(run).validation.stayed.tolist() == result.stayed.tolist()


def test_a_reference_that_always_fails_is_an_error(run, monkeypatch):
    def fail(self, positions):
        raise RuntimeError("no such element")

    monkeypatch.setattr(validate, "ReferenceRelaxer", type("Broken", (Moody,), {"__call__": fail}))
    with pytest.raises(InputError, match=r"No minimum of .* could be relaxed with gfn2"):
        validate.validate_run(Session.open(run), "gfn2", 4)
    assert read_run(run).validation is None


def session_with(reference: str, folder: str | None = "models/mine") -> Session:
    return SimpleNamespace(model=SimpleNamespace(name="mine", reference=reference, folder=folder))


@pytest.mark.parametrize(
    ("trained_on", "reference"),
    [("so3lr", "so3lr"), ("gfn2", "gfn2"), ("ase:a:B", "ase:a:B"), ("PBE0+MBD", "gfn2"), ("", "gfn2")],
)
def test_the_reference_is_that_of_the_model(trained_on, reference, monkeypatch):
    monkeypatch.setattr(network_reference, "imported_checkpoints", lambda: {"so3lr": "models/so3lr"})
    assert validate.own_reference(session_with(trained_on)) == reference


def test_a_calculator_is_not_validated_by_itself():
    assert validate.own_reference(session_with("ase:a:B", folder=None)) == "gfn2"


def test_so3lr_must_be_fetched_before_it_is_the_reference(monkeypatch):
    monkeypatch.setattr(network_reference, "imported_checkpoints", dict)
    with pytest.raises(ConfigError, match="model fetch so3lr"):
        validate.own_reference(session_with("so3lr"))
