"""Assertion rewriting for `rounds`, so that a failed comparison names the field."""

import pytest

pytest.register_assert_rewrite("rounds")
