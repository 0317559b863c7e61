"""The exchanges of a run under other rules than those that it was recorded with.

Owns that they are the same exchanges with other hashes, made from the recorded requests. Does not
write a cassette (`cassette`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.model.exchange import Exchange, Exchanges, Key


class Rekeyed(Exchanges):
    """Exchanges with the hashes that other rules give them; each body is read once for it."""

    def __init__(self, exchanges: Exchanges, fingerprinter: Fingerprinter) -> None:
        """Make the hashes of all of them anew."""
        self._exchanges = exchanges
        self._keys: list[Key] = []
        for key in exchanges.list_keys():
            request = exchanges.numbered(key.number).request
            made = fingerprinter.identify_again(request)
            self._keys.append(
                msgspec.structs.replace(key, fingerprint=made.fingerprint, raw_hash=made.raw_hash)
            )
        self._by_number = {one.number: one for one in self._keys}

    @property
    def last_began_ns(self) -> int:
        """When the last of them began."""
        return self._exchanges.last_began_ns

    def list_keys(self) -> Sequence[Key]:
        """Give what each is found by."""
        return self._keys

    def numbered(self, number: int) -> Exchange:
        """Give the exchange of that number."""
        return self._rekeyed(self._exchanges.numbered(number))

    def __len__(self) -> int:
        return len(self._exchanges)

    def _at(self, index: int) -> Exchange:
        return self._rekeyed(self._exchanges[index])

    def _rekeyed(self, exchange: Exchange) -> Exchange:
        key = self._by_number[exchange.number]
        return msgspec.structs.replace(exchange, fingerprint=key.fingerprint, raw_hash=key.raw_hash)
