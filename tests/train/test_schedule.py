"""The learning rate rises linearly, stays constant without limit, and decays almost to zero."""

import pytest

from explorer.train.schedule import rate


def test_rate_rises_stays_constant_and_decays():
    assert rate(0, 4) == pytest.approx(0.2)
    assert rate(3, 4) == pytest.approx(0.8)
    assert [rate(step, 4) for step in (4, 10, 10**6)] == [1.0, 1.0, 1.0]
    down = [rate(step, 4, (10, 100)) for step in range(10, 110)]
    assert down[0] == 1.0
    assert down == sorted(down, reverse=True)
    assert down[25] == pytest.approx(0.5)  # 1 - √(1/4)
    assert 0 < down[-1] < 0.01
