"""Which addresses are telemetry: those of collectors' clients, and their neighbours that are not.

The URLs are those of released packages, most of them seen by running one with its network refused,
the others read in its source. What a program uses the answer of is data, also where it lies on a
collector's host: it is recorded, and replayed.
"""

import pytest

from agentvcr.boundary import Boundary

TELEMETRY = [
    # openai-agents: traces
    "https://api.openai.com/v1/traces/ingest",
    # langsmith, for LangChain and LangGraph: runs, and its regions by LANGSMITH_ENDPOINT
    "https://api.smith.langchain.com/info",
    "https://api.smith.langchain.com/runs",
    "https://api.smith.langchain.com/runs/batch",
    "https://api.smith.langchain.com/runs/multipart",
    "https://api.smith.langchain.com/runs/0b29e3fb-0b29-4e3f-8b29-e3fb0b29e3fb",
    "https://api.smith.langchain.com/feedback",
    "https://api.smith.langchain.com/otel/v1/traces",
    "https://eu.api.smith.langchain.com/runs/multipart",
    "https://aws.api.smith.langchain.com/runs/multipart",
    "https://apac.api.smith.langchain.com/runs/multipart",
    # crewai: anonymous spans, and traces of those who signed in
    "https://telemetry.crewai.com:4319/v1/traces",
    "https://app.crewai.com/crewai_plus/api/v1/tracing/batches",
    "https://app.crewai.com/crewai_plus/api/v1/tracing/ephemeral/batches",
    # huggingface_hub and gradio; the harnesses only word a User-Agent, and stay on disk for a day
    "https://huggingface.co/api/telemetry/ping",
    "https://huggingface.co/api/telemetry/https%3A/api.gradio.app/gradio-launched-telemetry",
    "https://huggingface.co/api/agent-harnesses",
    # posthog, for mem0 (us) and browser-use (eu)
    "https://us.i.posthog.com/batch/",
    "https://us.i.posthog.com/i/v0/ai/batch/",
    "https://eu.i.posthog.com/batch/",
    "https://app.posthog.com/batch/",
    # agno
    "https://os-api.agno.com/telemetry/runs",
    # browser-use: its cloud
    "https://api.browser-use.com/api/v1/events",
    # logfire
    "https://logfire-us.pydantic.dev/v1/info",
    "https://logfire-us.pydantic.dev/v1/traces",
    "https://logfire-eu.pydantic.dev/v1/metrics",
    "https://logfire-api.pydantic.dev/v1/traces",
    # langfuse, traceloop, agentops, opik, braintrust, sentry, datadog
    "https://cloud.langfuse.com/api/public/otel/v1/traces",
    "https://us.cloud.langfuse.com/api/public/ingestion",
    "https://api.traceloop.com/v1/traces",
    "https://api.agentops.ai/v3/auth/token",
    "https://api.agentops.ai/v4/logs/upload/",
    "https://otlp.agentops.ai/v1/traces",
    "https://www.comet.com/opik/api/v1/private/traces/batch",
    "https://www.comet.com/opik/api/v1/private/spans/batch",
    "https://www.comet.com/opik/api/is-alive/ping",
    "https://www.braintrust.dev/api/apikey/login",
    "https://api.braintrust.dev/logs3",
    "https://o1.ingest.sentry.io/api/1/envelope/",
    "https://o1.ingest.us.sentry.io/api/1/envelope/",
    "https://o1.ingest.de.sentry.io/api/1/envelope/",
    "https://trace.agent.datadoghq.com/api/v0.2/traces",
    "https://public-trace-http-intake.logs.datadoghq.com/v1/input/v0.4/traces",
    "https://instrumentation-telemetry-intake.datadoghq.eu/api/v2/apmtelemetry",
    "https://llmobs-intake.us3.datadoghq.com/api/v2/llmobs",
]

