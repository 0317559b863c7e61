"""A run's tree of steps as lines: the same for the same run, and nothing in them by chance."""

from pathlib import Path

import msgspec
import pytest

import agentvcr
from agentvcr.assertions import checked
from agentvcr.model.exchange import Failure
from tests.unit.build import CHAT, chat, completion, exchange, request, response, tool
from tests.unit.build import run as built

GOLDEN = Path(__file__).parents[2] / "golden"
CREW = """\
# agentvcr steps 1
agent plan (planner) -> object
  llm demo-1 -> text, search({"query":"trees"}), lookup({"days":2,"place":"Oslo"})
  tool search({"limit":2,"query":"trees"}) -> list
agent write (writer) -> nothing
  llm demo-1 -> text
  tool search({"limit":5,"query":"bark"}) -> list
agent write (writer) -> nothing
  llm demo-1 -> text
  tool search({"limit":5,"query":"bark"}) -> list
check review (critic) -> text
  llm demo-1 -> text, lookup({"days":2,"place":"Oslo"})
tool pay({"cents":250,"order":"order-7"}) -> true
tool pay({"cents":2500,"order":"order-8"}) -> tests.support.crew.RefusedError
llm demo-1 -> 429
""".replace(" -> nothing", "")


def lines(*exchanges, wording=False):
    return checked(built(*exchanges)).snapshot(wording=wording).splitlines()[1:]


def test_a_recording_and_its_replay_have_the_same_snapshot(run):
    assert run.snapshot() == CREW


def test_a_step_has_a_snapshot_of_its_own(run):
    assert run.step("review").snapshot().splitlines() == [
        "# agentvcr steps 1",
        *CREW.splitlines()[10:12],
    ]


@pytest.mark.parametrize(
    ("name", "path"), [("crew", "../../cassettes/crew.avcr"), ("named", "v1-steps-sealed.avcr")]
)
def test_committed_cassettes_have_these_snapshots_for_ever(name, path):
    agentvcr.assert_snapshot(agentvcr.load(GOLDEN / path), GOLDEN / f"{name}.steps.txt")


def test_another_wording_changes_nothing_unless_it_is_asked_for():
    a, b = chat("Why?", "Because."), chat("How?", "With care.")
    assert lines(a) == lines(b) == ["llm gpt-4o-mini -> text"]
    assert lines(a, wording=True) == ["llm gpt-4o-mini -> text Because."]
    long = lines(chat("Why?", "word " * 30), tool("/a", {"b": [1, 2]}), wording=True)
    assert long[0] == f"llm gpt-4o-mini -> text {'word ' * 11}word…"
    assert long[1] == 'tool GET https://tools.example/a -> object {"b":[1,2]}'


def test_what_differs_by_chance_is_left_out():
    def at(port, ident, key, began_ms):
        body = {"order": ident, "back": f"http://127.0.0.1:{port}/done", "again": ident}
        body["token"] = f"redacted-{key}"
        url = f"http://localhost:{port}/book?b=2&a=1"
        paid = exchange(request(body, url=url), response({"ok": 1}), began_ms=began_ms)
        asked = request(b"", url=f"https://t.example/?key=redacted-{key}", method="GET")
        return lines(paid, exchange(asked, response(b"")))

    first = at(4711, "call_aB3dE6gH9jK2mN5pQ8", "0" * 16, 5)
    assert first == at(4712, "call_zY9xW8vU7tS6rQ5pO4", "f" * 16, 7)
    body = '{"again":"id#0","back":"http://127.0.0.1/done","order":"id#0","token":"redacted"}'
    assert first == [
        f"tool POST loopback/book?a=1&b=2 {body} -> object",
        "tool GET https://t.example/?key=redacted",
    ]


def test_long_arguments_are_cut_and_told_apart():
    def booked(*words):
        url = "https://t.example/book"
        return lines(*(exchange(request({"a": one}, url=url), None) for one in words))

    first, second = booked("x" * 500 + "a", "x" * 500 + "b")
    assert first != second
    assert len(first) < 250
    assert first[:150] == second[:150]


def test_how_an_answer_ended_is_told_where_it_is_out_of_the_ordinary():
    failed = Failure(type="httpx.ReadTimeout", message="slow")
    error = response(
        b'data: {"error": {"message": "no"}}\n\n',
        headers=((b"content-type", b"text/event-stream"),),
    )
    streamed = request({"model": "m", "messages": [], "stream": True}, url=CHAT)
    assert lines(
        chat("a", kind=None),
        chat("b", kind="abandoned"),
        chat("c", kind="failed", failure=failed),
        tool("/d", b"", status=204),
        tool("/e", b"5"),
        exchange(request({"model": "m", "messages": []}), response(completion({"content": ""}))),
        exchange(streamed, error),
    ) == [
        "llm gpt-4o-mini -> in progress",
        "llm gpt-4o-mini -> abandoned",
        "llm gpt-4o-mini -> httpx.ReadTimeout",
        "tool GET https://tools.example/d -> 204",
        "tool GET https://tools.example/e -> number",
        "llm m -> nothing",
        "llm m -> error",
    ]


def test_each_step_is_one_line_whatever_its_names_are():
    odd = "a\x1b[2J\nb\u2028\u202e"
    asked = exchange(
        request({"model": odd, "messages": []}), response(completion({"content": "x"}))
    )
    assert lines(asked) == ["llm a\\x1b[2J b \\u202e -> text"]


def test_the_lane_is_told_where_it_is_another(run):
    again = msgspec.structs.replace(chat("Why?", lane="main/task0"))
    assert lines(again) == ["@task0 llm gpt-4o-mini -> text"]
