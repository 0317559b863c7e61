"""A project that uses pytest-recording runs as it is with `--agentvcr-compat`.

Each runs pytest as a user does, in a process of its own, with real clients. That the files are
vcrpy's is asked of vcrpy itself.
"""

import shutil

import pytest
from vcr.serialize import deserialize
from vcr.serializers import yamlserializer

from agentvcr.cassette.reader import load_run

USES = """
import aiohttp, requests, urllib.request, concurrent.futures, vcr as vcrpy

@pytest.fixture(scope="module")
def vcr_config():
    return {"filter_headers": [("authorization", "HIDDEN")], "match_on": ["method", "uri", "body"]}

@pytest.mark.vcr
def test_clients(vcr):
    secret = {"Authorization": "Bearer sk-obviously-fake"}
    assert told(httpx.post(URL, json=body("httpx"), headers=secret)).startswith("This is answer")
    assert told(requests.post(URL, json=body("requests")))
    told_by_urllib = urllib.request.urlopen(URL, data=b'{"model": "counter"}').read()
    assert b"This is answer" in told_by_urllib
    with httpx.stream("POST", URL, json={**body("streamed"), "stream": True}) as response:
        assert list(response.iter_lines())[-2] == "data: [DONE]"

    async def asked():
        async with aiohttp.ClientSession() as session:
            async with session.post(URL, json=body("aiohttp")) as response:
                return await response.json()

    assert asyncio.run(asked())["choices"]
    assert len(vcr) == 5
    if vcr.rewound:
        assert vcr.all_played and vcr.play_count == 5

@pytest.mark.vcr
def test_threads(vcr):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(requests.post, URL, json=body(str(n % 4))) for n in range(40)]
        answers = [told(one.result()) for one in asked]
    assert len(set(answers)) == 40
    assert len(vcr) == 40

@pytest.mark.vcr("shared.yaml")
@pytest.mark.default_cassette("named.yaml")
def test_named(vcr):
    assert ask("named")

@pytest.mark.vcr(match_on=["mine"], record_mode="once")
class TestMarks:
    def test_own_matcher(self, vcr):
        ask("a")
        assert [one.__name__ for one in vcr._match_on] == ["same_host"]

def test_unmarked(vcr):
    assert vcr is None

def test_vcrpy_itself(tmp_path):
    for mode in ("once", "none"):
        with vcrpy.use_cassette(str(tmp_path / "own.yaml"), record_mode=mode) as cassette:
            assert requests.get(os.environ["BASE_URL"] + "/own").status_code == 200
            assert type(cassette).__module__.startswith("agentvcr")
            with vcrpy.use_cassette(str(tmp_path / "inner.yaml"), record_mode=mode) as inner:
                requests.get(os.environ["BASE_URL"] + "/inner")
        assert (len(cassette), len(inner)) == (1, 1)
"""

HOOKS = """
def same_host(r1, r2):
    assert r1.host == r2.host

def pytest_recording_configure(config, vcr):
    vcr.register_matcher("mine", same_host)
    vcr.before_record_response = without_date

def without_date(response):
    response["headers"].pop("Date", None)
    return response
"""


def loaded(path):
    return deserialize(path.read_text(encoding="utf-8"), yamlserializer)


def yaml_files(project):
    found = (project.folder / "cassettes").rglob("*.yaml")
    return sorted(one.relative_to(project.folder / "cassettes").as_posix() for one in found)


def test_its_marks_fixtures_hooks_and_cassettes_are_those_of_pytest_recording(project):
    project.write(USES)
    (project.folder / "conftest.py").write_text(HOOKS, encoding="utf-8")
    first = project.compat("--record-mode=once")
    assert first.returncode == 0, first.stdout
    assert yaml_files(project) == [
        f"test_crew/{name}.yaml"
        for name in ("TestMarks.test_own_matcher", "named", "test_clients", "test_threads")
    ]
    requests, responses = loaded(project.folder / "cassettes/test_crew/test_clients.yaml")
    assert requests[0].headers["authorization"] == "HIDDEN"
    assert b"httpx" in requests[0].body
    assert responses[0]["status"] == {"code": 200, "message": "OK"}
    project.server.stop()
    again = project.compat("-k", "not itself")
    assert again.returncode == 0, again.stdout
    assert "1 deselected" in again.stdout


def test_a_stream_arrives_while_it_is_recorded(project):
    project.write("""
import http.server, threading

GO = threading.Event()

class Waiting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"first")
        self.wfile.flush()
        GO.wait(60)
        self.wfile.write(b"second")

    def log_message(self, *args):
        pass

@pytest.mark.vcr
def test_stream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Waiting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with httpx.stream("GET", f"http://127.0.0.1:{server.server_port}/") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"first"
        GO.set()
        assert b"".join(pieces) == b"second"
    server.shutdown()
    server.server_close()
""")
    done = project.compat("--record-mode=once")
    assert done.returncode == 0, done.stdout
    _, responses = loaded(project.folder / "cassettes/test_crew/test_stream.yaml")
    assert responses[0]["body"]["string"] == b"firstsecond"


