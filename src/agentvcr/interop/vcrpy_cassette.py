"""vcrpy's own cassette with an index: the same answers, found at once.

Owns the search for a stored request. Record modes, matchers, hooks and files are vcrpy's. A stock
cassette compares each request with every one that it holds, and words the difference each time.

A stored request is found by what it was when it was stored. A matcher of the user's own is asked
about the requests alone that vcrpy's matchers do not tell apart.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

from vcr import cassette as stock
from vcr import matchers, util

Request = Any  # vcrpy has no types
Matcher = Callable[[Request, Request], object]
Key = tuple[Hashable, ...]

_KEYS: tuple[tuple[Matcher, Callable[[Request], Hashable]], ...] = (
    (matchers.method, lambda request: request.method),
    (matchers.scheme, lambda request: request.scheme),
    (matchers.host, lambda request: request.host),
    (matchers.port, lambda request: request.port),
    (matchers.path, lambda request: request.path or "/"),
    (matchers.query, lambda request: tuple(request.query)),
    # Its own idea of an equal address, which older versions have none of.
    (matchers.uri, getattr(matchers, "_normalized_uri", lambda request: request.uri)),
)
"""What each of vcrpy's matchers compares. Of two requests that it takes for equal, the keys are."""

_ALL: Final = sys.maxsize


class RequestIndex:
    """Finds, among requests that were added, those that match another; in the order of adding."""

    def __init__(self, match_on: Sequence[Matcher]) -> None:
        """Index for these matchers."""
        # By identity: a user's matcher may be anything, and need not even be hashable.
        self._parts = [part for known, part in _KEYS if any(one is known for one in match_on)]
        self._bodies = any(one is matchers.body for one in match_on)
        self._raw = any(one is matchers.raw_body for one in match_on)
        self._count = 0
        self._unknown: list[int] = []
        """Those that are no requests of vcrpy's, as in tests: they are compared with all."""
        self._places: dict[Key, list[int]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, request: Request) -> None:
        """Add a request."""
        place, self._count = self._count, self._count + 1
        keys = self._keys(request)
        if keys is None:
            self._unknown.append(place)
        for key in keys or ():
            self._places.setdefault(key, []).append(place)

    def find(self, request: Request) -> tuple[Hashable, list[int]]:
        """Find the places of those that may match: no other does.

        Returns:
            What they have in common, and the places in the order of adding. For what they have in
            common, more may be added at the end, and none ever goes.
        """
        keys = self._keys(request)
        if keys is None:
            return None, list(range(self._count))
        lists = [self._unknown, *(self._places.get(key, []) for key in keys)]
        found = [places for places in lists if places]
        if len(found) == 1:
            return tuple(keys), found[0]
        return tuple(keys), sorted({place for places in found for place in places})

    def _keys(self, request: Request) -> list[Key] | None:
        """Give the keys of a request; of two that match, one at least is in both.

        vcrpy compares bodies as their headers say (JSON, forms), where both say the same, and else
        byte for byte; so a request has a key for either.
        """
        try:
            key: Key = tuple(part(request) for part in self._parts)
            if not (self._bodies or self._raw):
                return [key]
            raw = _hashable(util.read_body(request))
            if self._raw:
                return [(*key, raw)]
            return [(*key, "raw", raw), (*key, "read", *_meaning_of(request))]
        except (AttributeError, TypeError, ValueError):  # vcrpy says so where it compares it
            return None


def _meaning_of(request: Request) -> tuple[Hashable, Hashable]:
    """Say how vcrpy reads a body, and as what."""
    readers = tuple(matchers._get_transformers(request))  # noqa: SLF001  (as above)
    body = util.read_body(request)
    try:
        for reader in readers:
            body = reader(body)
    except Exception:  # noqa: BLE001  (vcrpy compares what it cannot read byte for byte)
        return "unread", _hashable(util.read_body(request))
    return readers, _hashable(body)


