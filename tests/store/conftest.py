"""A comparison of rounds that fails says which field differs."""

import pytest

pytest.register_assert_rewrite("rounds")