DATA = [
    # Models, and what decides about them.
    "https://api.openai.com/v1/responses",
    "https://api.openai.com/v1/responses/input_tokens",
    "https://api.openai.com/v1/traces/ingested",
    "https://huggingface.co/gpt2/resolve/main/config.json",
    "https://huggingface.co/api/models/gpt2",
    "https://huggingface.co/api/telemetryless",
    "https://router.huggingface.co/v1/chat/completions",
    "https://llm.api.browser-use.com/v1/chat/completions",
    "https://api.browser-use.com/api/v1/run-task",
    "https://api.braintrust.dev/v1/proxy/chat/completions",
    # Prices, notices and versions: a program counts with them or prints them.
    "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json",
    "https://raw.githubusercontent.com/mem0ai/mem0/main/mem0/memory/oss_notices_config.json",
    "https://pypi.org/pypi/crewai/json",
    "https://api.gradio.app/pkg-version",
    "https://chroma-onnx-models.s3.amazonaws.com/all-MiniLM-L6-v2/onnx.tar.gz",
    # Prompts, data sets, agents and flags that lie with a collector.
    "https://api.smith.langchain.com/commits/hwchase17/openai-functions-agent/latest",
    "https://eu.api.smith.langchain.com/commits/-/own-prompt/latest",
    "https://api.smith.langchain.com/repos/?limit=1",
    "https://api.smith.langchain.com/datasets?limit=1&name=x",
    "https://api.smith.langchain.com/examples?dataset=x",
    "https://api.smith.langchain.com/runs/query",
    "https://app.crewai.com/crewai_plus/api/v1/agents/researcher",
    "https://cloud.langfuse.com/api/public/v2/prompts/x",
    "https://us.cloud.langfuse.com/api/public/v2/datasets/x",
    "https://api.traceloop.com/v1/traceloop/prompts",
    "https://api.traceloop.com/v2/datasets",
    "https://api.braintrust.dev/v1/prompt",
    "https://www.comet.com/opik/api/v1/private/prompts/versions/retrieve",
    "https://logfire-us.pydantic.dev/v1/variables/",
    "https://us.i.posthog.com/flags/?v=4",
    "https://us.i.posthog.com/flags/definitions?token=x",
    "https://os-api.agno.com/workspaces",
    # Hosts that only look alike.
    "https://sentry.io/api/0/projects/",
    "https://smith.langchain.com/hub",
    "https://telemetry.crewai.com.example/v1/traces",
    "https://not-huggingface.co/api/telemetry/ping",
]

HOSTS = [
    # What these clients speak (requests, urllib3, OTLP) shows a guard nothing but the host.
    "api.smith.langchain.com",
    "eu.api.smith.langchain.com",
    "telemetry.crewai.com",
    "us.i.posthog.com",
    "eu.i.posthog.com",
    "logfire-us.pydantic.dev",
    "cloud.langfuse.com",
    "api.traceloop.com",
    "www.braintrust.dev",
    "o168229.ingest.us.sentry.io",
    "otlp.agentops.ai",
]

SHARED = ["api.openai.com", "huggingface.co", "app.crewai.com", "raw.githubusercontent.com"]


@pytest.mark.parametrize("url", TELEMETRY)
def test_what_a_client_tells_its_vendor_is_telemetry(url):
    assert Boundary().place_of(url) == "telemetry"


@pytest.mark.parametrize("url", DATA)
def test_what_a_program_uses_is_no_telemetry(url):
    assert Boundary().place_of(url) == "outside"


@pytest.mark.parametrize("host", HOSTS)
def test_a_collectors_host_is_telemetry_where_the_path_is_unknown(host):
    assert {Boundary().place(host, port) for port in (0, 443)} == {"telemetry"}


@pytest.mark.parametrize("host", SHARED)
def test_a_host_of_models_too_is_no_telemetry_where_the_path_is_unknown(host):
    assert {Boundary().place(host, port) for port in (0, 443)} == {"outside"}


def test_a_host_that_stays_live_is_live_on_every_path():
    boundary = Boundary(live=("api.smith.langchain.com",))
    assert boundary.place_of("https://api.smith.langchain.com/commits/x/y/latest") == "live"
    assert boundary.place_of("https://api.smith.langchain.com/runs/batch") == "live"
