"""Programs that are not Python, recorded and replayed through the gateway: curl and node.

Their provider is gone before the replay; its answers carry a counter, so that a swapped, stale or
live one would show.
"""

import os
import subprocess
import sys
import textwrap

import pytest

from tests.support.counter_server import CounterServer
from tests.support.script_server import ScriptServer
from tests.support.shell import Shell, assert_replays_the_same, exchanges, needs

JITTER_MS = (0, 20)
CHAT = "$OPENAI_BASE_URL/chat/completions"


def recorded_and_replayed(script, folder, *, bare=True, **env):
    """Run a script in all three ways; returns what it printed, and its exchanges."""
    with ScriptServer() as server:
        shell = Shell(textwrap.dedent(script), folder, server.base_url, **env)
        expected = shell.bare() if bare else None
        before = server.count
        recorded = shell.record()
        asked = server.count - before
    assert recorded.returncode == 0, recorded.stderr.decode()
    if expected is not None:
        assert recorded.stdout == expected
    found = exchanges(folder)
    assert len(found) == asked
    assert {one.client for one in found} == {"gateway"}
    assert_replays_the_same(shell, recorded)
    return recorded.stdout.decode(), found


# --- what passes through --------------------------------------------------------------------------


def test_curl_sees_the_same_bare_recorded_and_replayed(tmp_path):
    needs("curl")
    script = """
        say curl -s $OPENAI_BASE_URL/json
        say curl -s $OPENAI_BASE_URL/echo?a=1 -H 'Content-Type: application/json' -d '{"b": 2}'
        say curl -s -F 'file=@script.sh;filename=f' -F a=b $OPENAI_BASE_URL/json
        say curl -s --compressed $OPENAI_BASE_URL/gzip
        say curl -sN $OPENAI_BASE_URL/sse?events=4
        say curl -sI $OPENAI_BASE_URL/empty
        say curl -s -o /dev/null -w '%{http_code}' "$OPENAI_BASE_URL/json?code=503"
        say curl -s $OPENAI_BASE_URL/large?bytes=300000\\&framing=chunked -o large
        say cksum large
    """
    recorded_and_replayed(script, tmp_path)


def test_a_long_body_and_one_without_a_length_arrive_whole(tmp_path):
    needs("curl")
    script = """
        head -c 3000000 /dev/zero | tr '\\0' x > long
        say curl -s $OPENAI_BASE_URL/echo -H 'Content-Type: text/plain' --data-binary @long
        say curl -s $OPENAI_BASE_URL/echo -H 'Transfer-Encoding: chunked' -T - < long
    """
    said, found = recorded_and_replayed(script, tmp_path, bare=False)
    assert said.count('"length": 3000000') == 2
    assert [len(one.request.body) for one in found] == [3_000_000, 3_000_000]


def test_headers_keep_their_case_order_and_doubles(tmp_path):
    needs("curl")
    _, found = recorded_and_replayed(
        "say curl -s $OPENAI_BASE_URL/headers -H 'X-OdD: 1' -H 'X-OdD: 2'\n", tmp_path
    )
    sent = [pair for pair in found[0].request.headers if pair[0] == b"X-OdD"]
    assert sent == [(b"X-OdD", b"1"), (b"X-OdD", b"2")]
    names = [name for name, _ in found[0].response.headers]
    assert names.index(b"X-Mixed-CASE") < names.index(b"x-mixed-case")


def test_each_chunk_is_handed_on_before_the_next_one_is_sent(tmp_path):
    """The script asks for the release of the next chunk when it has read the last one."""
    needs("curl")
    from tests.integration.test_httpx_family_scenes import SceneServer

    script = """
        curl -sN $OPENAI_BASE_URL/gated | (
          for turn in 1 2 3 4; do
            curl -s -o /dev/null -X POST $OPENAI_BASE_URL/release
            read line; echo "$line"; read line
          done
          curl -s -o /dev/null -X POST $OPENAI_BASE_URL/release
          cat
        )
    """
    with SceneServer() as server:
        shell = Shell(script, tmp_path, server.base_url)
        recorded = shell.record()
    assert recorded.stdout.count(b"data:") == 4
    gated = next(one for one in exchanges(tmp_path) if one.request.url.endswith("/gated"))
    assert len(gated.response.chunks) == 4
    assert_replays_the_same(shell, recorded)


