"""When a timer of an event loop is due."""

import math

from hypothesis import given
from hypothesis import strategies as st

from agentvcr.inside.order.loops import due_ns_of

_NS = 1_000_000_000
_YEARS_S = 1e9


@given(st.floats(0, _YEARS_S))
def test_a_timer_is_due_at_the_first_nanosecond_that_is_behind_it(when_s):
    due_ns = due_ns_of(when_s)
    assert due_ns / _NS > when_s
    assert (due_ns - 1) / _NS <= math.nextafter(when_s, math.inf)
