"""Make the golden cassettes of version 1; they were made once, and are never made again.

`make_golden.py`: writes `v1-journal.avcr`, `v1-sealed.avcr`, `v1-sealed-groups.avcr` and `v1.json`,
which says what the three hold, beside itself; and `v1-steps-journal.avcr`, `v1-steps-sealed.avcr`
and `v1-steps.json`, with the records and fields that came with named steps;
`v1-world-journal.avcr`, `v1-world-sealed.avcr` and `v1-world.json`, with what surrounds exchanges.
Refuses to make a set of
which a file exists. From a seed alone.
"""

import base64
import json
import random
import shutil
import sys
from pathlib import Path

from agentvcr.cassette import format as fmt
from agentvcr.cassette import pack
from agentvcr.cassette.chunks import chunk_records
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.cassette.world import WorldRecord

HERE = Path(__file__).parent
NAMES = ("v1-journal.avcr", "v1-sealed.avcr", "v1-sealed-groups.avcr")
SAYS = HERE / "v1.json"
STEPS_NAMES = ("v1-steps-journal.avcr", "v1-steps-sealed.avcr")
STEPS_SAYS = HERE / "v1-steps.json"
WORLD_NAMES = ("v1-world-journal.avcr", "v1-world-sealed.avcr")
WORLD_SAYS = HERE / "v1-world.json"
SETS = ((NAMES, SAYS), (STEPS_NAMES, STEPS_SAYS), (WORLD_NAMES, WORLD_SAYS))
SEED = 1
STARTED = 1_767_225_600_000_000_000
TURNS = 6
LANES = ("main", "main/task0", "main/task0/wörk1", "?")
JSON = (b"content-type", b"application/json")
EVENTS = (b"Content-Type", b"text/event-stream")
ENDS = ("eof", "closed", "abandoned", "cancelled", "cut")