def test_node_fetches_streams_and_keeps_its_connection(tmp_path):
    needs("node")
    (tmp_path / "agent.mjs").write_text(
        """
        const base = process.env.OPENAI_BASE_URL;
        const post = { method: "POST", headers: { "content-type": "application/json" } };
        for (let turn = 0; turn < 3; turn++) {
          const answer = await fetch(base + "/echo", { ...post, body: JSON.stringify({ turn }) });
          console.log(answer.status, (await answer.json()).text);
        }
        const stream = await fetch(base + "/sse?events=5&gap_ms=20");
        let text = "";
        for await (const piece of stream.body) text += Buffer.from(piece).toString();
        console.log(text);
        const many = await Promise.all(
          Array.from({ length: 20 }, (_, n) => fetch(base + "/json?n=" + n)));
        console.log(many.map((one) => one.status).join());
        """
    )
    _, found = recorded_and_replayed("say node agent.mjs\n", tmp_path)
    assert len(found) == 24


def test_a_redirect_to_another_address_stays_in_the_gateway(tmp_path):
    needs("curl")
    with ScriptServer() as other:
        script = (
            f"say curl -sL '$OPENAI_BASE_URL/redirect?to={other.base_url}/json?code=201'\n"
        ).replace("'", '"')
        _, found = recorded_and_replayed_counting_two(script, tmp_path)
        assert other.count == 2
    assert [one.response.status for one in found] == [307, 201]


def test_a_redirect_to_another_path_stays_at_the_providers(tmp_path):
    needs("curl")
    script = 'say curl -sL "$OPENAI_BASE_URL/redirect?to=/json?code=201"\n'
    _, found = recorded_and_replayed(script, tmp_path)
    assert [one.response.status for one in found] == [307, 201]


def test_a_client_that_offers_another_version_of_http_is_answered_in_this_one(tmp_path):
    """Clients of Java offer it with each request to an address without TLS."""
    needs("curl")
    offer = "-H 'Connection: Upgrade, HTTP2-Settings' -H 'Upgrade: h2c' -H 'HTTP2-Settings: AAMA'"
    script = f"say curl -s {offer} $OPENAI_BASE_URL/json $OPENAI_BASE_URL/echo\n"
    _, found = recorded_and_replayed(script, tmp_path)
    assert [one.response.status for one in found] == [200, 200]


def test_a_web_page_cannot_read_through_the_gateway_by_a_name_of_its_own(tmp_path):
    needs("curl")
    script = "curl -s -o /dev/null -w '%{http_code}' -H 'Host: page.test' $OPENAI_BASE_URL/json\n"
    with ScriptServer() as server:
        recorded = Shell(script, tmp_path, server.base_url).record()
        assert (recorded.stdout, server.count) == (b"421", 0)
    assert list(exchanges(tmp_path)) == []


def recorded_and_replayed_counting_two(script, folder):
    with ScriptServer() as server:
        shell = Shell(script, folder, server.base_url)
        bare, recorded = shell.bare(), shell.record()
    assert recorded.stdout == bare
    assert_replays_the_same(shell, recorded)
    return recorded.stdout, exchanges(folder)


# --- what fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["reset", "truncated?declared=1000&sent=400", "garbage"])
def test_a_broken_answer_breaks_the_replayed_program_too(path, tmp_path):
    needs("curl")
    script = f'touch got; say curl -s -o got "$OPENAI_BASE_URL/{path}"\nwc -c < got\n'
    said, found = recorded_and_replayed(script, tmp_path, bare=False)
    assert " -> 0" not in said
    assert [one.ending.kind for one in found] == ["failed"]


