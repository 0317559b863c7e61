"""The gateway in a replay, standing alone, and its own way to providers: TLS and proxies."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from agentvcr.cassette.reader import load_run
from tests.integration.test_real_sdks import replayed_under_strace
from tests.integration.test_websocket import EchoServer
from tests.support.counter_server import CounterServer
from tests.support.proxy_server import ProxyServer
from tests.support.script_server import ScriptServer
from tests.support.secure_server import SecureServer
from tests.support.shell import Shell, assert_replays_the_same, exchanges, needs

JITTER_MS = (0, 20)
CHAT = "$OPENAI_BASE_URL/chat/completions"


# --- in a replay ----------------------------------------------------------------------------------


def test_a_changed_request_stops_the_replay_and_is_named(tmp_path):
    needs("curl")
    with CounterServer(jitter_ms=JITTER_MS) as server:
        shell = Shell(
            f"""say curl -s {CHAT} -d "{{\\"q\\": \\"$WORD\\"}}"\n""",
            tmp_path,
            server.base_url,
            WORD="recorded",
        )
        assert shell.record().returncode == 0
    shell.env["WORD"] = "changed"
    replayed = shell.replay()
    assert replayed.returncode == 4
    assert b"recorded: " in replayed.stderr
    assert b"changed" in replayed.stderr
    nearest = shell.replay("--on-miss", "nearest")
    assert (nearest.returncode, b"This is answer 1." in nearest.stdout) == (1, True)


def test_nothing_connects_but_to_the_gateway_in_a_replay(tmp_path):
    needs("curl", "node", "strace")
    script = """
        curl -s $OPENAI_BASE_URL/json
        node -e 'fetch(process.env.OPENAI_BASE_URL + "/json").then((r) => console.log(r.status))'
    """
    with ScriptServer() as server:
        shell = Shell(script, tmp_path, server.base_url)
        recorded = shell.record()
    stdout, connects = replayed_under_strace(tmp_path, {**os.environ, **shell.env})
    assert stdout == recorded.stdout
    port = load_run(tmp_path / "x.avcr").notes[0].text.rpartition(":")[2]
    assert connects
    assert [one for one in connects if f"htons({port})" not in one] == []


# --- standing alone -------------------------------------------------------------------------------


def test_serve_answers_from_a_cassette_until_it_is_stopped(tmp_path):
    needs("curl")
    with CounterServer(jitter_ms=JITTER_MS) as server:
        provider = server.base_url
        shell = Shell(f"curl -s {CHAT} -d 1\n", tmp_path, provider)
        recorded = shell.record()
    command = [sys.executable, "-m", "agentvcr", "serve", "x.avcr"]
    serving = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = serving.stdout.readline()
    name, _, url = line.strip().partition("=")
    assert name == provider

    def ask(body):
        words = ["curl", "-s", "-w", "%{http_code}", f"{url}/chat/completions", "-d", body]
        return subprocess.run(words, capture_output=True, check=True).stdout.decode()

    assert ask("1") == recorded.stdout.decode() + "200"
    refused = ask("2")
    assert refused.startswith("no recorded exchange answers POST /chat/completions")
    assert refused.endswith("501")
    serving.terminate()
    _, said = serving.communicate(timeout=30)
    assert serving.returncode == 1
    assert "answered 1 request from x.avcr" in said
    kept = exchanges(tmp_path, "x.last.avcr")
    assert json.loads(kept[0].response.body) == json.loads(recorded.stdout)


def test_serve_asks_the_real_service_for_what_is_new_where_it_may(tmp_path):
    needs("curl")
    with CounterServer(jitter_ms=JITTER_MS) as server:
        Shell(f"curl -s {CHAT} -d 1\n", tmp_path, server.base_url).record()
        command = [sys.executable, "-m", "agentvcr", "serve", "x.avcr", "--on-miss", "live"]
        serving = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        url = serving.stdout.readline().strip().partition("=")[2]
        for body in ("1", "2"):
            words = ["curl", "-s", f"{url}/chat/completions", "-d", body]
            subprocess.run(words, capture_output=True, check=True)
        serving.terminate()
        _, said = serving.communicate(timeout=30)
        assert server.count == 2
    assert (serving.returncode, said.count("asked of the real service:")) == (1, 1)
    kept = exchanges(tmp_path, "x.last.avcr")
    assert [one.served_from for one in kept] == [1, None]
    assert b"This is answer 2." in kept[1].response.body


# --- the way out ----------------------------------------------------------------------------------


@pytest.fixture
def _machines_own(monkeypatch):
    """Name no authorities in place of the machine's own."""
    monkeypatch.delenv("SSL_CERT_FILE")


