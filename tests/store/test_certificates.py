"""Certificates and saddles are read as they were stored, and can be added to older runs."""

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


def make_certificate(id: int, point_type: StationaryPointType = StationaryPointType.MINIMUM, **changes) -> Certificate:
    fields = {
        "reason": "",
        "energy": -1.5,
        "fmax": 1e-5,
        "lowest_wavenumber": 21.5,
        "n_products": 17,
        "wavenumbers": np.empty(0),
    }
    return Certificate(minimum=id, point_type=point_type, **(fields | changes))


def make_saddle(id: int) -> Saddle:
    positions = make_minimum(id).positions
    ends = (
        SaddleEnd(
            minimum=0,
            energy=-2.0,
            positions=positions + 1,
            structure_class=StructureClass.INTACT,
            point_type=StationaryPointType.MINIMUM,
            reason="",
            lowest_wavenumber=12.0,
        ),
        SaddleEnd(
            minimum=None,
            energy=-2.5,
            positions=positions - 1,
            structure_class=StructureClass.CIS_AMIDE,
            point_type=StationaryPointType.NOT_CERTIFIED,
            reason="not relaxed",
            lowest_wavenumber=math.nan,
        ),
    )
    return Saddle(
        minimum=id,
        energy=-1.5,
        positions=positions,
        fmax=1e-5,
        direction=0.1 * positions,
        wavenumbers=np.array([-120.0, 30.0]),
        ends=ends,
    )


def test_certificates_are_read_bit_for_bit_and_later_ones_replace_earlier_ones(tmp_path):
    not_certified = make_certificate(2, StationaryPointType.NOT_CERTIFIED, reason="fmax", lowest_wavenumber=math.nan)
    saddle = make_certificate(
        1, StationaryPointType.SADDLE, lowest_wavenumber=-120.0, wavenumbers=np.array([-120.0, 30.0])
    )
    with begin(tmp_path) as store:
        store.commit(make_round(0, 3))
        store.save_certificates([make_certificate(0), not_certified], [])
        store.save_certificates([saddle], [make_saddle(1)])
    run = read_run(tmp_path)
    assert_same(run.certificates, (make_certificate(0), saddle, not_certified))
    assert_same(run.saddles, (make_saddle(1),))
    whole = make_certificate(0, wavenumbers=np.array([21.5, 33.0]))
    with Store.resume(tmp_path) as store:
        store.save_certificates([whole, make_certificate(1)], [])
        store.commit(make_round(1, 3))
    run = read_run(tmp_path)
    assert_same(run.certificates, (whole, make_certificate(1), not_certified))
    assert run.saddles == ()


def test_batch_of_certificates_is_stored_completely_or_not_at_all(tmp_path):
    dangling = dataclasses.replace(make_certificate(0), minimum=99)
    with begin(tmp_path) as store:
        store.commit(make_round(0))
        try:
            store.save_certificates([make_certificate(0), dangling], [])
        except sqlite3.IntegrityError:
            store.save_certificates([make_certificate(1)], [])
    assert [c.minimum for c in read_run(tmp_path).certificates] == [1]


def test_run_of_schema_2_has_no_certificates_and_accepts_new_ones(tmp_path):
    with begin(tmp_path) as store:
        store.commit(make_round(0))
    as_of_schema(2, tmp_path / "run.sqlite")
    assert read_run(tmp_path).certificates == ()
    with Store.resume(tmp_path) as store:
        store.save_certificates([make_certificate(0)], [])
    assert_same(read_run(tmp_path).certificates, (make_certificate(0),))
