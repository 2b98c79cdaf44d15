"""Certificates and saddles come back as they were stored, also in runs that are older than they are."""

import dataclasses
import math
import sqlite3

import numpy as np
from older import as_of_schema
from rounds import assert_same, begin, make_minimum, make_round

from explorer.records.certificates import Certificate, Saddle, SaddleEnd, StationaryPointType
from explorer.records.structure_class import StructureClass
from explorer.store.read import read_run
from explorer.store.store import Store


def make_certificate(id: int, verdict: StationaryPointType = StationaryPointType.MINIMUM, **changes) -> Certificate:
    fields = {"reason": "", "energy": -1.5, "fmax": 1e-5, "lowest": 21.5, "n_products": 17, "wavenumbers": np.empty(0)}
    return Certificate(id, verdict, **(fields | changes))


def make_saddle(id: int) -> Saddle:
    positions = make_minimum(id).positions
    ends = (
        SaddleEnd(0, -2.0, positions + 1, StructureClass.INTACT, StationaryPointType.MINIMUM, "", 12.0),
        SaddleEnd(
            None,
            -2.5,
            positions - 1,
            StructureClass.CIS_AMIDE,
            StationaryPointType.NOT_CERTIFIED,
            "not relaxed",
            math.nan,
        ),
    )
    return Saddle(id, -1.5, positions, 1e-5, 0.1 * positions, np.array([-120.0, 30.0]), ends)


def test_certificates_come_back_bit_for_bit_and_later_ones_replace_earlier_ones(tmp_path):
    open_one = make_certificate(2, StationaryPointType.NOT_CERTIFIED, reason="fmax", lowest=math.nan)
    saddle = make_certificate(1, StationaryPointType.SADDLE, lowest=-120.0, wavenumbers=np.array([-120.0, 30.0]))
    with begin(tmp_path) as store:
        store.commit(make_round(0, 3))
        store.save_certificates([make_certificate(0), open_one], [])
        store.save_certificates([saddle], [make_saddle(1)])
    run = read_run(tmp_path)
    assert_same(run.certificates, (make_certificate(0), saddle, open_one))
    assert_same(run.saddles, (make_saddle(1),))
    whole = make_certificate(0, wavenumbers=np.array([21.5, 33.0]))
    with Store.resume(tmp_path) as store:
        store.save_certificates([whole, make_certificate(1)], [])
        store.commit(make_round(1, 3))
    run = read_run(tmp_path)
    assert_same(run.certificates, (whole, make_certificate(1), open_one))
    assert run.saddles == ()


def test_batch_of_certificates_is_stored_whole_or_not_at_all(tmp_path):
    dangling = dataclasses.replace(make_certificate(0), minimum=99)
    with begin(tmp_path) as store:
        store.commit(make_round(0))
        try:
            store.save_certificates([make_certificate(0), dangling], [])
        except sqlite3.IntegrityError:
            store.save_certificates([make_certificate(1)], [])
    assert [c.minimum for c in read_run(tmp_path).certificates] == [1]


def test_run_of_schema_2_has_no_certificates_and_takes_new_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0))
    as_of_schema(2, tmp_path / "run.sqlite")
    assert read_run(tmp_path).certificates == ()
    with Store.resume(tmp_path) as store:
        store.save_certificates([make_certificate(0)], [])
    assert_same(read_run(tmp_path).certificates, (make_certificate(0),))