def test_a_provider_that_is_not_there_fails_the_same_in_a_replay(tmp_path):
    needs("curl")
    shell = Shell("say curl -s $OPENAI_BASE_URL/json\n", tmp_path, "http://127.0.0.1:9")
    recorded = shell.record()
    assert recorded.stdout in (b" -> 52\n", b" -> 56\n")  # no answer, and not an answer of ours
    (one,) = exchanges(tmp_path)
    assert (one.response, one.ending.failure.type) == (None, "httpcore.ConnectError")
    assert_replays_the_same(shell, recorded)


@pytest.mark.parametrize("path", ["hang", "sse?events=2&then=hang"])
def test_a_program_that_gives_up_waiting_gives_up_in_the_replay_too(path, tmp_path):
    needs("curl")
    script = f'say curl -sN -m 3 "$OPENAI_BASE_URL/{path}"\n'
    said, found = recorded_and_replayed(script, tmp_path)
    assert said.endswith(" -> 28\n")  # curl's time-out
    assert [one.ending.kind for one in found] in (["cancelled"], ["closed"])


def test_a_program_that_stops_reading_ends_its_exchange(tmp_path):
    needs("curl")
    script = 'curl -sN "$OPENAI_BASE_URL/endless" | head -n 3\n'
    said, found = recorded_and_replayed(script, tmp_path)
    assert said.count("data:") == 2
    assert [one.ending.kind for one in found] == ["closed"]


def test_an_address_that_makes_no_sense_breaks_the_connection_and_is_told(tmp_path):
    needs("curl")
    opening = "-H 'Connection: Upgrade' -H 'Upgrade: websocket'"
    script = f"say curl -s -m 20 {opening} $AGENTVCR_GATEWAY/https/example.org:port/x\n"
    recorded = Shell(script, tmp_path, "http://127.0.0.1:9").record()
    assert recorded.stdout in (b" -> 52\n", b" -> 56\n")  # and not 28, the end of its patience
    assert b"1 exchange passed unrecorded" in recorded.stderr


# --- who asks -------------------------------------------------------------------------------------


def test_children_of_python_each_get_their_own_answers(tmp_path):
    """Equal requests side by side, each with a question that follows from its answer."""
    needs("curl")
    (tmp_path / "crew.py").write_text(
        """if True:
        import subprocess, sys
        ask = '''
            first=$(curl -s $OPENAI_BASE_URL/chat -d '{"m": "the same"}')
            curl -s $OPENAI_BASE_URL/chat -d "$first" | tail -c 200
        '''
        crew = [subprocess.Popen(["bash", "-c", ask], stdout=-1) for _ in range(8)]
        for one in crew:
            print(one.communicate()[0].decode())
        """
    )
    with CounterServer(jitter_ms=JITTER_MS) as server:
        shell = Shell(f"{sys.executable} crew.py\n", tmp_path, server.base_url)
        recorded = shell.record()
        assert server.count == 16
    found = exchanges(tmp_path)
    assert sorted(one.lane for one in found) == sorted(
        f"main/proc{number}" for number in range(8) for _ in range(2)
    )
    for _ in range(3):
        assert_replays_the_same(shell, recorded)


