"""A fork: one recorded exchange, changed when its request comes.

Owns which exchange that is, and whether its request has come. What is changed is `patches`. What
the program asks because of it is met like any request: it was recorded, or it is a miss.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentvcr.model.exchange import Exchange
from agentvcr.replaying.patches import Patch, answered, asked

CAN_ASK_OTHERWISE = ("httpx", "httpx2", "gateway")
"""Clients whose request can go out with another body."""


class Fork:
    """What is changed of one exchange."""

    def __init__(self, exchange: Exchange, patches: Sequence[Patch]) -> None:
        """Change `exchange` so.

        Raises:
            BadOptionError: It has not what is to be changed.
        """
        self.number = exchange.number
        self.patches = tuple(patches)
        self.exchange = answered(exchange, patches)
        self.change_request = asked(exchange, patches)
        """Makes the body of its request another one; None where that stays."""
        self.is_reached = False

    def changed(self, exchange: Exchange) -> Exchange:
        """Give the exchange that answers in the place of a recorded one: mostly that one itself."""
        if exchange.number != self.number:
            return exchange
        self.is_reached = True
        return self.exchange
