"""The demo's provider on the wire, asked by a plain client and by the real SDK."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import openai
import pytest

from agentvcr.demo.provider import MODEL, DemoProvider

CHAT = "/v1/chat/completions"
RESEARCH = [
    {"role": "system", "content": "You are a researcher."},
    {"role": "user", "content": "Topic: storm water"},
]


@pytest.fixture
def provider() -> Iterator[DemoProvider]:
    with DemoProvider(seed=1, delay_s=0) as server:
        yield server


@pytest.fixture
def client(provider) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=provider.base_url) as ready:
        yield ready


@pytest.fixture
def sdk(provider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{provider.base_url}/v1", api_key="none", max_retries=0) as ready:
        yield ready


def test_plain_answer_is_what_the_sdk_expects(sdk):
    answer = sdk.chat.completions.create(model=MODEL, messages=RESEARCH)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert "storm water" in json.loads(message.tool_calls[0].function.arguments)["query"]
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_streamed_answer_comes_in_pieces_and_is_what_the_sdk_expects(sdk):
    events = list(
        sdk.chat.completions.create(
            model=MODEL, messages=RESEARCH, stream=True, stream_options={"include_usage": True}
        )
    )
    deltas = [event.choices[0].delta for event in events if event.choices]
    calls = [call for delta in deltas for call in delta.tool_calls or []]
    assert "".join(delta.content or "" for delta in deltas) == "Let me look up storm water."
    assert sum(bool(delta.content) for delta in deltas) > 1
    assert json.loads("".join(call.function.arguments for call in calls))["query"]
    assert [call.function.name for call in calls if call.function.name] == ["search"]
    assert events[-1].usage.total_tokens > 0


def test_usage_is_streamed_only_on_request(client):
    body = {"messages": RESEARCH, "stream": True}
    assert '"usage"' not in client.post(CHAT, json=body).text


def test_the_same_question_gets_another_answer(client):
    answers = {client.post(CHAT, json={"messages": RESEARCH}).text for _ in range(5)}
    assert len(answers) == 5


def test_another_provider_says_it_otherwise():
    with DemoProvider() as one, DemoProvider() as other:
        assert one.seed != other.seed


def test_a_search_finds_what_the_survey_says(client):
    found = client.get("/search", params={"q": "Storm water, round 1"}).json()
    assert [hit["title"] for hit in found["hits"]] == ["City survey: storm water"] * 2


def test_connection_stays_open_for_the_next_request(client):
    client.get("/search", params={"q": "one"})
    (kept,) = client._transport._pool.connections
    client.post(CHAT, json={"messages": RESEARCH, "stream": True})
    assert client._transport._pool.connections == [kept]


@pytest.mark.parametrize(
    ("line", "body", "status", "words"),
    [
        ("GET /v1/models", b"", 404, "Unknown URL: GET /v1/models"),
        ("POST /v1/embeddings", b"{}", 404, "Unknown URL: POST /v1/embeddings"),
        (f"POST {CHAT}", b"{", 400, "The body is not JSON."),
        (f"POST {CHAT}", b"[]", 400, "The body is not a JSON object."),
        (f"POST {CHAT}", b"{}", 400, "messages must be a non-empty list."),
        (f"POST {CHAT}", b'{"messages": ["hi"]}', 400, "Each message must be an object."),
        ("GET /search", b"", 400, "The parameter q is missing."),
    ],
)
def test_a_refusal_is_worded_as_openai_words_it(client, line, body, status, words):
    answer = client.request(*line.split(), content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == words
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_the_sdk_raises_its_own_error_for_a_refusal(sdk):
    with pytest.raises(openai.BadRequestError, match="non-empty list"):
        sdk.chat.completions.create(model=MODEL, messages=[])


def test_its_own_process_ends_with_standard_input_and_closes_the_port():
    command = [sys.executable, "-m", "agentvcr.demo.provider"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/search?q=upkeep"
        assert httpx.get(url).json()["search"] == 1
        process.stdin.close()
        assert process.wait(10) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
