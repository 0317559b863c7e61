"""No credential of a step, a tool or an exception reaches the cassette."""

import subprocess
import sys

import httpx
import pytest

import agentvcr
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import open_cassette
from tests.support.script_server import ScriptServer

KEY = "sk-proj-notakey0123456789abcdefghij"


@agentvcr.tool
def echo(text: str) -> str:
    return text


@agentvcr.tool
def refuse(text: str) -> str:
    raise ValueError("Incorrect API key provided: " + text)


@agentvcr.tool
def fetch(url: str) -> str:
    headers = {"authorization": "Bearer " + KEY, "cookie": "session=" + KEY}
    answer = httpx.get(url + "?api_key=" + KEY, headers=headers, verify=False)
    raise httpx.HTTPStatusError("refused", request=answer.request, response=answer)


def in_steps(server):
    with agentvcr.step("inner " + KEY, agent=KEY, input={"note": KEY}) as step:
        step.set_output([KEY])
    with agentvcr.run("order", key=KEY):
        agentvcr.state_write("password", "a plain word that nobody knows")


def in_tools(server):
    echo(KEY)
    with pytest.raises(ValueError, match="Incorrect"):
        refuse(KEY)


def in_errors(server):
    with pytest.raises(httpx.HTTPStatusError):
        fetch(server.base_url + "/json")


def in_children(server):
    subprocess.run([sys.executable, "-c", "", "--password", KEY], check=True)


@pytest.mark.parametrize("act", [in_steps, in_tools, in_errors, in_children])
def test_no_credential_is_kept(act, tmp_path, monkeypatch):
    monkeypatch.setattr("agentvcr.session.here.seal_recording", lambda _: None)  # readable records
    with ScriptServer() as server, agentvcr.record(tmp_path / "x.avcr"):
        act(server)
    file, _ = open_cassette(tmp_path / "x.avcr")
    with file:
        told = "\n".join(map(repr, JournalReader(file)))
    assert len(told) > 200
    assert KEY not in told
    assert "a plain word" not in told


@agentvcr.tool
def odd() -> str:
    raise ValueError(float("nan"), "half a character: \ud800", {"deep": [KEY]})


def test_an_odd_error_is_kept_without_its_credential(tmp_path):
    with agentvcr.record(tmp_path / "x.avcr") as session, pytest.raises(ValueError, match="half"):
        odd()
    (exchange,) = session.run.exchanges
    assert KEY.encode() not in exchange.response.body
    assert exchange.ending.kind == "failed"
    with agentvcr.replay(tmp_path / "x.avcr"), pytest.raises(ValueError, match="half") as raised:
        odd()
    assert raised.value.args[1] == "half a character: \ud800"


def test_the_request_of_an_error_comes_back_without_its_credentials(tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/json"
        with (
            agentvcr.record(tmp_path / "x.avcr"),
            pytest.raises(httpx.HTTPStatusError) as recorded,
        ):
            fetch(url)
    with agentvcr.replay(tmp_path / "x.avcr"), pytest.raises(httpx.HTTPStatusError) as raised:
        fetch(url)
    asked = raised.value.request
    assert asked.headers["authorization"].startswith("Bearer redacted-")
    assert asked.url.params["api_key"].startswith("redacted-")
    assert raised.value.response.content == recorded.value.response.content
