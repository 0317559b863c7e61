"""Imported cassettes answer real clients: what vcrpy recorded, we replay."""

import importlib

import pytest

import agentvcr
from agentvcr.errors import CassetteForeignError, DivergenceError
from agentvcr.inside.exchange import ReplayHalt
from agentvcr.interop.vcrpy_yaml import read_cassette
from agentvcr.session.conversion import import_cassettes
from tests.support.vcr_yaml import WEATHER, interaction, write

KEY = "sk-proj-abcdefghijklmnop0123456789"
FRAMING = {b"host", b"connection", b"content-length", b"transfer-encoding"}


@pytest.fixture(autouse=True)
def _own_key(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(params=["httpx", "httpx2"])
def lib(request):
    return importlib.import_module(request.param)


@pytest.fixture
def cassette(tmp_path):
    asked = {"city": "Oslo", "api_key": KEY}
    write(
        tmp_path / "x.yaml",
        interaction({"sky": "grey"}, asked=asked, request_headers={"X-Api-Key": KEY}),
        interaction({"sky": "blue"}, asked=asked, request_headers={"X-Api-Key": KEY}),
        interaction("who?", url=f"{WEATHER}?b=2&a=1", status=404),
    )
    import_cassettes([tmp_path / "x.yaml"])
    return tmp_path / "x.avcr"


def test_a_request_of_the_file_is_found_whatever_its_white_space_key_and_order(cassette, lib):
    asked = b'{"api_key":"sk-proj-another0123456789abcdef",\n "city":"Oslo"}'
    headers = {"content-type": "application/json"}
    with agentvcr.replay(cassette) as session, lib.Client(verify=False, trust_env=False) as client:
        answers = [client.post(WEATHER, content=asked, headers=headers) for _ in range(2)]
        last = client.get(WEATHER, params={"a": "1", "b": "2"})
    assert [one.json()["sky"] for one in answers] == ["grey", "blue"]
    assert (last.status_code, last.text) == (404, "who?")
    session.raise_for_divergence()


def test_a_request_that_the_file_does_not_hold_stops_the_replay(cassette, lib):
    with (
        pytest.raises(DivergenceError, match="Bergen"),
        agentvcr.replay(cassette),
        lib.Client(verify=False, trust_env=False) as client,
        pytest.raises(ReplayHalt, match="Bergen"),
    ):
        client.post(WEATHER, json={"city": "Bergen", "api_key": KEY})


# --- real cassettes -------------------------------------------------------------------------------


def asked_again(lib, foreign, path):
    """Ask each request of a cassette in its order; gives each with the answer, None if refused."""
    replay = agentvcr.replay(path, target=path.with_suffix(".last"))
    with replay, lib.Client(verify=False, trust_env=False) as client:
        for one in foreign.interactions:
            request = one.request
            if not request.url.startswith("http"):
                continue  # a redacted URL: no client can ask for it
            headers = [pair for pair in request.headers if pair[0].lower() not in FRAMING]
            content = request.body or None
            try:
                with client.stream(
                    request.method, request.url, headers=headers, content=content
                ) as answer:
                    yield one, (answer.status_code, b"".join(answer.iter_raw()))
            except lib.ConnectError:
                yield one, None  # telemetry is refused in every replay


def test_every_real_request_is_found_and_answered_byte_for_byte(corpora, tmp_path):
    lib = importlib.import_module("httpx")
    result = import_cassettes([corpora], tmp_path / "out")
    answered = refused = 0
    for row in result.files:
        try:
            foreign = read_cassette(corpora / row.source)
        except CassetteForeignError:
            continue
        for given, got in asked_again(lib, foreign, tmp_path / row.target):
            if got is None:
                refused += 1
            else:
                assert got == (given.response.status, given.response.body), row.source
                answered += 1
    assert (answered, refused) == (1903, 64)