def test_a_python_program_sees_its_own_variables_and_is_recorded_once(tmp_path):
    needs("curl")
    (tmp_path / "both.py").write_text(
        """if True:
        import os, subprocess, sys
        import httpx
        print([n for n in os.environ if n.endswith("_BASE_URL")], os.environ["OPENAI_BASE_URL"])
        print(httpx.get(os.environ["OPENAI_BASE_URL"] + "/json", trust_env=False).text)
        print(httpx.get(sys.argv[1] + "/echo", trust_env=False).text)  # the gateway's address
        subprocess.run(["bash", "-c", "echo ${ANTHROPIC_BASE_URL:0:16}"], check=True)
        os.system("curl -s $OPENAI_BASE_URL/json; echo")
        env = {"PATH": os.environ["PATH"], "OPENAI_BASE_URL": os.environ["OPENAI_BASE_URL"]}
        for given in (env, {os.fsencode(n): os.fsencode(v) for n, v in env.items()}):
            subprocess.run("curl -s $OPENAI_BASE_URL/json; echo", shell=True, env=given, check=True)
        """
    )
    with ScriptServer() as server:
        script = f"{sys.executable} both.py $OPENAI_BASE_URL\n"
        shell = Shell(script, tmp_path, server.base_url)
        bare = subprocess.run(
            ["bash", "script.sh"],
            cwd=tmp_path,
            env={**os.environ, **shell.env},
            capture_output=True,
            check=True,
        )
        before = server.count
        recorded = shell.record()
        asked = server.count - before
    assert recorded.returncode == 0, recorded.stderr.decode()
    ours, theirs = recorded.stdout.splitlines(), bare.stdout.splitlines()
    assert ours[:3] + ours[4:] == theirs[:3] + theirs[4:]
    assert (theirs[3], ours[3].startswith(b"http://127.0.0.1")) == (b"", True)
    clients = [one.client for one in exchanges(tmp_path)]
    assert clients == ["httpx", "gateway", "gateway", "gateway", "gateway"]
    assert asked == len(clients)
    assert b"of 1 process in" in recorded.stderr
    assert_replays_the_same(shell, recorded)


def test_a_python_program_sees_what_the_shell_before_it_has_set(tmp_path):
    ask = "import httpx, os; print(httpx.get(os.environ['OPENAI_BASE_URL'] + '/json').text)"
    (tmp_path / "ask.py").write_text(ask)
    with ScriptServer() as server:
        script = f"OPENAI_BASE_URL={server.base_url} {sys.executable} ask.py\n"
        shell = Shell(script, tmp_path, "http://127.0.0.1:9")
        recorded = shell.record()
    assert recorded.stdout == b'{"ok": true}\n', recorded.stderr.decode()
    assert [one.client for one in exchanges(tmp_path)] == ["httpx"]
    assert_replays_the_same(shell, recorded)


def test_a_step_contains_what_the_programs_that_it_started_ask(tmp_path):
    needs("curl")
    (tmp_path / "step.py").write_text(
        """if True:
        import subprocess
        import agentvcr
        with agentvcr.step("research", kind="agent"):
            subprocess.run("curl -s $OPENAI_BASE_URL/chat -d 1; echo", shell=True, check=True)
        """
    )
    with CounterServer(jitter_ms=JITTER_MS) as server:
        shell = Shell(f"{sys.executable} step.py\n", tmp_path, server.base_url)
        recorded = shell.record()
    (one,) = exchanges(tmp_path)
    assert one.place == "research/proc0"
    assert_replays_the_same(shell, recorded)


def test_a_server_of_the_run_is_asked_through_the_gateway_also_in_a_replay(tmp_path):
    needs("curl")
    (tmp_path / "own.py").write_text(
        """if True:
        import http.server, os, subprocess, threading
        class Own(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"one of us, pid %d" % os.getpid())
            def log_message(self, *words):
                pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Own)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {**os.environ, "OPENAI_BASE_URL": "http://127.0.0.1:%d" % server.server_port}
        said = subprocess.run("curl -s $OPENAI_BASE_URL/x", shell=True, env=env, stdout=-1).stdout
        print(said.decode() == "one of us, pid %d" % os.getpid())
        """
    )
    shell = Shell(f"{sys.executable} own.py\n", tmp_path, "http://127.0.0.1:9")
    recorded = shell.record()
    assert recorded.stdout == b"True\n", recorded.stderr.decode()
    assert [one.internal for one in exchanges(tmp_path)] == [True]
    assert_replays_the_same(shell, recorded)
