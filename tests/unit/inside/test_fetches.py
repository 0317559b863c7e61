import pytest

from agentvcr.inside.fetches import past_the_gateway

BASE = "http://127.0.0.1:4000"
SEEN = [
    (
        ["curl", "-s", "https://api.example/v1?key=x"],
        ("api.example", 443, "curl https://api.example/v1"),
    ),
    (["/usr/bin/wget", "http://me:word@host:81/a"], ("host", 81, "wget http://host:81/a")),
    (["bash", "-c", "x=1; curl -s http://[::1]:5/a | jq"], ("::1", 5, "curl http://[::1]:5/a")),
    ("cat f | curl -d @- 'http://host/x'", ("host", 80, "curl http://host/x")),
]
UNSEEN = [
    ["curl", BASE + "/https/api.example/v1"],
    ["curl", "-K", "file"],
    ["python", "fetch.py", "http://host/"],
    ["echo", "http://host/"],
    "echo curl; cat http://host/",
    "curl $OPENAI_BASE_URL/x",
    "curl http://$HOST/x",
    [],
]


def found(command):
    words = [command] if isinstance(command, str) else command
    return list(past_the_gateway(words, BASE, is_text=isinstance(command, str)))


@pytest.mark.parametrize(("command", "told"), SEEN, ids=range(len(SEEN)))
def test_an_address_on_a_command_line_is_seen_without_its_credentials(command, told):
    assert found(command) == [told]


@pytest.mark.parametrize("command", UNSEEN, ids=range(len(UNSEEN)))
def test_what_goes_to_the_gateway_or_cannot_be_read_is_not(command):
    assert found(command) == []
