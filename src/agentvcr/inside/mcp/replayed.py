"""Answer a client in the place of its MCP server, from the recording.

Owns what is said when: a recorded line comes once the client has said what had been said before it
was recorded, and after a question of the server's own nothing more of that exchange comes until it
is answered. No server is started.
"""

from __future__ import annotations

import json
from _thread import RLock, start_new_thread

from agentvcr.inside.exchange import Forward, ReplayHalt
from agentvcr.inside.mcp import messages
from agentvcr.inside.mcp.messages import Message, own_origin, request_of, with_id, without_origin
from agentvcr.inside.waiting import wait

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.exchange import ProcessHandler, Request, Serve


class Answer:
    """A recorded answer, given line by line."""

    __slots__ = ("asked", "busy", "counts", "ended", "live", "position", "recorded", "serve")

    def __init__(self, serve: Serve, live: str) -> None:
        """Answer the live request `live` as the recorded one was."""
        self.serve = serve
        self.live = live
        named = [value for name, value in serve.headers if name == messages.ID_HEADER]
        self.recorded = named[0].decode() if named else ""
        self.position = 0
        self.asked = ""
        """Key of the server's question that the client has still to answer."""
        self.busy = False
        self.ended = False
        self.counts = messages.COVERED_HEADER not in [name for name, _ in serve.headers]
        """Whether it was counted: not what was said in a function's call."""

    def end(self) -> None:
        """Tell how much was given, once."""
        if not self.ended and self.serve.taken is not None:
            kind = self.serve.end_kind
            self.serve.taken(self.position, "cut" if kind == "killed" else kind)
        self.ended = True


class Replayed:
    """The server as it was recorded."""

    def __init__(
        self,
        handler: ProcessHandler,
        server: str,
        say: Callable[[bytes], None],
        leave: Callable[[int], None],
    ) -> None:
        """Take the server's place.

        Args:
            handler: Whom to ask.
            server: Its name.
            say: Hands a line to the client.
            leave: Ends as the server did; negative is a signal.
        """
        self._handler = handler
        self._server = server
        self._say = say
        self._leave = leave
        self._own = own_origin()
        self._lock = RLock()
        self._answers: dict[str, Answer] = {}
        self._asked: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._after = 0
        self._lines = 0
        self._left = False
        self._session = self._begin(messages.session_request(server, self._own))
        self._coming = [json.loads(chunk) for chunk in self._session.chunks]
        self._status = 0

    def begin(self) -> None:
        """Say what the server said before anybody asked."""
        with self._lock:
            self._catch_up()

    def client_says(self, line: bytes) -> None:
        """Answer a client's line.

        Raises:
            ReplayHalt: It was not recorded.
        """
        origin, line = without_origin(line)
        message = Message(line)
        with self._lock:
            answers = self._asked.pop(message.key, "") if message.is_response else ""
            serve = self._begin(request_of(self._server, message, origin or self._own, answers))
            answer = Answer(serve, message.key)
            self._after += answer.counts
            if message.is_request:
                self._answers[message.key] = answer
                self._ids[answer.recorded] = message.key
            else:
                answer.end()
            cancelled = self._answers.pop(message.cancels, None)
            if cancelled is not None:
                cancelled.end()
            for one in [*self._answers.values()]:
                if one is answer or (answers and one.asked == message.key):
                    one.asked = ""
                    self._go_on(one)
            self._catch_up()

    def client_left(self) -> None:
        """End as the server did when its client was gone."""
        with self._lock:
            self._after += 1
            self._left = True
            self._catch_up()
            self.end()
            self._leave(self._status)

    def end(self) -> None:
        """Tell how much of everything was given."""
        with self._lock:
            for one in [*self._answers.values()]:
                one.end()
            if self._session.taken is not None:
                kind = self._session.end_kind
                given = len(self._session.chunks) - len(self._coming)
                self._session.taken(given, "cut" if kind == "killed" else kind)
                self._session.taken = None

    def _begin(self, request: Request) -> Serve:
        try:
            decision = self._handler.begin(request)
        except Exception as error:  # noqa: BLE001  (ours: nothing may go live over it)
            decision = self._handler.failed(error)
        if isinstance(decision, Forward):
            raise ReplayHalt("no server is started in a replay")
        return decision

    def _go_on(self, answer: Answer) -> None:
        if not answer.serve.delays_ns:
            while self._give(answer):
                pass
        elif not answer.busy:
            answer.busy = True
            start_new_thread(self._give_at_pace, (answer,))

    def _give_at_pace(self, answer: Answer) -> None:
        while True:
            if not answer.asked:
                wait(answer.serve, answer.position + 1)
            with self._lock:
                if answer.ended or not self._give(answer):
                    answer.busy = False
                    self._catch_up()
                    return
                self._catch_up()

    def _give(self, answer: Answer) -> bool:
        """Give the next line; False when nothing more is to be given now."""
        serve = answer.serve
        if answer.asked or answer.ended:
            return False
        if answer.position < len(serve.chunks):
            line = serve.chunks[answer.position]
            answer.position += 1
            message = Message(line)
            if message.is_request:
                answer.asked = message.key
                self._asked[message.key] = message.method
            self._lines += answer.counts
            self._say(with_id(line, answer.recorded, answer.live))
        if answer.position >= len(serve.chunks) and serve.end_kind == "eof" and not answer.asked:
            answer.end()
            self._answers.pop(answer.live, None)
        return answer.position < len(serve.chunks)

    def _catch_up(self) -> None:
        """Say what belongs to no request, as far as the recording had come by then."""
        while self._coming:
            told: dict[str, Any] = self._coming[0]
            if self._after < told["after"] or self._lines < told["lines"]:
                break
            self._coming.pop(0)
            if "line" in told:
                line = told["line"].encode("utf-8", "surrogateescape")
                message = Message(line)
                if message.is_request:
                    self._asked[message.key] = message.method
                name = message.key if message.is_response else message.token
                self._lines += 1
                self._say(with_id(line, name, self._ids.get(name, name)))
                continue
            self._status = -told["signal"] if "signal" in told else told["exit"]
            if not self._left:
                self.end()
                self._leave(self._status)
