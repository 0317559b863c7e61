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
        self._is_given = False

    def changed(self, exchange: Exchange) -> Exchange:
        """Give the exchange that answers in the place of a recorded one: mostly that one itself.

        The changed one answers once. A client that asks again, as after a status of 500, gets what
        was recorded: it is the one answer that was another, and not the service.
        """
        if exchange.number != self.number or self._is_given:
            return exchange
        self.is_reached = self._is_given = True
        return self.exchange
