import functools
import signal

import pytest

from agentvcr.inside.exchange import by_a_handler


class Handler:
    def method(self, *_):
        raise TimeoutError

    def __call__(self, *_):
        raise TimeoutError


def function(*_):
    raise TimeoutError


HANDLERS = [function, Handler().method, Handler(), functools.partial(function, 1)]


@pytest.mark.parametrize("handler", HANDLERS, ids=range(len(HANDLERS)))
def test_what_a_handler_raises_is_told_from_an_error_of_ours(handler):
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(TimeoutError) as raised:
            signal.raise_signal(signal.SIGUSR1)
        assert by_a_handler(raised.value)
        with pytest.raises(ZeroDivisionError) as own:
            1 / 0  # noqa: B018
        assert not by_a_handler(own.value)
    finally:
        signal.signal(signal.SIGUSR1, before)
