"""What the tests here share that pytest must know before they are read."""

import pytest

pytest.register_assert_rewrite("tests.support.battery")
