"""The replayer: a handler that answers each request with its recorded exchange.

Owns which exchange answers, in what order, and how often each is used: once. Does not compare
bodies (`matching`), choose who answers for another (`lending`), word a miss (its `explain` does) or
open a socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Literal

from agentvcr.boundary import UPGRADED, Boundary, name_upgrade
from agentvcr.inside.exchange import Forward, NullSink, Request, Serve
from agentvcr.matching.nearest import nearest
from agentvcr.matching.rpc import id_of, with_live_id
from agentvcr.model.address import address_of
from agentvcr.model.exchange import (
    GATEWAY_CLIENT,
    Exchange,
    Exchanges,
    Headers,
    Response,
)
from agentvcr.providers.mcp import read_said
from agentvcr.replaying.added import added_call, as_recorded
from agentvcr.replaying.causes import Causes
from agentvcr.replaying.collectors import Collectors, refusal
from agentvcr.replaying.fork import CAN_ASK_OTHERWISE, Fork
from agentvcr.replaying.interrupted import Interrupted
from agentvcr.replaying.ledger import Ledger
from agentvcr.replaying.lending import Lender
from agentvcr.replaying.patches import STARTED

OnMiss = Literal["fail", "nearest", "live"]
"""What to do about a request that was not recorded: stop, lend it the answer of the exchange that
is most like it, or ask the real service."""

_GLANCE = 200
"""Exchanges looked at for the words of a miss that ends nothing."""
_SHORT_GAP_NS = 50_000_000
CALL = "CALL"
"""The method of a recorded function's call."""
_ONLY_OWN = {CALL, STARTED}
_CUT_OFF = "the recording has no end, as after a crash: it may go no further than this"

Explain = Callable[[Request, Exchange | None], str]
"""Words a miss: the live request, and the closest recorded exchange."""


