"""Arguments and output of `certify`, and its message after Ctrl-C."""

import json
import sys
from types import ModuleType

import numpy as np
import pytest

from explorer.records.certificates import Certificate, StationaryPointType
from explorer.store.read import read_run


@pytest.fixture
def library(monkeypatch):
    """`explorer.workflows.certify` that stores two certificates, notes what it was asked and computes nothing."""
    module = ModuleType("explorer.workflows.certify")
    module.asked, module.n_left = [], 0

    def certify_run(session, n_full, progress, stop):
        out = session.folder
        module.asked.append((out, n_full, stop()))
        waves = np.linspace(20, 3400, 60)
        with session.writing() as store:
            store.save_certificates(
                [
                    Certificate(
                        minimum=0,
                        point_type=StationaryPointType.MINIMUM,
                        reason="",
                        energy=-10.0,
                        fmax=1e-5,
                        lowest_wavenumber=20.0,
                        n_products=66,
                        wavenumbers=waves,
                    ),
                    Certificate(
                        minimum=2,
                        point_type=StationaryPointType.NOT_CERTIFIED,
                        reason="not relaxed",
                        energy=-9.8,
                        fmax=0.01,
                        lowest_wavenumber=np.nan,
                        n_products=0,
                        wavenumbers=np.empty(0),
                    ),
                ],
                [],
            )
        session.record = read_run(out)
        progress(2, 3)
        return module.n_left

    module.certify_run = certify_run
    monkeypatch.setattr("cli.certify.prepare_device", lambda: None)
    monkeypatch.setitem(sys.modules, "explorer.workflows.certify", module)
    return module


def test_certify_prints_the_minima_and_updates_summary_and_report(pes_explore, library, make_run, tmp_path):
    make_run(tmp_path)
    code, out, err = pes_explore("certify", tmp_path, "--full", 3, "--temperature", 350)
    assert code == 0
    assert library.asked == [(tmp_path, 3, False)]
    assert err.startswith("Certifying 3 minima."), "it speaks before the first result"
    assert "2 of 3 minima" in err
    head, *rows = out.splitlines()[:3]
    assert "free energy, 350 K" in head
    assert rows[0].split()[:4] == ["0", "0.00", "minimum", "20.0"]
    assert rows[1].split()[-2:] == ["not", "relaxed"]
    counted = json.loads((tmp_path / "summary.json").read_text())["certification"]
    assert (counted["n_minima"], counted["n_not_certified"], counted["n_left"]) == (1, 1, 1)
    assert (counted["temperature"], len(counted["free_energies"])) == (350.0, 1)
    assert "Certification by Hessians" in (tmp_path / "index.html").read_text()


def test_certify_names_the_way_to_continue_if_minima_are_left(pes_explore, library, make_run, tmp_path):
    make_run(tmp_path)
    library.n_left = 1
    code, _, err = pes_explore("certify", tmp_path)
    assert code == 0
    assert library.asked[0][1] == 10
    assert "Left to certify: 1 minimum. Repeat the command to continue." in err


def test_certify_of_a_missing_run_fails_before_any_computation(pes_explore, library, tmp_path):
    code, _, err = pes_explore("certify", tmp_path / "nowhere")
    assert code == 1
    assert "No run at" in err
    assert library.asked == []
