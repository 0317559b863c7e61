"""By which rules a recorded run is asked, and what becomes of cassettes of older rules."""

import msgspec
import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.errors import CassetteVersionError
from agentvcr.inside.exchange import ReplayHalt
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rules import BUILT_IN
from agentvcr.model.rules import KIND as RULES_KIND
from agentvcr.model.rules import Rules
from agentvcr.session.declared import lacking, stored
from agentvcr.session.keying import load_keyed, load_two
from agentvcr.session.replaying import Replay
from agentvcr.session.sealing import kind_of_step
from agentvcr.session.verification import repair_cassette
from tests.golden.make_golden import NAMES, STEPS_NAMES
from tests.golden.test_version_1 import GOLDEN
from tests.unit.cassette.damaged import quiet
from tests.unit.recorded import answer, ask, recorder_of

STAMPED = Rules(ignore=("body.stamp",))
RPC = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"t"}}'


def record(path, *bodies, rules=BUILT_IN, declared=Rules()):  # noqa: B008 - it is frozen
    """Record requests, in a cassette that says that it was made by `rules`."""
    fingerprinter = Fingerprinter(declared)
    recorder = recorder_of(path, fingerprinter=fingerprinter, rules=rules)
    if told := stored(fingerprinter):
        recorder.world(RULES_KIND, 0, "", told)
    for body in bodies:
        answer(recorder.begin(ask(body=body)).sink, [b"{}"])
    recorder.close(0, None)
    return path


def found(path, body):
    """Say whether a request is found in a cassette as a replay opens it."""
    run, fingerprinter = load_keyed(path)
    request = ask(body=body)
    headers = tuple(request.headers)
    mark = fingerprinter.identify(request.method, request.url, headers, request.body)
    return mark in {one.fingerprint for one in run.exchanges.list_keys()}


@pytest.mark.parametrize("name", [*NAMES, *STEPS_NAMES])
def test_every_request_of_a_golden_cassette_is_found_when_it_is_asked_again(name):
    before = load_run(GOLDEN / name)
    run, fingerprinter = load_keyed(GOLDEN / name)
    assert before.info.rules != BUILT_IN
    for key, old in zip(run.exchanges.list_keys(), before.exchanges.list_keys(), strict=True):
        exchange = run.exchanges.numbered(key.number)
        made = fingerprinter.identify_again(exchange.request)
        assert (key.fingerprint, key.raw_hash) == (made.fingerprint, made.raw_hash)
        assert (exchange.fingerprint, exchange.raw_hash) == (key.fingerprint, key.raw_hash)
        assert key.fingerprint != old.fingerprint
        assert (key.lane, key.place, key.kind) == (old.lane, old.place, old.kind)
    assert [one.response for one in run.exchanges] == [one.response for one in before.exchanges]
    assert run.exchanges.last_began_ns == before.exchanges.last_began_ns


def test_a_request_of_json_rpc_is_found_in_a_cassette_of_rules_that_knew_none(tmp_path):
    path = record(tmp_path / "x.avcr", RPC % 1, rules="1")
    assert found(path, RPC % 2)


def test_a_cassette_of_todays_rules_is_not_read_again(tmp_path):
    path = record(tmp_path / "x.avcr", b'{"a": 1}', declared=STAMPED)
    seal(path, kind_of=kind_of_step)
    run, fingerprinter = load_keyed(path)
    assert fingerprinter.rules == STAMPED
    assert type(run.exchanges) is type(load_run(path).exchanges)


def test_a_replay_goes_by_the_rules_in_the_cassette(tmp_path):
    with_rules = record(tmp_path / "x.avcr", b'{"a": 1, "stamp": 1}', declared=STAMPED)
    without = record(tmp_path / "y.avcr", b'{"a": 1, "stamp": 1}')
    assert found(with_rules, b'{"a": 1, "stamp": 2}')
    assert not found(without, b'{"a": 1, "stamp": 2}')


def test_two_runs_are_compared_by_the_rules_of_the_first(tmp_path):
    one = record(tmp_path / "x.avcr", b'{"stamp": 1}', declared=STAMPED)
    other = record(tmp_path / "y.avcr", b'{"stamp": 2}')
    marks = [
        [[key.fingerprint for key in run.exchanges.list_keys()] for run in load_two(a, b)]
        for a, b in ((one, other), (other, one))
    ]
    assert marks[0][0] == marks[0][1]
    assert marks[1][0] != marks[1][1]


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"later": []}', b'{"ignore": ["cookie.a"]}', b'{"ids": [1]}', b"\xff"]
)
def test_rules_that_are_not_known_are_told(data, tmp_path):
    recorder = recorder_of(tmp_path / "x.avcr")
    recorder.world(RULES_KIND, 0, "", data)
    recorder.close(0, None)
    with pytest.raises(CassetteVersionError, match="rule of matching"):
        load_keyed(tmp_path / "x.avcr")


def test_a_repair_makes_lost_fingerprints_by_the_rules_in_the_file(tmp_path):
    bodies = [b'{"n": %d, "stamp": %d}' % (number, number) for number in range(3)]
    path = record(tmp_path / "x.avcr", *bodies, declared=STAMPED)
    seal(path, kind_of=kind_of_step)
    before = load_run(path)
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    repair_cassette(path, progress=quiet)
    after = load_run(path)
    assert after.world == before.world
    assert after.info == msgspec.structs.replace(before.info, rules=BUILT_IN)
    assert after.exchanges.list_keys() == before.exchanges.list_keys()


def test_a_miss_names_a_rule_of_the_project_that_its_cassette_lacks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    everywhere, there = 'ignore = ["body.stamp", "query"]', 'host = "a.b"\nids = ["t-"]'
    text = f"[matching]\n{everywhere}\n[[matching.at]]\n{there}\n"
    (tmp_path / "agentvcr.toml").write_text(text, encoding="utf-8")
    assert lacking(b"") == ("ignore body.stamp", "ignore query", "ids t- for a.b")
    assert lacking(stored(Fingerprinter(STAMPED))) == ("ignore query", "ids t- for a.b")
    run = load_run(record(tmp_path / "x.avcr", b'{"stamp": 1}'))
    asked = ask(body=b'{"stamp": 2}')
    with pytest.raises(ReplayHalt) as halted:
        Replay(run, on_miss="fail", pace=0.0, live=()).replayer.begin(asked)
    assert "(ignore body.stamp and 2 more)" in str(halted.value)
    assert f"agentvcr rekey {run.path}" in str(halted.value)
    (tmp_path / "agentvcr.toml").write_text("[matching", encoding="utf-8")
    assert lacking(b"") == ()
