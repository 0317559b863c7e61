"""Write what each kind of failure reads like: `python -m tests.golden.make_failures`.

Owns the failures. `tests/unit/reporters/test_failure.py` holds that the texts are as they were;
that they are good is for the eye of who changes them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agentvcr.diff.failure import failure_of
from agentvcr.diff.rundiff import diff
from agentvcr.diff.verdict import judge
from agentvcr.model.exchange import Failure
from agentvcr.model.report import FailureReport
from agentvcr.model.results import Surrounding
from agentvcr.reporters.failure import render_failure
from tests.unit.build import chat, completion, exchange, request, response, run, tool

if TYPE_CHECKING:
    from agentvcr.model.exchange import Exchange
    from agentvcr.model.run import Run

FOLDER = Path(__file__).with_name("failures")
LAST = "cassettes/trip.last.avcr"
_LONG = "Say why, and name the street, the year and the size of each of them. "


@dataclasses.dataclass(frozen=True)
class Pair:
    """A recording, and what was done now."""

    before: Run
    after: Run
    changed: tuple[Surrounding, ...] = ()

    def failure(self) -> FailureReport:
        """Give what is to be told of it."""
        result = diff(self.before, msgspec.structs.replace(self.after, path=LAST))
        result = msgspec.structs.replace(result, changed=self.changed)
        found = failure_of(result, judge(result))
        assert found is not None
        return found


def asked(system: str, answer: Any = "Yes.", **more: Any) -> Exchange:
    """Give a question to a model under a system prompt, with settings."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "Trees?"}]
    message = answer if isinstance(answer, dict) else {"role": "assistant", "content": answer}
    return exchange(
        request({"model": "gpt-4o-mini", "messages": messages, **more}),
        response(completion(message)),
    )


def calling(name: str, **arguments: Any) -> dict[str, Any]:
    """Give an answer that calls a tool."""
    function = {"name": name, "arguments": msgspec.json.encode(arguments).decode()}
    call = {"id": "call_1", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _refused(question: str) -> Exchange:
    failure = Failure(type="agentvcr.inside.errors.ReplayHalt", message="stopped")
    return exchange(chat(question).request, None, kind="failed", failure=failure)


_PROMPT = Surrounding(kind="file", name="prompts/planner.md", status="changed")
_SOURCE = Surrounding(kind="source", name="crew.py", status="changed")
_PACKAGE = Surrounding(kind="package", name="httpx", status="changed", before="0.27", after="0.28")
_MISS = """\
no recorded exchange answers POST /v1/chat/completions of lane main
closest is exchange 2: POST /v1/chat/completions of lane main
  request.messages[0].content
    recorded: Name a tree.
    now:      Name one tree.
--on-miss nearest answers it with that exchange and goes on"""
_MORE = """\
no recorded exchange answers POST /v1/chat/completions of lane main
closest is exchange 1: POST /v1/chat/completions of lane main
  it is the same request, asked once more than in the recording"""

PAIRS = {
    "wording": Pair(
        run(asked("You are the planner."), chat("b"), stdout=b"one\n"),
        run(asked("You are the boldest planner."), chat("b"), stdout=b"two\n"),
        (_PROMPT, _SOURCE, _PACKAGE),
    ),
    "wording_in_folds": Pair(run(asked(_LONG)), run(asked(_LONG.replace("the size", "how tall")))),
    "wording_of_an_answer": Pair(
        run(asked("Be brief.", "An oak,\na lime\nand a plane.\nThat is all.")),
        run(asked("Be brief.", "An oak,\na linden\nand a plane,\nand a rowan.\nThat is all.")),
    ),
    "wide": Pair(
        run(asked("東京都庁舎の木を教えて。")), run(asked("京都市役所の木を教えてください。"))
    ),
    "very_long": Pair(
        run(asked(f"{_LONG * 900}Look at trees. {_LONG * 900}")),
        run(asked(f"{_LONG * 900}Look at tall trees. {_LONG * 900}")),
    ),
    "hostile": Pair(
        run(asked("::error::\x1b[2Jred\u202e | a\tb")),
        run(asked("##[error]\x1b[2Jred\u202e | a  b")),
    ),
    "output": Pair(run(chat("a"), stdout=b"hello\n"), run(chat("a"), stdout=b"hallo\n")),
    "tool_call": Pair(
        run(asked("Ask.", calling("search", query="oak", limit=3))),
        run(asked("Ask.", calling("search", query="elm", limit=3))),
    ),
    "tool_call_of_http": Pair(run(tool("/a?city=Rome")), run(tool("/a?city=Lima"))),
    "structure": Pair(
        run(asked("Ask.", '{"trees": ["oak", "lime"]}')), run(asked("Ask.", "I cannot say."))
    ),
    "setting": Pair(run(asked("Ask.", temperature=0)), run(asked("Ask.", temperature=0.7, seed=1))),
    "status": Pair(run(tool("/a")), run(tool("/a", status=503))),
    "order": Pair(run(chat("a"), tool("/b"), chat("c")), run(chat("c"), tool("/b"), chat("a"))),
    "missing": Pair(run(chat("a"), tool("/b"), chat("c")), run(chat("a"), chat("c"))),
    "added": Pair(run(chat("a")), run(chat("a"), tool("/b"))),
    "ending": Pair(
        run(chat("a"), stderr=b""),
        run(chat("a"), stderr=b"Traceback: no\n", exit_status=1),
        (_SOURCE,),
    ),
    "stopped": Pair(
        run(chat("a"), chat("Name a tree."), chat("c")),
        run(chat("a"), _refused("Name one tree."), notes=[("divergence", _MISS)], exit_status=1),
        (_SOURCE,),
    ),
    "stopped_by_more": Pair(
        run(chat("a")), run(chat("a"), _refused("a"), notes=[("divergence", _MORE)], exit_status=1)
    ),
}
FAILURES = {
    **{name: pair.failure() for name, pair in PAIRS.items()},
    "error": FailureReport(
        title="the replay took longer than 60 s",
        kind="error",
        file="cassettes/hung.avcr",
        text="agentvcr: running python hung.py\nwaiting …\n\x1b[31mand waiting",
    ),
}


def main() -> None:
    """Write the files anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, failure in FAILURES.items():
        (FOLDER / f"{name}.txt").write_text(render_failure(failure) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