def begin(number, body, at_us, **changes):
    """Give the beginning of an exchange and its body."""
    mark = random.Random(f"{SEED}/{number}").randbytes(16)
    fields = {
        "number": number,
        "process": number % 2,
        "lane": LANES[number // 2 % len(LANES)],
        "client": "httpx",
        "at_us": at_us,
        "method": "POST",
        "url": f"https://api.example/v1/chat?turn={number}",
        "headers": (JSON, (b"X-Odd", b"\xff"), (b"x-odd", b"")),
        "fingerprint": mark[:8],
        "raw_hash": mark[8:] if body else b"",
        "internal": False,
        "served_from": None,
        "body_size": len(body),
    }
    yield fmt.ExchangeBegin(**{**fields, **changes})
    for start in range(0, len(body), 1000):
        yield fmt.Body(number, body[start : start + 1000])


def answer(number, at_us, chunks, *, status=200, kind=JSON):
    """Give the head of an answer and its chunks, the first of them in two halves."""
    yield fmt.Head(number, at_us, status, b"OK", b"HTTP/1.1", (kind, (b"Date", b"")))
    half = len(chunks[0]) // 2
    yield fmt.Chunks(number, (5,), (half,), chunks[0][:half], more=True)
    yield fmt.Chunks(number, (0,), (len(chunks[0]) - half,), chunks[0][half:], more=False)
    times = [at_us + 5 + 100 * index for index in range(1, len(chunks))]
    yield from chunk_records(number, at_us + 5, times, chunks[1:])


def conversation(chance):
    """Give exchanges whose requests grow, two of them at a time, each with another end."""
    image = chance.randbytes(900)
    messages = [{"role": "system", "content": "Be brief. " * 30}]
    for turn in range(TURNS):
        number, at_us = 1 + 2 * turn, 1000 * (1 + turn)
        words = " ".join(f"{chance.getrandbits(30):x}" for _ in range(60))
        messages.append({"role": "user", "content": f"{turn}: {words} · é 消"})
        body = json.dumps({"model": "m", "messages": messages}, ensure_ascii=False).encode()
        yield from begin(number, body, at_us)
        encode = base64.urlsafe_b64encode if turn % 2 else base64.b64encode
        picture = b'{"image" : "' + encode(image) + b'", "a": 1e5, "a":100000.0}'
        yield from begin(number + 1, picture, at_us + 100, lane="main/pictures")
        events = [f"data: {chance.random()}\n\n".encode() for _ in range(4)]
        yield from answer(number, at_us + 300, [*events, b"", image], kind=EVENTS)
        yield fmt.ExchangeEnd(number, at_us + 900, ENDS[turn % len(ENDS)], None, None)
        yield from answer(number + 1, at_us + 600, [image])
        yield fmt.ExchangeEnd(number + 1, at_us + 900, "eof", None, None)


def oddities():
    """Give an exchange that failed, one that is internal, one that was served, one in flight."""
    number = 2 * TURNS + 3  # two numbers are missing
    yield from begin(number, b"", 20_000, method="GET", url="http://a.example/?q=%C3%A9")
    yield fmt.ExchangeEnd(number, 21_000, "failed", "httpx.ReadError", "gone: fort")
    yield from begin(number + 1, b"\x00\xff", 22_000, internal=True)
    yield from answer(number + 1, 22_500, [b"a", b"", b"b"], status=503)
    yield fmt.ExchangeEnd(number + 1, 23_000, "eof", None, None)
    yield from begin(number + 2, b"again", 24_000, served_from=3, raw_hash=b"")
    yield from answer(number + 2, 24_500, [b"partly"])


def records():
    """Give the run: something of every type of record."""
    environment = {"LANG": "C.UTF-8", "HOME": "hmac:0123456789abcdef"}
    argv = ("{python}", "crew.py", "--näme")
    yield fmt.RunBegin("0123456789abcdef", STARTED, argv, "sub", "0.1.0", "P m", "1", environment)
    yield fmt.ProcessBegin(0, 100, 99, "main", ("python", "crew.py"), "3.11.0", 10)
    yield fmt.OutputPiece(0, "stdin", 11, b"typed\n")
    yield fmt.OutputPiece(0, "stdin", 12, b"")
    yield from conversation(random.Random(SEED))
    yield fmt.OutputPiece(0, "stdout", 15_000, "said · é\n".encode())
    yield fmt.ProcessBegin(1, 101, 100, "main/proc1", ("python", "-c", ""), "3.13.1", 16_000)
    yield fmt.OutputPiece(1, "stderr", 17_000, b"\xff complained")
    yield from oddities()
    for kind in ("divergence", "unrecorded", "signal", "of a kind to come"):
        yield fmt.NoteRecord(kind, 25_000, 1, f"a note: {kind}", 2)
    yield fmt.ProcessEnd(1, 26_000)
    yield fmt.ProcessEnd(0, 27_000)
    yield fmt.RunEnd(28_000, None, 15)


def beginning_of_steps():
    """Give a planner: what it asks, a call that returns, one that raises, and what it hands on."""
    words = ("{python}", "crew.py")
    yield fmt.RunBegin("fedcba9876543210", STARTED, words, ".", "0.1.0", "P m", "1", {})
    yield fmt.ProcessBegin(0, 100, 99, "main", ("python", "crew.py"), "3.11.0", 10)
    given = '{"topic":"trées"}'.encode()
    yield fmt.StepBegin("plan", "plan", "agent", "planner", 0, "main", 20, 0, given)
    yield from asked(1, 30, "plan", {"model": "m", "messages": [{"content": "Plan. " * 120}]})
    yield from called(2, 100, "search", b'{"query":"trees"}')
    yield from asked(3, 110, "plan/search", b"", url="http://a.example/?q=trees", internal=True)
    yield from gave(3, 120, b"<html>")
    yield from gave(2, 150, b'["oak","elm"]')
    key = ((b"x-agentvcr-side-effect", b"true"), (b"x-agentvcr-idempotency-key", b"order-7"))
    yield from called(4, 200, "pay", b'{"order":"order-7","cents":250}', *key)
    refused = {"type": "crew.Refused", "message": "no", "args": ["no"], "attributes": {"code": 7}}
    raised = ("crew.Refused", "no")
    yield from gave(4, 250, json.dumps(refused).encode(), *raised, status=500)
    yield from gave(1, 260, b'{"choices":[{"message":{"content":"Plant."}}]}')
    payload = b'{"from":"planner","to":"writer","payload":["oak","elm"]}'
    yield from moment("plan/handoff[0]", "planner -> writer", "handoff", 270, payload)
    yield from moment("plan/state[0]", "tree", "state", 280, b'{"key":"tree","value":"oak"}')
    yield fmt.StepEnd("plan", 290, b'"Plant an oak."', None, None)


def end_of_steps():
    """Give a child process, a unit of work that fails, a step without an end, and odd ends."""
    yield fmt.ProcessBegin(1, 101, 100, "main/proc0", ("python", "-c", ""), "3.13.1", 300)
    yield fmt.StepEnd("plan/proc0/wörk%2F1", 330, b"", None, None)  # told before its beginning
    child = ("wörk/1", "tool", None, 1, "main/proc0", 310, 4, b"")
    yield fmt.StepBegin("plan/proc0/wörk%2F1", *child)
    yield fmt.StepEnd("nobody", 331, b"", None, None)
    unit = ("order", "run", None, 0, "main/order:42", 400, 4, b'{"n":42}')
    yield fmt.StepBegin("order:42", *unit)
    check = ("review", "check", "critic", 0, "main/order:42", 410, 4, b"")
    yield fmt.StepBegin("order:42/review", *check)
    place = "order:42/review/task0"
    yield from asked(5, 420, place, {"model": "m", "messages": []}, lane="main/order:42/task0")
    yield from gave(5, 430, b'{"choices":[]}')
    yield fmt.StepEnd("order:42/review", 440, b"", "builtins.ValueError", "bad: é")
    yield fmt.StepEnd("order:42", 450, b"[]", "builtins.ValueError", "bad: é")
    yield from asked(6, 460, "", b"", url="http://a.example/", served_from=3)
    yield from gave(6, 470, b"outside")
    yield fmt.StepBegin("draft", "draft", "llm", None, 0, "main", 480, 6, b'"a text"')
    yield from asked(8, 490, "draft", {"model": "m", "messages": []})  # a number is missing
    yield fmt.OutputPiece(0, "stdout", 500, b"said\n")
    yield fmt.NoteRecord("signal", 510, 0, "SIGINT", 1)
    yield fmt.ProcessEnd(1, 520)
    yield fmt.RunEnd(530, 3, None)


def asked(number, at_us, place, body, **changes):
    """Give the beginning of an exchange at a place in the tree."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    words = {"process": 0, "lane": "main", "url": "https://api.example/v1/chat/completions"}
    yield from begin(number, data, at_us, **{**words, "place": place, **changes})


def called(number, at_us, name, arguments, *headers):
    """Give the beginning of a recorded function's call."""
    words = {"method": "CALL", "url": f"tool:{name}", "client": "agentvcr.tool"}
    yield from asked(number, at_us, f"plan/{name}", arguments, headers=(JSON, *headers), **words)


def gave(number, at_us, data, *failure, status=200):
    """Give an answer and the end of an exchange."""
    yield from answer(number, at_us, [data], status=status)
    kind, failed = ("failed", failure) if failure else ("eof", (None, None))
    yield fmt.ExchangeEnd(number, at_us + 9, kind, *failed)


def moment(path, name, kind, at_us, content):
    """Give a step that is over when it begins."""
    yield fmt.StepBegin(path, name, kind, None, 0, "main", at_us, 4, content)
    yield fmt.StepEnd(path, at_us, b"", None, None)


def plain(value):
    """Give anything that a run holds as JSON: bytes in base64, structs as objects."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if fields := getattr(value, "__struct_fields__", None):
        return {name: plain(getattr(value, name)) for name in fields}
    return value


def told(path):
    """Give what a cassette tells, but for its own name."""
    run = load_run(path)
    names = ("info", "processes", "outputs", "notes", "outcome", "steps", "world", "torn_bytes")
    return {
        **{name: plain(getattr(run, name)) for name in names},
        "exchanges": plain(list(run.exchanges)),
    }


def surrounded():
    """Give an exchange, and what surrounds it: of the run, of its process, of a lane."""
    yield fmt.RunBegin("0f1e2d3c4b5a6978", STARTED, ("{python}",), ".", "0.1.0", "P m", "3", {})
    yield WorldRecord("chance", 0, "", b'{"seed":"00"}')
    yield fmt.ProcessBegin(0, 100, 99, "main", ("python",), "3.11.0", 10)
    yield from begin(1, b"{}", 20)
    yield WorldRecord("order", 0, "main/wörk1", bytes(range(24)))
    yield fmt.ExchangeEnd(1, 30, "eof", None, None)
    yield WorldRecord("clock", 1, "main", b"\xff\x00")
    yield fmt.RunEnd(40, 0, None)


def write_journal(path, records):
    """Write records as a journal of many frames."""
    writing = Journal(path)
    for number, record in enumerate(records):
        writing.add(record)
        if number % 7 == 0:
            writing.flush()
    writing.close()


def kind_of(exchange):
    """Say what kind of step an exchange is."""
    if exchange.client == "agentvcr.tool":
        return "call"
    return "llm" if "chat" in exchange.request.url else "tool"


def make_first():
    """Make the set of before there were named steps."""
    journal, sealed, groups = map(HERE.joinpath, NAMES)
    write_journal(journal, records())
    shutil.copy(journal, sealed)
    seal(sealed, kind_of=kind_of)
    shutil.copy(journal, groups)
    before = pack.GROUP, pack.ONE_FRAME, pack.BLOCK
    pack.GROUP, pack.ONE_FRAME, pack.BLOCK = 1500, 0, 4
    seal(groups, kind_of=kind_of)
    pack.GROUP, pack.ONE_FRAME, pack.BLOCK = before


def make_steps():
    """Make the set with named steps."""
    journal, sealed = map(HERE.joinpath, STEPS_NAMES)
    write_journal(journal, (*beginning_of_steps(), *end_of_steps()))
    shutil.copy(journal, sealed)
    seal(sealed, kind_of=kind_of)


def make_world():
    """Make the set with what surrounds exchanges."""
    journal, sealed = map(HERE.joinpath, WORLD_NAMES)
    write_journal(journal, surrounded())
    shutil.copy(journal, sealed)
    seal(sealed, kind_of=kind_of)


def main():
    made = []
    for (names, says), make in zip(SETS, (make_first, make_steps, make_world), strict=True):
        if not any(path.exists() for path in (*map(HERE.joinpath, names), says)):
            make()
            words = told(HERE / names[0])
            says.write_text(json.dumps(words, indent=1, ensure_ascii=False) + "\n", "utf-8")
            made += names
    if not made:
        sys.exit("they are there: golden files never change")


if __name__ == "__main__":
    main()