@pytest.mark.usefixtures("_machines_own")
def test_a_provider_behind_tls_is_checked_and_asked(tmp_path):
    needs("curl")
    script = "say curl -s $OPENAI_BASE_URL/json\n"
    with SecureServer(tmp_path) as server:
        trusting = Shell(script, tmp_path, server.base_url, SSL_CERT_FILE=str(server.authority))
        recorded = trusting.record()
        assert recorded.stdout == b'{"ok": true} -> 0\n', recorded.stderr.decode()
        (one,) = exchanges(tmp_path)
        assert one.request.url == f"{server.base_url}/json"
        distrusting = Shell(script, tmp_path, server.base_url)
        refused = distrusting.record("--force")
        assert b" -> 0" not in refused.stdout
    (one,) = exchanges(tmp_path)
    assert "CERTIFICATE_VERIFY_FAILED" in one.ending.failure.message
    assert_replays_the_same(distrusting, refused)


@pytest.mark.usefixtures("_machines_own")
@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"])
def test_an_authority_that_one_kind_of_program_trusts_is_trusted_for_it(name, tmp_path):
    needs("curl")
    with SecureServer(tmp_path) as server:
        named = {name: str(server.authority)}
        shell = Shell("say curl -s $OPENAI_BASE_URL/json\n", tmp_path, server.base_url, **named)
        recorded = shell.record()
    assert recorded.stdout == b'{"ok": true} -> 0\n', recorded.stderr.decode()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_the_environments_proxy_is_the_gateways(secure, tmp_path):
    needs("curl")
    script = "say curl -s $OPENAI_BASE_URL/json\n"
    server = SecureServer(tmp_path) if secure else ScriptServer()
    with server, ProxyServer() as proxy:
        named = {"https_proxy" if secure else "http_proxy": proxy.url, "no_proxy": "localhost"}
        if secure:
            named["SSL_CERT_FILE"] = str(server.authority)
        shell = Shell(script, tmp_path, server.base_url, **named)
        recorded = shell.record()
        assert recorded.stdout == b'{"ok": true} -> 0\n', recorded.stderr.decode()
        assert (len(proxy.tunnels), len(proxy.forwarded)) == ((1, 0) if secure else (0, 1))
    assert_replays_the_same(shell, recorded)


# --- what is not recorded -------------------------------------------------------------------------

SPEAKS = """
const key = Buffer.from("sixteen byte key").toString("base64");
const url = new URL(process.env.OPENAI_BASE_URL + "/talk?token=not-a-real-token");
const asking = require("http").request(url, { headers: {
  Connection: "Upgrade", Upgrade: "websocket",
  "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13" } });
const mask = Buffer.from([1, 2, 3, 4]);
const frame = (text) => Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask,
  Buffer.from([...Buffer.from(text)].map((byte, at) => byte ^ mask[at % 4]))]);
asking.on("upgrade", (answer, socket) => {
  socket.once("data", (data) => {
    console.log(answer.statusCode, data.subarray(2).toString());
    socket.end();
  });
  socket.write(frame("hello"));
});
asking.on("response", (answer) => console.log(answer.statusCode));
asking.on("error", (error) => console.log(error.code));
asking.end();
"""


def test_a_websocket_passes_the_gateway_and_is_named_and_stops_a_replay(tmp_path):
    needs("node")
    (tmp_path / "speaks.cjs").write_text(SPEAKS)
    with EchoServer() as server:
        shell = Shell("node speaks.cjs\n", tmp_path, f"http://{server.address}")
        bare, recorded = shell.bare(), shell.record()
    assert (bare, recorded.stdout) == (b"101 1 echo hello\n", b"101 2 echo hello\n")
    name = f"websocket ws://{server.address}/talk (gateway)".encode()
    assert b"not recorded: " + name in recorded.stderr
    assert b"not-a-real-token" not in recorded.stderr
    replayed = shell.replay()
    assert (replayed.returncode, replayed.stdout) == (4, b"501\n")
    assert name in replayed.stderr


# --- who may ask, and for how long ----------------------------------------------------------------


def test_who_does_not_know_the_key_is_not_answered(tmp_path):
    needs("curl")
    script = """
        keyless=$(echo "$OPENAI_BASE_URL" | sed -E 's#(:[0-9]+)/[0-9a-f]+/#\\1/#')
        say curl -s -o /dev/null -w '%{http_code}' "$keyless/json"
        say curl -s -o /dev/null -w '%{http_code}' "$OPENAI_BASE_URL/json"
    """
    with ScriptServer() as server:
        recorded = Shell(textwrap.dedent(script), tmp_path, server.base_url).record()
        assert server.count == 1
    assert recorded.stdout == b"404 -> 0\n200 -> 0\n"


def test_a_program_goes_on_through_the_gateway_when_the_recorder_is_killed(tmp_path):
    needs("curl")
    script = """
        curl -s $OPENAI_BASE_URL/json > before
        kill -9 $PPID
        curl -s $OPENAI_BASE_URL/json > after
    """
    with ScriptServer() as server:
        # The script holds our pipes: this returns when it has ended, and not when it is orphaned.
        done = Shell(textwrap.dedent(script), tmp_path, server.base_url).record()
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text() == '{"ok": true}'
