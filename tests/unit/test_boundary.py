"""What lies outside a recording."""

import socket
from ipaddress import ip_address

import pytest

from agentvcr.boundary import Boundary, Unbounded, name_upgrade, own_collectors
from agentvcr.errors import BadOptionError


@pytest.mark.parametrize(
    ("live", "host", "port"),
    [
        ("localhost:6379", "localhost", 6379),
        ("localhost:6379", "127.0.0.1", 6379),
        ("127.0.0.1:6379", "localhost", 6379),
        ("Redis.Local:6379", "redis.local", 6379),
        ("redis.local", "redis.local", 5),
        ("redis.local:6379", "redis.local", 0),
        ("[::1]:6379", "::1", 6379),
        ("::1", "::1", 6379),
    ],
)
def test_a_live_service_is_live_by_each_of_its_names(live, host, port):
    assert Boundary((live,)).place(host, port) == "live"


@pytest.mark.parametrize(
    "text",
    [
        "foo:bar",
        "http://host:6379",
        "::",
        "[::]",
        "0.0.0.0",
        ":80",
        "a:0",
        "a:65536",
        "host/path",
        "[redis]:1",
        "a:²",
    ],
)
def test_what_is_no_host_and_port_is_refused_as_live(text):
    with pytest.raises(BadOptionError, match="is no HOST:PORT"):
        Boundary((text,))


def test_a_live_name_stands_for_its_numbers_and_for_no_others():
    name = socket.gethostname()
    numbers = {address[0] for *_, address in socket.getaddrinfo(name, None)}
    boundary = Boundary((f"{name}:6379",))
    away = {number for number in numbers if not ip_address(number.partition("%")[0]).is_loopback}
    assert {boundary.place(number, 6379) for number in away} <= {"live"}
    assert {boundary.place(number, 80) for number in numbers} == {"outside"}
    assert boundary.place("192.0.2.1", 6379) == "outside"


def test_a_live_number_is_live_in_each_of_its_spellings():
    boundary = Boundary(("[2001:db8:0:0::1]:6379",))
    assert boundary.place("2001:db8::1", 6379) == "live"
    assert {boundary.place("2001:db8::2", 6379), boundary.place("2001:db8::1", 1)} == {"outside"}


def test_another_port_of_a_live_host_is_not_live():
    assert Boundary(("redis.local:6379",)).place("redis.local", 80) == "outside"


def test_a_loopback_port_is_internal_once_a_process_of_the_run_listens_on_it():
    boundary = Boundary()
    assert boundary.place("127.0.0.1", 8000) == "outside"
    boundary.listens(8000)
    assert {boundary.place(host, 8000) for host in ("127.0.0.1", "localhost", "::1")} == {
        "internal"
    }
    assert boundary.place("10.0.0.1", 8000) == "outside"
    assert boundary.place("127.0.0.1.evil.example", 8000) == "outside"


def test_collectors_of_ones_own_are_found_in_the_environment():
    found = own_collectors(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
            "LANGSMITH_ENDPOINT": "https://langsmith.internal/api",
            "SENTRY_DSN": "https://key@errors.internal/7",
            "LANGFUSE_HOST": "not a url",
            "HOME": "https://home.internal",
        }
    )
    assert set(found) == {"localhost:4318", "langsmith.internal:443", "errors.internal:443"}
    boundary = Boundary(telemetry=found)
    assert boundary.place_of("http://127.0.0.1:4318/v1/traces") == "telemetry"
    assert boundary.place_of("http://127.0.0.1:8000/v1/traces") == "outside"
    assert boundary.place_of("https://langsmith.internal/api/runs") == "telemetry"
    assert boundary.place("home.internal", 443) == "outside"


def test_telemetry_is_a_declared_host_or_one_below_it():
    boundary = Boundary(telemetry=("t.example",))
    assert boundary.place("o1.ingest.sentry.io", 443) == "telemetry"
    assert boundary.place("T.example.", 443) == "telemetry"
    assert boundary.place("not-t.example", 443) == "outside"
    assert boundary.place_of("https://api.openai.com/v1/traces/ingest") == "telemetry"
    assert boundary.place_of("https://api.openai.com/v1/responses") == "outside"


@pytest.mark.parametrize("url", ["http://h:99999/", "http://[::1/", "http://h:x/"])
def test_a_url_that_makes_no_sense_is_outside(url):
    assert Boundary().place_of(url) == "outside"


def test_without_a_boundary_all_is_outside():
    boundary = Unbounded()
    boundary.listens(8000)
    assert boundary.place("127.0.0.1", 8000) == "outside"
    for url in ("http://127.0.0.1:8000/", "https://app.posthog.com/batch", "no url"):
        assert boundary.place_of(url) == "outside"


SYSTEM = [
    "/dev/log",
    "/run/systemd/journal/socket",
    "/var/run/nscd/socket",
    "/var/lib/sss/pipes/nss",
]
OTHERS = [
    "/var/run/docker.sock",
    "/run/postgresql/.s.PGSQL.5432",
    "/tmp/x",
    "\0abstract",
    "/run/nscd",
]


@pytest.mark.parametrize("path", SYSTEM)
def test_a_socket_of_the_system_is_nothing_that_a_recording_misses(path):
    assert Boundary().kind_of_passing(f"unix:{path}", 0) is None


@pytest.mark.parametrize("path", OTHERS)
def test_any_other_unix_socket_is_missed_and_may_be_left_live(path):
    assert Boundary().kind_of_passing(f"unix:{path}", 0) == "unrecorded"
    assert Boundary((f"unix:{path}",)).kind_of_passing(f"unix:{path}", 0) == "live"


def test_what_is_reached_past_the_clients_is_noted_as_what_it_is():
    boundary = Boundary(("10.0.0.1:5432",), ("10.0.0.2:4317",))
    boundary.listens(8000)
    boundary.gateway_at(9000)
    kinds = {
        ("10.0.0.1", 5432): "live",
        ("10.0.0.1", 1): "unrecorded",
        ("10.0.0.2", 4317): "telemetry",
        ("127.0.0.1", 8000): None,
        ("127.0.0.1", 9000): None,
        ("127.0.0.1", 1): "unrecorded",
    }
    assert {where: boundary.kind_of_passing(*where) for where in kinds} == kinds


@pytest.mark.parametrize("live", [(), ("localhost",), ("a.example:80",)])
def test_a_message_to_an_mcp_server_on_standard_streams_lies_outside(live):
    boundary = Boundary(live, ("localhost:4318",))
    boundary.listens(0)
    assert boundary.place_of("mcp:calc/tools/call/telemetry") == "outside"


def test_an_upgrade_is_named_without_who_asks():
    named = name_upgrade("https://someone:SECRET@example.org/a@b?token=SECRET", "c", [])
    assert named == "upgrade to another protocol https://example.org/a@b (c)"