def _hashable(value: Any) -> Hashable:  # noqa: ANN401  (any parsed body)
    """Give something that is equal where the values are; of what is not known, always the same."""
    if isinstance(value, dict):
        return frozenset((key, _hashable(one)) for key, one in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    if isinstance(value, bytearray):
        return bytes(value)
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    return None


class Cassette(stock.Cassette):  # type: ignore[misc]  # vcrpy has no types
    """A cassette of vcrpy's that searches by index. Give it to `vcr.config.Cassette`, or use it."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  (vcrpy's)
        """Make an empty cassette, with vcrpy's options."""
        super().__init__(*args, **options)
        self._index = RequestIndex(self._match_on)
        self._indexed: list[Any] = self.data
        self._played: dict[Hashable, int] = {}
        """How many at the beginning of what was found are played."""

    def _find(self, request: Request) -> tuple[Hashable, list[int]]:
        """Search; what was added is indexed, and what was taken away or replaced means anew."""
        if self._indexed is not self.data or len(self.data) < len(self._index):
            self._index = RequestIndex(self._match_on)
            self._indexed = self.data
            self._played.clear()
        for stored, _ in self.data[len(self._index) :]:
            self._index.add(stored)
        return self._index.find(request) if self.data else (None, [])

    def _matches(self, request: Request, place: int) -> bool:
        return bool(stock.requests_match(request, self.data[place][0], self._match_on))

    def _responses(self, request: Request) -> Iterator[tuple[int, Any]]:
        request = self._before_record_request(request)
        for place in self._find(request)[1]:
            if self._matches(request, place):
                yield place, self.data[place][1]

    def _playable(self, request: Request) -> int | None:
        """Give the place of the first that matches and may be played."""
        request = self._before_record_request(request)
        key, places = self._find(request)
        for position in range(self._first_unplayed(key, places), len(places)):
            place = places[position]
            if self._may_play(place) and self._matches(request, place):
                return place
        return None

    def _may_play(self, place: int) -> bool:
        return bool(self.allow_playback_repeats or self.play_counts[place] == 0)

    def _first_unplayed(self, key: Hashable, places: list[int]) -> int:
        """Say how many at the beginning are played, and remember it for the next search."""
        if self.allow_playback_repeats or key is None:
            return 0
        position = self._played.get(key, 0)
        if position and self.play_counts[places[position - 1]] == 0:  # it was rewound
            position = 0
        while position < len(places) and self.play_counts[places[position]]:
            position += 1
        self._played[key] = position
        return position

    def __contains__(self, request: Request) -> bool:
        return self._playable(request) is not None

    def play_response(self, request: Request) -> Any:  # noqa: ANN401  (vcrpy's)
        """Give the first matching response that was not played, and mark it as played."""
        place = self._playable(request)
        if place is None:
            return super().play_response(request)  # it says why not
        stored, response = self.data[place]
        loaded = getattr(self, "_loaded_count", _ALL)  # before vcrpy 9 nobody counts
        if self.play_counts[place] == 0 and place < loaded:
            self._played_interactions.append((stored, response))
        self.play_counts[place] += 1
        return response

    def _new_interactions(self) -> list[Any]:
        old = _Among(self._old_interactions, self._match_on)
        return [(new, response) for new, response in self.data if not old.has_match_of(new)]

    def _rerecorded_interactions(self) -> list[Any]:
        loaded, recorded = self.data[: self._loaded_count], self.data[self._loaded_count :]
        if self.drop_unused_requests:
            return list(recorded)
        new = _Among(recorded, self._match_on)
        return [*(one for one in loaded if not new.has_new_form_of(one[0])), *recorded]


class _Among:
    """Says whether a request matches one of several interactions."""

    def __init__(self, interactions: list[Any], match_on: Sequence[Matcher]) -> None:
        self._interactions = interactions
        self._match_on = match_on
        self._index = RequestIndex(match_on)
        for request, _ in interactions:
            self._index.add(request)

    def has_match_of(self, new: Request) -> bool:
        """Whether one of them is what `new` asks for."""
        return any(
            stock.requests_match(new, self._interactions[place][0], self._match_on)
            for place in self._index.find(new)[1]
        )

    def has_new_form_of(self, old: Request) -> bool:
        """Whether one of them asks for `old`."""
        return any(
            stock.requests_match(self._interactions[place][0], old, self._match_on)
            for place in self._index.find(old)[1]
        )