class Replayer:
    """Answers from one run; an exchange is found by hash, never by search."""

    def __init__(  # noqa: PLR0913  (what a replay consists of)
        self,
        exchanges: Exchanges,
        *,
        boundary: Boundary,
        ledger: Ledger,
        explain: Explain,
        on_miss: OnMiss = "fail",
        pace: float = 0.0,
        is_open_ended: bool = False,
        collectors: Collectors | None = None,
        any_lane: bool = False,
        fork: Fork | None = None,
        interrupted: Interrupted | None = None,
        advice: str = "--on-miss nearest",
    ) -> None:
        """Index the exchanges that were answered from outside.

        Args:
            exchanges: Those of the recorded run.
            boundary: What is not answered from the recording.
            ledger: Takes the divergences.
            explain: Words a miss.
            on_miss: Stop, answer with the nearest exchange, or let it go out.
            pace: 0 to answer at once, 1 to wait as long as the recorded answer took.
            is_open_ended: The recording does not say how the program ended.
            collectors: How those that take telemetry answered; they refuse where nobody knows.
            fork: What is changed of one exchange.
            interrupted: What was broken off in the recording, where that is to be asked anew.
            any_lane: Who asks is in none of the recorded lanes.
            advice: Says how to go on after a miss, in the words of whoever asked for the replay.
        """
        self._boundary = boundary
        self._ledger = ledger
        self._explain = explain
        self._advice = advice
        self._fork = fork
        self._interrupted = interrupted
        self._on_miss = on_miss
        self._pace = pace
        self._is_open_ended = is_open_ended
        self._collectors = collectors or Collectors(())
        keys = exchanges.list_keys()
        self._exchanges = exchanges
        self._causes = Causes(exchanges)
        calls = {one.place for one in keys if one.kind == "call" and not one.internal}
        self._internal = {
            one.fingerprint for one in keys if one.internal and not _is_covered(one.place, calls)
        }
        self._internal_by_lane: dict[tuple[str, bytes], deque[int]] = {}
        for one in keys:
            if one.internal and not _is_covered(one.place, calls):
                same = self._internal_by_lane.setdefault((one.lane, one.fingerprint), deque())
                same.append(one.number)
        self._covered: dict[bytes, deque[int]] = {}
        for one in keys:
            if one.internal and _is_covered(one.place, calls):
                self._covered.setdefault(one.fingerprint, deque()).append(one.number)
        self._keys = [one for one in keys if not one.internal]
        self._numbers = [one.number for one in self._keys]
        self._unused = dict.fromkeys(self._numbers)
        self._lender = Lender(exchanges, self._keys, self._unused, any_lane=any_lane)
        self._by_lane: dict[tuple[str, bytes], deque[int]] = {}
        self._by_content: dict[bytes, deque[int]] = {}
        for one in self._keys:
            self._by_lane.setdefault((one.lane, one.fingerprint), deque()).append(one.number)
            self._by_content.setdefault(one.fingerprint, deque()).append(one.number)

    @property
    def unused(self) -> list[Exchange]:
        """Exchanges that have answered no request yet, in recorded order."""
        left = (one for one in self._unused if not self._lender.has_lent(one))
        return [self._exchanges.numbered(one) for one in left]

    def not_asked(self) -> Iterator[Exchange]:
        """Give the exchanges whose own request has not come, in recorded order."""
        return (self._exchanges.numbered(one) for one in self._unused)

    def begin(self, request: Request) -> Serve | Forward:
        """Answer a request whose fingerprint is known, or say that it lies outside the recording.

        Raises:
            ReplayHalt: Nothing recorded answers it, or the replay was over before.
        """
        self._ledger.check()
        place = self._boundary.place_of(request.url)
        if place == "telemetry":
            self._ledger.telemetry += 1
            return self._collectors.answer(request)
        if place != "outside":
            return Forward(NullSink())
        if request.covered and self._on_miss == "live":  # asked in a function that does run
            self._boundary.let_out(request.url)
            return Forward(NullSink())
        exchange = self.take(request.lane, request.fingerprint) or self._learned_in_a_call(request)
        if exchange is not None:
            return (
                self._asked_anew(exchange, request)
                or self._asked_otherwise(exchange, request)
                or self._serve(exchange, request)
            )
        if request.fingerprint in self._internal:
            # It waits for a server of its own to come up, one time more than in the recording.
            return refusal(request)
        return self._missed(request)

    def _asked_anew(self, exchange: Exchange, request: Request) -> Forward | None:
        """Let a request go out whose recorded answer was broken off; None for any other."""
        interrupted = self._interrupted
        if interrupted is None or request.method == STARTED:
            return None
        ending, message = exchange.ending, f"exchange {exchange.number} of lane {exchange.lane} was"
        if interrupted.has_broken(exchange):
            number, message = 0, f"{message} broken off when the recorded run was interrupted"
        elif ending and ending.kind == "cancelled" and exchange.response is None:
            # Whether the program does so again is seen when its turn has come.
            number, message = exchange.number, f"{message} cancelled before it was answered"
        else:
            return None
        self._ledger.diverged("live", message, fatal=False)
        self._boundary.let_out(request.url)
        return Forward(NullSink(), number)

    def _asked_otherwise(self, exchange: Exchange, request: Request) -> Forward | None:
        """Let the request of a fork go out with another body, where it may; None for any other."""
        fork = self._fork
        if fork is None or fork.change_request is None or fork.number != exchange.number:
            return None
        fork.is_reached = True
        what = ", ".join(one.field for one in fork.patches if one.is_of_request)
        message = f"exchange {exchange.number} of lane {exchange.lane}: {what} is changed"
        if self._on_miss != "live":
            message += "; nothing answers that in the recording, so it has its recorded answer"
            self._ledger.diverged("nearest", message, fatal=False)
            return None
        if request.client not in CAN_ASK_OTHERWISE:
            message += f", which a request of {request.client} cannot be on its way"
            raise self._ledger.diverged("miss", message)
        self._ledger.diverged("live", message, fatal=False)
        self._boundary.let_out(request.url)
        return Forward(NullSink(), change=fork.change_request)

    def take(self, lane: str, fingerprint: bytes) -> Exchange | None:
        """Take the next unused exchange of the lane, else of any lane, with that fingerprint.

        Equal requests in one lane are answered in recorded order; one more than were recorded is a
        miss.
        """
        for queue in (
            self._by_lane.get((lane, fingerprint)),
            self._by_content.get(fingerprint),
        ):
            while queue:
                number = queue.popleft()
                if number in self._unused:
                    del self._unused[number]
                    return self._exchanges.numbered(number)
        return None

    def internal(self, lane: str, fingerprint: bytes) -> int:
        """Give the number of the recorded exchange, within the run, that a live one is; or 0."""
        same = self._internal_by_lane.get((lane, fingerprint))
        return same.popleft() if same else 0

    def _learned_in_a_call(self, request: Request) -> Exchange | None:
        """Find what an MCP client asked in a function's call and has kept since: lists, mostly.

        A replay does not run the function, so the client asks when it first needs the answer.
        """
        covered = self._covered.get(request.fingerprint)
        said = read_said(as_recorded(request)) if covered else None
        if not covered or said is None or said.is_tool_call:
            return None
        return self._exchanges.numbered(covered.popleft())

    def _missed(self, request: Request) -> Serve | Forward:
        """Answer a request that was not recorded, as `on_miss` says.

        Raises:
            ReplayHalt: That is not at all.
        """
        asked, same = as_recorded(request), self._asked_before(request)
        if self._on_miss == "nearest":
            found = self._lender.lend(request.lane, asked, same)
            message = self._told(request, found or self._most_like(request, _GLANCE))
            self._ledger.diverged("nearest" if found else "added", message, fatal=False)
            return self._serve(found, request, is_lent=True) if found else added_call(request)
        found = self._lender.closest(request.lane, asked, same)
        most = _GLANCE if self._on_miss == "live" else None
        message = self._told(request, found or self._most_like(request, most))
        if self._on_miss == "live" and request.method != STARTED:
            self._ledger.diverged("live", message, fatal=False)
            self._boundary.let_out(request.url)
            return Forward(NullSink())
        if self._on_miss == "live":
            message += "\nno server on standard streams is started in a replay, so none is asked"
        else:
            how = "that exchange" if found else "an error that its client understands"
            message += f"\n{self._advice} answers it with {how} and goes on"
        raise self._ledger.diverged("miss", message)

    def _told(self, request: Request, closest: Exchange | None) -> str:
        message = self._explain(request, closest)
        return f"{message}\n{_CUT_OFF}" if self._is_open_ended else message

    def _asked_before(self, request: Request) -> Exchange | None:
        """Find the last exchange of the same request, which is used up: nothing is closer."""
        same = [one for one in self._keys if one.fingerprint == request.fingerprint]
        own = [one for one in same if one.lane == request.lane] or same
        return self._exchanges.numbered(own[-1].number) if own else None

    def _most_like(self, request: Request, most: int | None) -> Exchange | None:
        """Find what to show beside a miss, among the first `most`: of many each must be quick."""
        candidates = islice(self._unused or self._numbers, most)
        found = nearest(request, map(self._exchanges.numbered, candidates))
        if found is not None and _ONLY_OWN & {request.method, found[0].request.method}:
            # A function's result is no answer to another function, nor to HTTP; nor is a tool's.
            found = found if found[0].request.url == request.url else None
        return found[0] if found else None

    def _serve(self, exchange: Exchange, request: Request, *, is_lent: bool = False) -> Serve:
        if self._fork is not None:
            exchange = self._fork.changed(exchange)
        response, ending = exchange.response, exchange.ending
        if response is not None and response.status == UPGRADED:
            raise self._ledger.diverged("upgrade", _upgraded(exchange))
        failure = ending.failure if ending else None
        headers, chunks = _answer(exchange, response, request) if response else ((), [])
        serve = Serve(
            status=response.status if response else 0,
            reason=response.reason if response else b"",
            http_version=response.http_version if response else b"",
            headers=list(headers),
            chunks=chunks,
            delays_ns=self._delays(exchange),
            end_kind=self._end_kind(exchange),
            failure=(failure.type, failure.message) if failure else None,
            number=exchange.number,
            gates=self._causes.of(exchange),
            is_lent=is_lent,
        )
        serve.is_edited = self._fork is not None and exchange is self._fork.exchange
        serve.taken = _Watch(self._ledger, exchange, is_open_ended=self._is_open_ended)
        return serve

    def _end_kind(self, exchange: Exchange) -> str:
        """Say how the answer is to end: `killed` where nobody will come to end a wait.

        What the recorded program left unanswered or cancelled waits in the replay too, for the one
        who cancels it, for a recorded signal, or for the end of the program. Of a recording without
        an end nobody knows what that was, and the replay would wait for ever.
        """
        kind = exchange.ending.kind if exchange.ending else "cut"
        is_last = exchange.ending is None or exchange.ending.at_ns >= self._exchanges.last_began_ns
        if kind in ("cut", "cancelled") and self._is_open_ended and is_last:
            return "killed"
        return kind

    def _delays(self, exchange: Exchange) -> list[int]:
        """Give the waits at the replay's pace.

        A program behind the gateway that stopped reading noticed so between two chunks: it gets
        them with gaps like the recorded ones, if short, whatever the pace is.
        """
        is_closed = exchange.ending is not None and exchange.ending.kind == "closed"
        was_left = is_closed and exchange.client == GATEWAY_CLIENT
        if not self._pace and not was_left:
            return []
        longest_ns, pace = (None, self._pace) if self._pace else (_SHORT_GAP_NS, 1.0)
        times = [exchange.began_ns]
        if exchange.response:
            times.append(exchange.response.at_ns)
            times.extend(chunk.at_ns for chunk in exchange.response.chunks)
        if exchange.ending and (was_left or exchange.ending.kind in ("eof", "failed")):
            times.append(exchange.ending.at_ns)
        delays = [int(max(0, after - before) * pace) for before, after in pairwise(times)]
        if longest_ns is not None:  # but for how long it waited in vain before it left
            delays[:-1] = [min(one, longest_ns) for one in delays[:-1]]
        return delays


