"""The providers' own SDKs: what each said and got, recorded once and replayed with nobody there.

Each speaks its provider's real wire format: events, Bedrock's binary messages, Ollama's lines.
Whichever HTTP client it uses, each request is recorded once, by that client's name.
"""

import dataclasses
import itertools
import json
import pathlib
import re

import pytest

from tests.frameworks.conftest import program, record
from tests.frameworks.sdk_provider import SdkProvider
from tests.support import corpora as recordings

ENVIRONMENT = "sdks"
REPLAYS = 3
EACH = 3
_LARGEST = 200_000


@dataclasses.dataclass(frozen=True)
class Case:
    """One program: which of its parts run, and which clients ask for them."""

    sdk: str
    parts: str
    clients: frozenset[str]
    others: int = 0
    """Exchanges with no model: a question about one."""

    def __str__(self) -> str:
        return self.sdk


def case(sdk: str, parts: str, *clients: str, others: int = 0) -> Case:
    return Case(sdk, parts, frozenset(clients), others)


CASES = (
    case("openai", "sync async aiohttp", "httpx2", "aiohttp"),
    case("anthropic", "sync async aiohttp", "httpx2", "aiohttp"),
    case("google_genai", "sync async aiohttp", "httpx", "httpx2", "aiohttp"),
    case("mistralai", "sync async", "httpx2"),
    case("cohere", "sync async", "httpx"),
    case("boto3", "sync threads", "botocore"),
    case("litellm", "sync async", "httpx", "aiohttp"),
    case("ollama", "sync async", "httpx"),
    case("huggingface_hub", "sync async", "httpx2", others=1),
)
REAL = ("openai", "anthropic", "google_genai", "mistralai", "cohere", "boto3", "huggingface_hub")
"""The SDKs whose providers' real answers are among the recordings."""


def environment(base_url: str) -> dict[str, str]:
    """Name the provider and make-believe credentials in each SDK's own variables."""
    return {
        "BASE_URL": base_url,
        "OPENAI_BASE_URL": f"{base_url}/v1",
        "OPENAI_API_KEY": "sk-test-not-a-key",
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_API_KEY": "sk-ant-test-not-a-key",
        "GEMINI_URL": base_url,
        "GEMINI_API_KEY": "test-not-a-key",
        "MISTRAL_URL": f"{base_url}/mistral",
        "MISTRAL_API_KEY": "test-not-a-key",
        "CO_API_URL": base_url,
        "CO_API_KEY": "test-not-a-key",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": base_url,
        "AWS_ACCESS_KEY_ID": "AKIATESTNOTAKEY00001",
        "AWS_SECRET_ACCESS_KEY": "test-not-a-secret",
        "AWS_SESSION_TOKEN": "test-not-a-token",
        "AWS_DEFAULT_REGION": "us-east-1",
        "OLLAMA_HOST": base_url,
        "HF_ENDPOINT": base_url,
        "HF_TOKEN": "hf_test",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def recorded(tmp_path, words, real=()):
    """Record a program in front of a provider that has gone when this returns."""
    with SdkProvider(real) as provider:
        command = program(ENVIRONMENT, *words)
        found = record(tmp_path, command, environment(provider.base_url))
    assert provider.unknown == []
    return found, provider


@pytest.fixture(scope="module")
def real(corpora):
    """A few real answers of each family."""
    return real_answers(corpora)


def real_answers(root: pathlib.Path) -> list[recordings.Recording]:
    """Choose a few real answers of each family, whole and streamed."""

    def family_of(url):
        return recordings.openai_or_anthropic(url) or recordings.of_another(url)

    chosen = {}
    for path in sorted(root.rglob("*.yaml")):
        if path.stat().st_size > _LARGEST:
            continue
        for found in recordings.read(path, name=path.name, family_of=family_of):
            if found.status == 200 and found.header("content-encoding") in ("", "gzip"):
                shelf = chosen.setdefault((found.family, found.streamed), [])
                if len(shelf) < EACH:
                    shelf.append(found)
    return list(itertools.chain(*chosen.values()))


def check(found, provider, case):
    """Expect each request once, by the client that sent it, and read by a dialect."""
    steps = found.steps()
    assert len(steps) == provider.count
    assert {step["client"] for step in steps} == case.clients
    models = [step for step in steps if step["kind"] == "llm"]
    assert len(models) == len(steps) - case.others
    for step in models:
        assert step["action"] not in ("", "(no model named)"), step["step"]
        assert step["outputs"]["answer"]["message"], step["step"]
        assert step["outputs"]["input_tokens"] is not None, step["step"]
        assert step["outputs"]["output_tokens"] is not None, step["step"]
    found.check_replays(REPLAYS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_conversation_is_recorded_once_and_its_replays_are_the_run(case, tmp_path):
    found, provider = recorded(tmp_path, [f"sdk_{case.sdk}.py", *case.parts.split()])
    check(found, provider, case)
    called = [step["outputs"]["tool_calls"] for step in found.steps()]
    assert any(called), "no tool was called"


@pytest.mark.parametrize("case", [one for one in CASES if one.sdk in REAL], ids=str)
def test_what_real_providers_said_is_replayed(case, real, tmp_path):
    found, provider = recorded(tmp_path, [f"sdk_{case.sdk}.py", *case.parts.split()], real)
    assert len(found.steps()) == provider.count
    assert {step["client"] for step in found.steps()} == case.clients
    found.check_replays(1)


def test_no_credential_of_an_sdk_gets_into_the_cassette(tmp_path):
    found, provider = recorded(tmp_path, ["sdk_credentials.py"])
    kept = found.exported()
    assert len(found.steps()) == provider.count
    sent = b"".join(
        b"%s %s" % (json.dumps(asked.query).encode(), json.dumps(asked.headers).encode())
        for asked in provider.asked
    )
    for name, key in json.loads((tmp_path / "keys.json").read_text()).items():
        assert key.encode() in sent or name == "secret", f"{name} was not sent"
        assert key.encode() not in kept, name
        assert key.encode() not in found.stdout, name
    assert re.search(rb"Signature=[0-9a-f]{64}", sent)
    assert not re.search(rb"(?i)signature=[0-9a-f]{64}", kept)
    # Each run signs anew, in headers and in addresses; the requests are the same ones.
    replayed = found.replay("replay.avcr")
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert b"the same: " in replayed.stderr
