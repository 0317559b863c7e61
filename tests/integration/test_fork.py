"""What if: a recorded run again with one step changed, and what follows from it alone.

Every field that can be changed is seen where it arrives: in the program, or at the provider.
"""

import json
import stat
import sys
import textwrap
from typing import ClassVar

import httpx2
import pytest

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.diff.rundiff import diff
from agentvcr.errors import BadOptionError, NoSuchStepError
from tests.support import wire
from tests.support.command_line import agentvcr as command
from tests.support.command_line import python
from tests.support.script_server import ScriptServer
from tests.support.shell import needs
from tests.support.whatif_server import WhatIfServer


class Recorded:
    """A run in a folder, to be forked; the same program's is recorded once."""

    made: ClassVar[dict[tuple[str, ...], tuple[bytes, list[str]]]] = {}

    def __init__(self, folder, program, server):
        self.folder = folder
        self.server = server
        self.env = {"BASE_URL": server.base_url, "OPENAI_BASE_URL": server.base_url + "/v1"}
        if tuple(program) not in self.made:
            done = command("record", "-o", "x.avcr", "--", *program, cwd=folder, env=self.env)
            assert done.returncode == 0, done.stderr.decode()
            told = done.stdout.decode().splitlines()
            self.made[tuple(program)] = (folder / "x.avcr").read_bytes(), told
        cassette, self.told = self.made[tuple(program)]
        (folder / "x.avcr").write_bytes(cassette)

    def fork(self, at, *patches, extra=(), **env):
        sets = [word for one in patches for word in ("--set", one)]
        return command(
            "fork", "x.avcr", "--at", at, *sets, *extra, cwd=self.folder, env={**self.env, **env}
        )

    def replay(self, name="x.fork.avcr"):
        return command("replay", name, cwd=self.folder, env=self.env)

    def changed(self, name="x.fork.avcr"):
        """The steps that differ, without their lanes."""
        result = diff(load_run(self.folder / "x.avcr"), load_run(self.folder / name))
        return [
            (one.status, (one.a or one.b).id.partition("#0/")[2].partition("#0/")[2])
            for one in result.entries
            if one.status != "same"
        ]


WAYS = [[], ["--stream"], ["--sdk"], ["--stream", "--sdk"]]
THEN = [("changed", "writer/look"), ("changed", "writer/llm[1]")]


@pytest.mark.parametrize("ways", WAYS, ids=" ".join)
def test_an_answer_changed_reaches_what_depends_on_it_and_nothing_else(tmp_path, ways):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py", *ways), server)
    done = run.fork("writer/llm[0]", "response.text=Quite “another” draft,\nin two lines")
    assert done.returncode == 1, done.stderr.decode()
    told = done.stdout.decode().splitlines()
    assert told[1] == "Quite “another” draft, in two lines"
    assert [*told[:1], *told[2:]] == [*run.told[:1], *run.told[2:]]
    assert run.changed() == [("changed", "writer/llm[0]"), *THEN]
    assert b"changed main#0/pipeline#0/writer/llm[0]: response.text" in done.stderr
    assert b"First divergence" in done.stderr
    again = run.replay()
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr.decode()


def test_what_does_not_depend_on_the_change_keeps_its_answers_though_it_was_recorded_later(
    tmp_path,
):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py"), server)
    done = run.fork("planner", "response.text=Another plan")
    assert done.stdout.decode().splitlines()[-3:] == run.told[-3:]
    assert ("changed", "writer/llm[0]") in run.changed()
    assert not any("critic" in name for _, name in run.changed())


def test_under_live_what_follows_is_asked_and_the_fork_replays(tmp_path):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py"), server)
        asked = server.count
        live = ("--on-miss", "live", "-o", "new.avcr")
        done = run.fork("planner", "response.text=Another plan", extra=live)
        assert done.returncode == 1, done.stderr.decode()
        assert server.count == asked + 2
        assert "Another plan" in str(server.asked[asked].json())
    chats = sum(one.path != "/page" for one in server.asked[:asked])
    assert done.stdout.decode().splitlines()[1] == f"This is answer {chats + 1}."
    again = run.replay("new.avcr")
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr.decode()


def test_a_step_is_named_by_its_number_too_and_an_unknown_one_is_refused(tmp_path):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py"), server)
    by_number = command("show", "x.avcr", "--json", cwd=tmp_path).stdout
    steps = json.loads(by_number)["steps"]
    number = next(one["number"] for one in steps if one["id"].endswith("writer/llm[0]"))
    assert run.fork(str(number), "response.text=x").stdout.decode().splitlines()[1] == "x"
    for at, patch in (("nobody", "response.text=x"), ("writer", "response.text=x")):
        refused = run.fork(at, patch, extra=("-o", f"{at}.avcr"))
        assert refused.returncode == 2
        assert not (tmp_path / f"{at}.avcr").exists()
    assert b"writer/llm[0]" in refused.stderr