ENDINGS = """
import gzip, http.server, json, requests, threading, urllib3, aiohttp

class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/events":
            kind, coding = "text/event-stream", ""
            body = b"data: 1\\n\\ndata: [DONE]\\n\\n" + b" " * 10_000_000
        else:
            kind, coding, body = "text/plain", "gzip", gzip.compress(b"plain " * 50_000, 0)
        self.send_response(200)
        self.send_header("content-type", kind)
        if coding:
            self.send_header("content-encoding", coding)
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args):
        pass

SERVER = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
threading.Thread(target=SERVER.serve_forever, daemon=True).start()
HERE = f"http://127.0.0.1:{SERVER.server_port}"

def seen(response):
    assert response["body"]["string"].startswith(b"plain")
    return response

@pytest.mark.vcr(before_record_response=seen)
def test_hooks_see_what_is_decoded():
    assert requests.get(HERE).text.startswith("plain")
    assert urllib3.request("GET", HERE + "/urllib3").data.startswith(b"plain")

    async def asked():
        async with aiohttp.ClientSession() as session:
            async with session.get(HERE + "/aiohttp") as response:
                return await response.text()

    assert asyncio.run(asked()).startswith("plain")

@pytest.mark.vcr
def test_events(vcr):
    with httpx.stream("GET", HERE + "/events") as response:
        for line in response.iter_lines():
            if line == "data: [DONE]":
                break
    assert len(vcr) == 1
"""


def test_what_is_kept_of_answers_is_what_vcrpy_keeps(project):
    project.write(ENDINGS)
    done = project.compat("--record-mode=once")
    assert done.returncode == 0, done.stdout
    file = project.folder / "cassettes/test_crew/test_hooks_see_what_is_decoded.yaml"
    _, responses = loaded(file)
    assert len(responses) == 3
    assert {one["headers"]["content-encoding"][0] for one in responses} == {"gzip"}


NETWORK = """
import socket

@pytest.mark.vcr
def test_replayed():
    from vcr.errors import CannotOverwriteExistingCassetteException
    with pytest.raises(CannotOverwriteExistingCassetteException):
        ask("not recorded")

@pytest.mark.block_network
def test_blocked():
    asyncio.run(asyncio.sleep(0))
    with pytest.raises(RuntimeError, match="^Network is disabled for host '127.0.0.1'$"):
        ask("a")
    port = int(os.environ["BASE_URL"].rpartition(":")[2])
    with pytest.raises(RuntimeError, match="127.0.0.1"):
        super(socket.socket, socket.socket()).connect(("127.0.0.1", port))

@pytest.mark.block_network(allowed_hosts=["127.0.0.*"])
def test_allowed():
    assert ask("a")

def test_free():
    assert ask("a")
"""


@pytest.mark.filterwarnings("default")
def test_the_network_is_blocked_where_that_is_said(project):
    project.write(NETWORK)
    done = project.compat()
    assert done.returncode == 0, done.stdout
    done = project.compat("--block-network", "-k", "free")
    assert done.returncode == 1
    assert "Network is disabled for host '127.0.0.1'" in done.stdout
    assert project.compat("--block-network", "--allowed-hosts=127", "-k", "free").returncode == 0


ASKS = """
@pytest.mark.vcr
def test_one():
    print("told", ask(os.environ.get("WORD", "hello")))
"""


def test_record_modes_are_those_of_pytest_recording(project):
    project.write(ASKS)
    file = project.folder / "cassettes/test_crew/test_one.yaml"
    assert project.compat().returncode == 1  # none, the default
    assert not file.exists()
    assert project.compat("--disable-recording").returncode == 0
    assert not file.exists()
    assert project.compat("--record-mode=new_episodes").returncode == 0
    before = file.read_bytes()
    assert project.compat("--record-mode=new_episodes").returncode == 0
    assert file.read_bytes() == before
    assert project.compat("--record-mode=rewrite").returncode == 0
    assert file.read_bytes() != before
    assert len(loaded(file)[0]) == 1


def test_new_cassettes_are_ours_where_the_project_says_so(project):
    project.write(ASKS)
    (project.folder / "pytest.ini").write_text(
        "[pytest]\nagentvcr_compat = true\nagentvcr_compat_format = avcr\n", encoding="utf-8"
    )
    first = project.pytest("--record-mode=once", "-s")
    assert first.returncode == 0, first.stdout
    assert yaml_files(project) == []
    assert project.cassettes() == ["test_crew/test_one.avcr"]
    run = load_run(project.folder / "cassettes/test_crew/test_one.avcr")
    assert [one.request.method for one in run.exchanges] == ["POST"]
    project.server.stop()
    again = project.pytest("-s")
    assert again.returncode == 0, again.stdout
    told = [line for line in again.stdout.splitlines() if line.startswith("told")]
    assert told[0] in first.stdout
    # A project that has converted its cassettes needs no other word for it.
    (project.folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    assert project.compat().returncode == 0


def test_an_unknown_format_is_refused(project):
    project.write(ASKS)
    done = project.compat("-o", "agentvcr_compat_format=json")
    assert done.returncode == 4
    assert "agentvcr_compat_format is one of yaml, avcr, and not 'json'" in done.stderr


def test_workers_write_whole_files(project):
    project.write("""
@pytest.mark.vcr
@pytest.mark.default_cassette("shared")
@pytest.mark.parametrize("n", range(12))
def test_shared(n):
    assert ask(f"number {n}")
""")
    done = project.compat("--record-mode=new_episodes", "-n4")
    assert done.returncode == 0, done.stdout
    names = [one.name for one in (project.folder / "cassettes/test_crew").iterdir()]
    assert names == ["shared.yaml"]
    assert loaded(project.folder / "cassettes/test_crew/shared.yaml")[0]


def test_it_refuses_to_be_there_beside_pytest_recording(project):
    project.write(ASKS)
    (project.folder / "recording.py").write_text("", encoding="utf-8")
    done = project.compat("-p", "recording")
    assert done.returncode == 4
    assert "--agentvcr-compat takes the place of pytest-recording" in done.stderr
    assert "-p no:recording" in done.stderr
    shutil.rmtree(project.folder / "__pycache__", ignore_errors=True)
    assert project.pytest("-p", "recording", "--collect-only").returncode == 0
