"""A provider of several dialects that makes up ids anew for each answer, as the real ones do.

Owns the ids: each process of it makes other ones. The words of its answers are always the same.
"""

import secrets
import string

from tests.support import loopback, wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

_LETTERS = string.ascii_letters + string.digits


def _made(prefix: str, size: int = 24) -> str:
    """Make an id that holds a digit."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(size - 1)) + "7"


def _chat(_: Asked) -> dict:
    call = {"name": "search", "arguments": '{"q": "oaks"}'}
    calls = [{"id": _made("call_"), "type": "function", "function": call}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {"id": _made("chatcmpl-"), "model": "m", "choices": [choice]}


def _short(asked: Asked) -> dict:
    """As `_chat`, with ids in no known shape."""
    answer = _chat(asked)
    answer["choices"][0]["message"]["tool_calls"][0]["id"] = secrets.token_hex(4)
    return answer


def _messages(_: Asked) -> dict:
    use = {"type": "tool_use", "id": _made("toolu_"), "name": "search", "input": {"q": "oaks"}}
    return {"id": _made("msg_"), "role": "assistant", "content": [use], "stop_reason": "tool_use"}


def _responses(_: Asked) -> dict:
    call = {"type": "function_call", "id": _made("fc_", 48), "call_id": _made("call_")}
    output = [{**call, "name": "search", "arguments": '{"q":"oaks"}'}]
    return {"id": _made("resp_", 48), "object": "response", "output": output}


def _gemini(_: Asked) -> dict:
    call = {"id": secrets.token_hex(6), "name": "search", "args": {"q": "oaks"}}
    content = {"role": "model", "parts": [{"functionCall": call}]}
    return {"responseId": secrets.token_hex(8), "candidates": [{"content": content}]}


_ROUTES = {
    "/v1/chat/completions": _chat,
    "/short/chat/completions": _short,
    "/v1/messages": _messages,
    "/v1/responses": _responses,
    "/v1beta/models/m:generateContent": _gemini,
}


class IdsServer(LoopbackServer):
    """Asks for a tool each time."""

    def answer(self, asked: Asked, line: Line) -> None:
        line.send(wire.whole_json(_ROUTES[asked.path](asked)))


if __name__ == "__main__":
    loopback.serve(IdsServer(port=loopback.arguments(__doc__).parse_args().port))