def test_a_step_that_never_comes_is_told_and_exits_with_4(tmp_path):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py"), server)
    done = run.fork("writer/look", "response.json.found=3", extra=("--", "true"))
    assert done.returncode == 4
    assert b"changed nothing: the program did not ask" in done.stderr


# --- each field, where it arrives -----------------------------------------------------------------

ASKING = """
    import json, os, sys
    client = __import__(sys.argv[1])
    body = {"model": "small", "temperature": 0, "messages": [{"role": "user", "content": "Hi"}]}
    url = os.environ["BASE_URL"] + sys.argv[2]
    response = client.post(url, json=body, headers={"authorization": "Bearer sk-test-0000000000"})
    told = {name: response.headers.get(name) for name in ("content-length", "content-encoding")}
    print(json.dumps([response.status_code, response.text, told]))
"""
BODY = {"model": "small", "temperature": 0, "messages": [{"role": "user", "content": "Hi"}]}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
CHAT = {
    "model": "small",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi", "tool_calls": [CALL]}}
    ],
}


def tools(asked, line):
    line.send(wire.whole_json(CHAT))


@pytest.fixture
def asking(tmp_path):
    (tmp_path / "asking.py").write_text(textwrap.dedent(ASKING))
    with ScriptServer({"/v1/chat/completions": tools}) as server:

        def record(client="httpx2", path="/v1/chat/completions"):
            return Recorded(tmp_path, [sys.executable, "asking.py", client, path], server)

        yield record


def heard(done):
    status, text, headers = json.loads(done.stdout)
    if headers["content-length"]:
        assert int(headers["content-length"]) == len(text.encode())
    return status, text


@pytest.mark.parametrize(
    ("patch", "status", "expected"),
    [
        ("response.text=Ho", 200, lambda said: said["choices"][0]["message"]["content"] == "Ho"),
        ("response.status=503", 503, lambda said: said == CHAT),
        ('response.body={"a": "ü"}', 200, lambda said: said == {"a": "ü"}),
        ("response.json.model=big", 200, lambda said: said == {**CHAT, "model": "big"}),
        (
            "response.json.choices[0].message.content=7",
            200,
            lambda said: said["choices"][0]["message"]["content"] == 7,
        ),
        (
            'response.tool_calls[0].arguments={"a": 2}',
            200,
            lambda said: (
                said["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
                == '{"a": 2}'
            ),
        ),
        (
            "response.tool_calls[0].name=listen",
            200,
            lambda said: (
                said["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "listen"
            ),
        ),
    ],
)
def test_a_field_of_an_answer_reaches_the_program(asking, patch, status, expected):
    run = asking()
    run.server.stop()
    found, text = heard(run.fork("llm[0]", patch))
    assert (found, expected(json.loads(text))) == (status, True), text
    assert run.replay().returncode == 0


def test_several_fields_are_changed_at_once(asking):
    run = asking()
    done = run.fork("llm[0]", "response.status=429", "response.json.model=big")
    status, text = heard(done)
    assert (status, json.loads(text)["model"]) == (429, "big")


def test_a_compressed_answer_is_changed_and_says_its_new_length(asking):
    run = asking(path="/gzip")
    status, text = heard(run.fork("tool[0]", "response.json.padding=short"))
    assert (status, json.loads(text)) == (200, {"ok": True, "padding": "short"})


def test_the_result_of_a_function_is_changed(tmp_path):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py"), server)
    done = run.fork("writer/look", "response.json.found=99")
    assert json.loads(done.stdout.decode().splitlines()[2])["found"] == 99
    assert ("changed", "writer/tool[0]") in run.changed()


@pytest.mark.parametrize("client", ["httpx2", "httpx"])
@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ("request.model=large", {"model": "large"}),
        ("request.json.temperature=0.9", {"temperature": 0.9}),
        ("request.json.top_p=1", {"top_p": 1}),
        (
            "request.json.messages[0].content=A longer question than before",
            {"messages": [{"role": "user", "content": "A longer question than before"}]},
        ),
    ],
)
def test_a_field_of_a_request_reaches_the_provider_when_it_goes_live(
    asking, client, patch, expected
):
    run = asking(client)
    run.server.asked.clear()
    done = run.fork("llm[0]", patch, extra=("--on-miss", "live"))
    (asked,) = run.server.asked
    assert asked.json() == {**BODY, **expected}, done.stderr.decode()
    assert asked.header("authorization") == "Bearer sk-test-0000000000"
    run.server.stop()
    assert run.replay().returncode == 0


def test_a_request_of_another_program_goes_out_changed_too(tmp_path):
    needs("curl")
    ask = """curl -s $OPENAI_BASE_URL/chat/completions -d '{"model":"small","messages":[]}'"""
    with ScriptServer({"/v1/chat/completions": tools}) as server:
        run = Recorded(tmp_path, ["sh", "-c", ask], server)
        run.fork("llm[0]", "request.model=large", extra=("--on-miss", "live"))
        assert server.asked[-1].json() == {"model": "large", "messages": []}


