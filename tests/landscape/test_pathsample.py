"""Files of PATHSAMPLE: what is written is read back, rates are those of the formula, damage is named."""

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.landscape.databases import database_network, read_database
from explorer.landscape.pathsample import StationaryPoint, log_product_of_squares, write_points


def write(folder, minima, saddles):
    write_points([StationaryPoint(*m, np.ones(3)) for m in minima], folder / "min.data")
    write_points([StationaryPoint(*s[:3], np.ones(3), s[3]) for s in saddles], folder / "ts.data")


def test_network_has_the_rates_of_the_formula(tmp_path):
    write(tmp_path, [(-3.0, 70.0, 20), (-2.5, 69.0, 6)], [(-2.0, 65.0, 2, (1, 2)), (-1.0, 66.0, 4, (2, 2))])
    rates = database_network(read_database(tmp_path), 0.2).rate_matrix()
    assert rates[0, 1] == pytest.approx(10 * np.exp(2.5) / (2 * np.pi) * np.exp(-1.0 / 0.2), rel=1e-9)
    assert rates[1, 0] == pytest.approx(3 * np.exp(2.0) / (2 * np.pi) * np.exp(-0.5 / 0.2), rel=1e-9)


def test_numbers_of_fortran_are_read(tmp_path):
    write(tmp_path, [(0.0, 1.0, 1), (0.5, 1.0, 1)], [])
    (tmp_path / "ts.data").write_text("  0.1D+01  2.0  1  2  1  1.0 1.0 1.0\n\n")
    assert database_network(read_database(tmp_path), 1.0).ends.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.0 2.0 1 1 3 1 1 1\n", "joins minimum 3, which does not exist"),
        ("1.0 2.0 1 1 2\n", "line 1: 8 numbers were wanted"),
        ("energy\n", "line 1: 8 numbers were wanted"),
    ],
)
def test_damage_is_named(tmp_path, text, message):
    write(tmp_path, [(0.0, 1.0, 1), (0.5, 1.0, 1)], [])
    (tmp_path / "ts.data").write_text(text)
    with pytest.raises(InputError, match=message):
        database_network(read_database(tmp_path), 1.0)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"min\.data is missing"):
        database_network(read_database(tmp_path), 1.0)


def test_frequencies_are_in_radians_per_second():
    assert log_product_of_squares(np.array([1.0])) == pytest.approx(2 * np.log(2 * np.pi * 2.99792458e10))
