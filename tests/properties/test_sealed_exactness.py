"""Whatever a journal told, the sealed file tells byte for byte."""

import os
import random
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agentvcr.cassette.checking import verify
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from tests.unit.build import EVENTS, JSON, exchange, request, response, run
from tests.unit.cassette.damaged import quiet, told_by
from tests.unit.recorded import write_journal

EXAMPLES = settings(
    max_examples=80 * int(os.environ.get("ROUNDS", "3")), deadline=None, database=None
)
LANES = ["main", "main/task0", "?"]

odd_json = st.sampled_from(
    [
        b'{"a":1,"a":2}',
        b' {\n"b" : 1e5 , "a":100000.0}\t',
        b'{"a":"\\ud800"}',
        b'["\xc3\xa9","\\u00e9",123456789012345678901234567890, 1E5,1.0e+5]',
        b'{"messages" : [ {"a" : 1 } ,\r\n {"a" : 1}\n\n,{"a":1}] , "a" : {} }',
        b"\xe6\xb6",
        b"\x88 split",
        b"NaN",
        b"",
    ]
)
pieces = st.lists(
    st.binary(max_size=40)
    | odd_json
    | st.sampled_from(
        [
            b'{"role": "user", "content": "' + b"lorem ipsum " * 30 + b'"}, ',
            b'{"role": "tool", "content": "' + b"line\\n" * 500 + b'"}]',
            b"}," * 200,
            b"} \n" * 200 + b"]",
            b"QUJD" * 100,
            b"QUJD" * 70 + b"QR==",
            b"-_" * 200 + b"+/" * 200,
            b" " * 700,
        ]
    ),
    min_size=1,
    max_size=8,
)


@st.composite
def bodies(draw):
    """Give bodies that are made of one another: pieces repeated, put in, left out and mixed."""
    parts = draw(pieces)
    found = [b"".join(parts)]
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(parts)))
        change = draw(st.sampled_from(["insert", "remove", "repeat", "cut", "mix"]))
        if change == "insert":
            parts = [*parts[:at], *draw(pieces), *parts[at:]]
        elif change == "remove":
            parts = parts[:at] + parts[at + 1 :]
        elif change == "repeat":
            parts = (parts + parts[at:])[:30]
        elif change == "cut":
            whole = b"".join(parts)
            parts = [whole[: draw(st.integers(0, len(whole)))]]
        else:
            parts = draw(st.permutations(parts))
        found.append(b"".join(parts))
    return found


answers = st.none() | st.tuples(
    st.lists(st.binary(max_size=100) | odd_json, max_size=6), st.sampled_from([JSON, EVENTS, ()])
)


def exchanges_of(asked, lanes, answered):
    for body, lane, answer in zip(asked, lanes, answered, strict=True):
        said = response(*answer[0], headers=answer[1]) if answer else None
        yield exchange(request(body), said, lane=lane, kind="eof" if answer else None)


def sealed_and_not(*exchanges):
    """Write a run, and read it before and after it is sealed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.avcr"
        write_journal(path, run(*exchanges))
        before = told_by(path)
        seal(path)
        assert verify(path, quiet).problems == ()
        found = load_run(path)
        assert [found.exchanges.numbered(one.number) for one in before.exchanges] == list(
            before.exchanges
        )
        return before, told_by(path)


@EXAMPLES
@given(
    bodies().flatmap(
        lambda found: st.tuples(
            st.just(found),
            st.lists(st.sampled_from(LANES), min_size=len(found), max_size=len(found)),
            st.lists(answers, min_size=len(found), max_size=len(found)),
        )
    )
)
def test_requests_made_of_one_another_come_back_as_they_were(made):
    asked, _, answered = made
    before, after = sealed_and_not(*exchanges_of(*made))
    assert after == before
    assert [one.request.body for one in after.exchanges] == asked
    for one, answer in zip(after.exchanges, answered, strict=True):
        chunks = [chunk.data for chunk in one.response.chunks] if one.response else None
        assert chunks == (answer[0] if answer else None)


@EXAMPLES
@given(bodies())
def test_answers_made_of_one_another_come_back_as_they_were(found):
    made = [exchange(request(body), response(body, body[:7])) for body in found]
    before, after = sealed_and_not(*made)
    assert after == before
    assert [one.response.body for one in after.exchanges] == [one + one[:7] for one in found]


def test_a_body_of_fifty_megabytes_comes_back():
    chance = random.Random(50)
    body = chance.randbytes(25_000_000) + bytes(5_000_000) + b'{"a": "b"}, ' * 1_666_667
    chunks = [body[at : at + 1_000_003] for at in range(0, len(body), 1_000_003)]
    made = exchange(request(body), response(*chunks))
    _, after = sealed_and_not(made, msgspec.structs.replace(made, response=None))
    first, second = after.exchanges
    assert first.request.body == second.request.body == body
    assert [chunk.data for chunk in first.response.chunks] == chunks