def test_a_changed_request_has_its_recorded_answer_under_nearest_and_that_is_said(asking):
    run = asking()
    count = run.server.count
    done = run.fork("llm[0]", "request.model=large")
    assert (done.returncode, json.loads(heard(done)[1])) == (0, CHAT)
    assert b"request.model is changed; nothing answers that in the recording" in done.stderr
    assert run.server.count == count


def test_a_client_whose_request_cannot_be_changed_is_named(asking):
    run = asking("requests")
    done = run.fork("llm[0]", "request.model=large", extra=("--on-miss", "live"))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"a request of urllib3 cannot be changed on its way" in done.stderr


@pytest.mark.parametrize(
    "patch",
    [
        "response.txt=a",
        "response.text",
        "response.status=ok",
        "response.status=999",
        "response.json=1",
        "response.json.choices[7].x=1",
        "response.json..x=1",
        "response.tool_calls[3].name=x",
        "request.json.messages[4].content=x",
        "request.body=x",
    ],
)
def test_what_cannot_be_changed_is_refused_before_anything_runs(asking, patch):
    run = asking()
    done = run.fork("llm[0]", patch)
    assert (done.returncode, done.stdout) == (2, b""), done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not (run.folder / "x.fork.avcr").exists()


def test_a_fork_changes_something(asking):
    assert asking().fork("llm[0]").returncode == 2


def test_a_credential_that_somebody_types_does_not_reach_the_cassette(asking):
    run = asking()
    key = "A1b2C3d4" * 6
    done = run.fork("llm[0]", f'response.body={{"access_token": "{key}"}}')
    assert key in heard(done)[1]
    kept = load_run(run.folder / "x.fork.avcr").exchanges[0].response.body
    assert b"access_token" in kept
    assert key.encode() not in kept


def test_a_fork_under_a_name_of_its_own_is_written_over_with_force_alone(asking):
    run = asking()
    named = ("-o", "mine.avcr")
    assert run.fork("llm[0]", "response.text=a", extra=named).returncode == 1
    assert run.fork("llm[0]", "response.text=b", extra=named).returncode == 2
    assert run.fork("llm[0]", "response.text=b", extra=(*named, "--force")).returncode == 1
    assert run.fork("llm[0]", "response.text=b", extra=("-o", "x.avcr")).returncode == 2


# --- the editor -----------------------------------------------------------------------------------


def editor(folder, script):
    path = folder / "editor.py"
    path.write_text(
        f"#!{sys.executable}\nimport pathlib, sys\nfile = pathlib.Path(sys.argv[-1])\n{script}\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_what_a_step_said_is_changed_in_an_editor(tmp_path):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py", "--stream"), server)
    change = "text = file.read_text()\nfile.write_text(text.replace('answer', 'remark') + '\\n')"
    visual = editor(tmp_path, change)
    done = run.fork("planner", extra=("--edit",), VISUAL=visual, EDITOR="false")
    assert done.returncode == 1, done.stderr.decode()
    assert done.stdout.decode().splitlines()[0] == run.told[0].replace("answer", "remark")


@pytest.mark.parametrize(
    ("script", "status"), [("pass", 1), ("file.write_text('x')\nsys.exit(3)", 2)]
)
def test_an_editor_that_changes_nothing_or_fails_runs_nothing(tmp_path, script, status):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py"), server)
    done = run.fork("planner", extra=("--edit",), VISUAL="", EDITOR=editor(tmp_path, script))
    assert (done.returncode, done.stdout) == (status, b"")
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "x.fork.avcr").exists()


def test_no_such_editor_is_told(tmp_path):
    with WhatIfServer() as server:
        run = Recorded(tmp_path, python("whatif.py"), server)
    done = run.fork("planner", extra=("--edit",), VISUAL="no-such-editor --wait")
    assert (done.returncode, b"VISUAL or EDITOR" in done.stderr) == (2, True)


# --- in this process ------------------------------------------------------------------------------


def test_a_block_is_forked(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    with ScriptServer({"/v1/chat/completions": tools}) as server:

        def ask():
            url = server.base_url + "/v1/chat/completions"
            told = httpx2.post(url, json={"model": "small", "messages": []}).json()
            return told["choices"][0]["message"]["content"]

        with agentvcr.record("x.avcr"):
            ask()
        count = server.count
        with agentvcr.fork("x.avcr", at="llm[0]", patches={"response.text": "No."}) as session:
            assert ask() == "No."
        assert server.count == count
        assert [one.status for one in session.diff.entries] == ["changed"]
        with pytest.raises(BadOptionError):
            agentvcr.fork("x.avcr", at="llm[0]", patches={"response.voice": "No."})
        with (
            pytest.raises(NoSuchStepError),
            agentvcr.fork("x.avcr", at="llm[9]", patches={"response.text": "No."}),
        ):
            ask()
