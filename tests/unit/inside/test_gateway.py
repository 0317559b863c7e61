import os

import pytest

from agentvcr.inside import gateway
from agentvcr.inside.lane import Lane

BASE = "http://127.0.0.1:4000"


@pytest.mark.parametrize(
    ("lane", "origin", "upstream"),
    [
        ("main", "", "https://api.openai.com/v1"),
        ("main/proc0", "", "http://127.0.0.1:8000/v1/chat?x=1&y=%2F"),
        ("main/work#1[2]/proc0", "main research[1]/step open", "https://example.org/"),
        ("main/größe", "", "https://example.org/v1/a//b"),
    ],
)
def test_a_url_says_who_asks_and_where_it_would_have_gone(lane, origin, upstream):
    url = gateway.url_for(BASE, lane, origin, upstream)
    assert url.startswith(BASE + "/")
    assert gateway.taken_apart(url.removeprefix(BASE)) == (lane, origin, upstream)


def test_a_host_without_a_path_gets_one():
    assert gateway.taken_apart("/https/example.org?a=1") == (
        "main",
        "",
        "https://example.org/?a=1",
    )


def test_an_address_without_a_scheme_is_http():
    url = gateway.url_for(BASE, "main", "", "0.0.0.0:11434")
    assert url == BASE + "/http/127.0.0.1:11434"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("0.0.0.0", "127.0.0.1:11434"),
        ("box", "box:11434"),
        ("box/ollama", "box:11434/ollama"),
        (":9", "127.0.0.1:9"),
        ("[::1]", "[::1]:11434"),
        ("box:9", "box:9"),
        ("http://box", "box"),
    ],
)
def test_what_ollamas_clients_add_to_an_address_is_added(told, meant):
    made = gateway.variables({"OLLAMA_HOST": told}, BASE, "main", "")
    assert made["OLLAMA_HOST"] == f"{BASE}/http/{meant}"


@pytest.mark.parametrize(
    "odd", ["", "ftp://example.org", "https://user:word@example.org", "unix:/x"]
)
def test_what_the_gateway_cannot_stand_for_is_left_alone(odd):
    assert gateway.url_for(BASE, "main", "", odd) == "" or "unix:" in odd


@pytest.mark.parametrize(
    "odd", ["/", "/https", "/https/", "/ftp/x/", "/~", "/~%%/https/x/", "/~8J-/https/x"]
)
def test_a_path_that_says_nothing_of_the_kind_is_refused(odd):
    assert gateway.taken_apart(odd) is None


def test_a_very_long_lane_still_makes_a_url():
    url = gateway.url_for(BASE, "main/" + "x" * 5000, "main step open", "https://example.org/")
    assert len(url) < 2200
    assert gateway.taken_apart(url.removeprefix(BASE))[2] == "https://example.org/"


def test_a_long_lane_is_not_cut_within_a_letter():
    url = gateway.url_for(BASE, "main/" + "ß" * 5000, "", "https://example.org/")
    lane, _, upstream = gateway.taken_apart(url.removeprefix(BASE))
    assert (lane[:7], upstream) == ("main/ßß", "https://example.org/")


def test_variables_lead_to_the_gateway_and_remember_what_they_held():
    given = {"OPENAI_BASE_URL": "http://localhost:1/v1", "OLLAMA_HOST": "localhost:9"}
    made = gateway.variables(given, BASE, "main", "")
    assert made["OPENAI_BASE_URL"] == BASE + "/http/localhost:1/v1"
    assert made["ANTHROPIC_BASE_URL"] == BASE + "/https/api.anthropic.com"
    assert "AZURE_OPENAI_ENDPOINT" not in made
    again = gateway.variables(made, BASE, "main/proc0", "")
    assert gateway.taken_apart(again["OPENAI_BASE_URL"].removeprefix(BASE)) == (
        "main/proc0",
        "",
        "http://localhost:1/v1",
    )
    assert again[gateway.ORIGINALS] == made[gateway.ORIGINALS]


def test_a_python_program_gets_its_own_variables_back(monkeypatch, tmp_path):
    given = {"OPENAI_BASE_URL": "http://localhost:1/v1"}
    for name, value in gateway.variables(given, BASE, "main", "").items():
        monkeypatch.setenv(name, value)
    gateway.restore()
    assert os.environ["OPENAI_BASE_URL"] == "http://localhost:1/v1"
    assert "ANTHROPIC_BASE_URL" not in os.environ
    # What is started past `subprocess` inherits the C library's environment, as it was.
    heard = tmp_path / "heard"
    assert os.system(f"echo $ANTHROPIC_BASE_URL > {heard}") == 0
    assert heard.read_text().startswith(BASE)


def test_what_a_shell_has_set_or_unset_since_stays_so(monkeypatch):
    made = gateway.variables({"OLLAMA_HOST": "localhost:9"}, BASE, "main/proc0", "")
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GROQ_BASE_URL", made["GROQ_BASE_URL"] + "/openai/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1/v1")
    monkeypatch.delenv("OLLAMA_HOST")
    gateway.restore()
    assert os.environ["OPENAI_BASE_URL"] == "http://localhost:1/v1"
    assert os.environ["GROQ_BASE_URL"] == "https://api.groq.com/openai/v1"
    assert "OLLAMA_HOST" not in os.environ
    assert "ANTHROPIC_BASE_URL" not in os.environ


@pytest.mark.parametrize(
    ("own", "made"),
    [
        ({}, ("127.0.0.1", "127.0.0.1")),
        ({"NO_PROXY": "corp.test"}, ("corp.test,127.0.0.1", "corp.test,127.0.0.1")),
        ({"no_proxy": "a", "NO_PROXY": "b"}, ("a,127.0.0.1", "b,127.0.0.1")),
        ({"no_proxy": "*"}, ("*", "*")),
    ],
)
def test_a_proxy_is_not_asked_for_the_gateway(own, made, monkeypatch):
    given = {"http_proxy": "http://proxy.test:1", **own}
    set_for_it = gateway.variables(given, BASE, "main", "")
    assert (set_for_it["no_proxy"], set_for_it["NO_PROXY"]) == made
    again = gateway.variables({**given, **set_for_it}, BASE, "main", "")
    assert again == set_for_it
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_for_it.items():
        monkeypatch.setenv(name, value)
    gateway.restore()
    assert {
        name: os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ
    } == own


def test_without_a_proxy_nothing_is_said_of_one():
    assert "no_proxy" not in gateway.variables({}, BASE, "main", "")


def test_a_lane_is_placed_where_its_step_is():
    placed = gateway.placed(Lane("main/proc0"), "main research[1] covered")
    assert (placed.place(), placed.covered) == ("research[1]/proc0", True)
    assert gateway.placed(Lane("main/proc0"), "").place() == ""


def test_of_two_names_for_one_address_the_one_that_is_set_speaks_for_both():
    made = gateway.variables({"OPENAI_BASE_URL": "http://localhost:1/v1"}, BASE, "main", "")
    assert "OPENAI_API_BASE" not in made
