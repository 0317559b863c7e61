"""The bytes that stand for chance: of the run's seed, the name of a lane, and how many it has had.

Owns what `os.urandom` gives in a recorded process, and who gets real chance instead: code without a
lane, the inner workings of clients (a replay does none of them), and libraries that make keys,
since the seed lies in the cassette. Knows no generators (`shared`).
"""

from __future__ import annotations

import os
import sys
from _operator import index
from itertools import count

from agentvcr.inside import lanes
from agentvcr.inside.patching import unbinding

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, Callable

    from agentvcr.inside.lane import Lane

real = os.urandom
"""Real chance, also where `os.urandom` is ours: what tells two processes apart must not repeat."""

on_draw: list[Callable[[Any], None]] = []
"""Are told of each value that is drawn for the program; of None where a generator is seeded."""

SEED_SIZE = 16
_DRAWN = "drawn"
_LONGEST_HASH = 64
_PASSED_ON = ("random", "secrets")
"""Modules that draw for whoever calls them."""
_KEY_MAKERS = frozenset(
    (
        *("Crypto", "Cryptodome", "asyncssh", "bip_utils", "coincurve", "cryptography", "ecdsa"),
        *("eth_account", "eth_keyfile", "eth_keys", "jwcrypto", "mnemonic", "nacl", "paramiko"),
        *("pgpy", "rsa", "tlslite"),
    )
)
"""Packages whose draws become keys, or would give one away: the nonce of a signature does."""


def place(lane: Lane) -> tuple[dict[Any, Any], str]:
    """Say where what belongs to a lane is kept, and under which name.

    What a recorded function does is not done again on replay: its draws are its own, or each later
    one of the lane would be another.
    """
    cover = lane.cover
    if cover is None or cover.left:
        return lane.counters, lane.name
    return cover.counters, "%s %s" % (lane.name, cover.path)


def hashed(seed: bytes, text: str, size: int) -> bytes:
    """Make `size` bytes of a seed and a text."""
    data = text.encode("utf-8", "backslashreplace")
    if size <= _LONGEST_HASH:
        from _blake2 import blake2b  # noqa: PLC0415  (only who draws; `hashlib` loads OpenSSL)

        return blake2b(data, digest_size=_LONGEST_HASH, key=seed).digest()[:size]
    from _sha3 import (  # type: ignore[import-not-found]  # noqa: PLC0415  (as above)
        shake_256,
    )

    return bytes(shake_256(seed + data).digest(size))


def drawn(value: Any) -> Any:  # noqa: ANN401  (whatever is drawn)
    """Pass on a value that is drawn for the program, and tell whoever looks for such."""
    if on_draw:
        on_draw[0](value)
    return value


class Stream:
    """Draws for the lanes of one process."""

    def __init__(self, seed: bytes) -> None:
        """Draw from this seed."""
        self._seed = seed

    def begin_again(self, seed: bytes) -> None:
        """Draw from another seed."""
        self._seed = seed

    def draw(self, lane: Lane, size: int) -> bytes:
        """Give a lane its next bytes."""
        counters, name = place(lane)
        # setdefault and next are each atomic: two threads never draw the same.
        number = next(counters.setdefault((_DRAWN, name), count()))
        return hashed(self._seed, "%s %d" % (name, number), size)

    def number(self) -> int | None:
        """Give the running code the seed of a generator; None where its chance is real."""
        lane = lanes.current()
        if lane.shadow:
            return None
        drawn(None)
        return int.from_bytes(self.draw(lane, 32), "big")

    def replace_urandom(self) -> None:
        """Put ours in the place of `os.urandom`, and of what is like it."""

        @unbinding(real, "os")
        def urandom(_: object, size: Any, /) -> Any:  # noqa: ANN401  (whatever the program gives)
            lane = lanes.current()
            if lane.shadow or not _is_size(size) or _makes_keys(sys._getframe(1)):
                return real(size)  # says what is wrong with it, where something is
            return drawn(self.draw(lane, index(size)))

        lanes.replace(os, "urandom", urandom)
        original: Any = getattr(os, "getrandom", None)
        if original is not None:

            @unbinding(original, "os")
            def getrandom(_: object, size: Any, flags: int = 0) -> Any:  # noqa: ANN401  (as above)
                lane = lanes.current()
                if lane.shadow or not _is_size(size) or _makes_keys(sys._getframe(1)):
                    return bytes(original(size, flags))
                return drawn(self.draw(lane, index(size)))

            lanes.replace(os, "getrandom", getrandom)


def _is_size(size: Any) -> bool:  # noqa: ANN401  (as above)
    try:
        return index(size) >= 0
    except TypeError:
        return False


def _makes_keys(caller: FrameType | None) -> bool:
    """Whether who asks, or for whom it is asked, belongs to a library that makes keys."""
    while caller is not None:
        module = str(caller.f_globals.get("__name__", ""))
        if module not in _PASSED_ON:
            return module.partition(".")[0] in _KEY_MAKERS
        caller = caller.f_back
    return False