def _answer(
    exchange: Exchange, response: Response, request: Request
) -> tuple[Headers, list[bytes]]:
    """Give an answer's headers and chunks, with the id of the request that it answers now."""
    chunks = [chunk.data for chunk in response.chunks]
    recorded, live = id_of(exchange.request.body), id_of(request.body)
    if recorded is None or live is None or recorded == live:
        return response.headers, chunks
    changed = with_live_id(chunks, recorded, live)
    size = b"%d" % sum(map(len, changed))
    sized = tuple(
        (name, size if name.lower() == b"content-length" else value)
        for name, value in response.headers
    )
    return (sized if changed != chunks else response.headers), changed


def _is_covered(place: str, calls: set[str]) -> bool:
    """Whether something was done in a call of a function that is answered itself."""
    while place and place not in calls:
        place = place.rpartition("/")[0]
    return bool(place)


class _Watch:
    """Notices a program that reads on where the recorded one stopped."""

    def __init__(self, ledger: Ledger, exchange: Exchange, *, is_open_ended: bool) -> None:
        self._ledger = ledger
        self._exchange = exchange
        self._is_open_ended = is_open_ended

    def __call__(self, chunks: int, kind: str, at_ns: int = 0) -> None:
        del at_ns
        if kind == "misfit":
            url = self._exchange.request.url
            message = (
                f"exchange {self._exchange.number} of lane {self._exchange.lane}: the recorded "
                f"result of {url} does not fit the function's return annotation any more"
            )
            self._ledger.diverged("misfit", message)
        if kind == "overrun":
            how = self._exchange.ending.kind if self._exchange.ending else "cut"
            own = self._exchange
            message = f"exchange {own.number} of lane {own.lane}: the program "
            if how == "cancelled" and own.response is None:
                message += "waits for an answer, where the recorded one cancelled its request"
            else:
                message += f"reads on after {chunks} chunks, where the recorded answer was {how}"
            if self._is_open_ended and how == "cut":
                message += f"\n{_CUT_OFF}"
            self._ledger.diverged("overrun", message)


def _upgraded(exchange: Exchange) -> str:
    address = address_of(exchange.request.url)
    place = f"{address.host}:{address.port}" if address else "HOST:PORT"
    headers = exchange.response.headers if exchange.response else ()
    name = name_upgrade(exchange.request.url, exchange.client, headers)
    return (
        f"exchange {exchange.number} of lane {exchange.lane} is an upgrade (status 101), {name}: "
        f"what was said after it is not in the recording; --live {place} leaves it to the real "
        "service"
    )
