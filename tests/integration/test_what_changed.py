"""A replay that leaves its recording names first what is no longer as it was recorded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import agentvcr as here
from agentvcr.cassette.reader import load_run
from agentvcr.errors import DivergenceError
from tests.support.command_line import agentvcr
from tests.support.script_server import ScriptServer
from tests.test_architecture import interpreters

ASK = """
import os, urllib.request

def ask(text):
    request = urllib.request.Request(os.environ["BASE_URL"] + "/echo", data=text.encode())
    with urllib.request.urlopen(request) as answer:
        return answer.status
"""
AGENT = """
import tools
from asking import ask
with open("prompts/system.md") as file:
    print(ask(file.read() + tools.NAME + tools.flavour()))
"""
TOOLS = """
import os
NAME = "search"
def flavour():
    return os.environ.get("FLAVOUR", "")
"""
HEAD = "agentvcr: changed since the recording: "


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def project(tmp_path):
    """A pipeline of two modules and a prompt, in a project of its own."""
    folder = tmp_path / "project"
    (folder / "prompts").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "asking.py").write_text(ASK)
    (folder / "agent.py").write_text(AGENT)
    (folder / "tools.py").write_text(TOOLS)
    (folder / "prompts" / "system.md").write_text("be kind\n")
    return folder


@pytest.fixture
def server():
    with ScriptServer() as found:
        yield found


def record(project, server, *command, python=sys.executable, status=0, **env):
    words = command or ("agent.py",)
    done = agentvcr(
        *("record", "--force", "-o", "x.avcr", "--", python, *words),
        cwd=project,
        env={"BASE_URL": server.base_url, **env},
    )
    assert done.returncode == status, done.stderr
    return load_run(project / "x.avcr")


def replay(project, server, *options, **env):
    """Replay; gives the exit status, what was said to have changed, and the report's list."""
    done = agentvcr(
        *("replay", "x.avcr", "--report", "r.json", *options),
        cwd=project,
        env={"BASE_URL": server.base_url, **env},
    )
    told = [line.removeprefix(HEAD) for line in done.stderr.decode().splitlines() if HEAD in line]
    report = json.loads((project / "r.json").read_text())
    return done, told, [one["name"] for one in report["diff"]["changed"]]


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_unchanged_replay_says_nothing_of_it(project, server):
    record(project, server)
    done, told, changed = replay(project, server)
    assert (done.returncode, told, changed) == (0, [], [])


def test_a_source_that_was_edited_is_named_before_the_miss(project, server):
    record(project, server)
    edit(project / "tools.py", "search", "browse")
    done, told, changed = replay(project, server)
    assert (done.returncode, told, changed) == (4, ["tools.py"], ["tools.py"])
    lines = done.stderr.decode().splitlines()
    places = [
        i for text in (HEAD, "left its recording") for i, one in enumerate(lines) if text in one
    ]
    assert places == sorted(places)


def test_a_prompt_that_was_edited_is_named(project, server):
    record(project, server)
    edit(project / "prompts" / "system.md", "kind", "brief")
    done, told, _ = replay(project, server)
    assert (done.returncode, told) == (4, ["prompts/system.md"])
    done, told, _ = replay(project, server, "--on-miss", "nearest")
    assert (done.returncode, told) == (1, ["prompts/system.md"])
    shown = agentvcr("diff", "x.avcr", cwd=project).stdout.decode()
    assert "Changed from A to B: prompts/system.md\n" in shown


def test_where_the_steps_are_the_same_only_the_report_tells(project, server):
    record(project, server)
    edit(project / "tools.py", "import os", "import os  # of the system")
    done, told, changed = replay(project, server)
    assert (done.returncode, told, changed) == (0, [], ["tools.py"])
    assert b"Changed" not in agentvcr("diff", "x.avcr", cwd=project).stdout


def test_another_version_of_a_package_is_named_with_both(project, server, tmp_path):
    site = tmp_path / "installed"
    (site / "fakelib").mkdir(parents=True)
    info = site / "Fake_Lib-1.2.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("fakelib/__init__.py,,\nFake_Lib-1.2.dist-info/RECORD,,\n")
    (site / "fakelib" / "__init__.py").write_text("WORD = 'one'\n")
    edit(project / "tools.py", '"search"', "__import__('fakelib').WORD")
    run = record(project, server, PYTHONPATH=str(site))
    assert b"fakelib" not in b"".join(one.data for one in run.world if one.kind == "sources")
    info.rename(site / "Fake_Lib-1.3.dist-info")
    (site / "fakelib" / "__init__.py").write_text("WORD = 'two'\n")
    done, told, _ = replay(project, server, PYTHONPATH=str(site))
    assert (done.returncode, told) == (4, ["Fake-Lib 1.2 → 1.3"])


def test_a_variable_is_named_without_its_value(project, server):
    run = record(project, server, FLAVOUR="strawberry")
    done, told, _ = replay(project, server, FLAVOUR="vanilla", SHLVL="9", TERM_SESSION_ID="other")
    assert (done.returncode, told) == (4, ["environment: FLAVOUR"])
    assert run.info.environment["FLAVOUR"].startswith("hmac:")


def test_a_new_module_and_a_file_that_is_gone_are_named_as_such(project, server):
    record(project, server)
    (project / "prompts" / "system.md").rename(project / "prompts" / "main.md")
    (project / "more.py").write_text("WORD = 'more'\n")
    edit(project / "agent.py", "system.md", "main.md")
    edit(project / "tools.py", '"search"', "__import__('more').WORD")
    done, told, _ = replay(project, server)
    named = "agent.py, tools.py, prompts/system.md (gone), more.py (new), prompts/main.md (new)"
    assert (done.returncode, told) == (4, [named])


def test_what_a_stopped_replay_did_not_come_to_is_looked_at_all_the_same(project, server):
    agent = project / "agent.py"
    agent.write_text(AGENT + "import late\nprint(ask(late.WORD + open('late.txt').read()))\n")
    (project / "late.py").write_text("WORD = 'late'\n")
    (project / "late.txt").write_text("late\n")
    record(project, server)
    edit(project / "late.py", "'late'", "'later'")
    edit(agent, "tools.NAME +", "tools.NAME + '!' +")
    done, told, _ = replay(project, server)
    assert (done.returncode, told) == (4, ["agent.py, late.py"])


def test_many_changes_are_cut_short(project, server):
    for number in range(8):
        (project / f"part{number}.txt").write_text("a part\n")
    reads = "''.join(open(f'part{n}.txt').read() for n in range(8))"
    edit(project / "tools.py", '"search"', reads)
    record(project, server)
    for number in range(8):
        (project / f"part{number}.txt").write_text("another\n")
    _, told, changed = replay(project, server)
    assert told == ["part0.txt, part1.txt, part2.txt, part3.txt, part4.txt, and 3 more"]
    assert len(changed) == 8


@pytest.mark.parametrize("end", ["os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_program_that_ends_all_at_once_has_told_before(project, server, end):
    (project / "agent.py").write_text(f"{AGENT}import os, sys\nsys.stdout.flush()\n{end}\n")
    record(project, server, status=3 if "exit" in end else 137)
    edit(project / "prompts" / "system.md", "kind", "brief")
    done, told, _ = replay(project, server)
    assert (done.returncode, told) == (4, ["prompts/system.md"])


def test_files_of_a_child_with_its_own_environment_are_the_runs(project, server):
    edit(project / "agent.py", "import tools", "import tools  # a child")
    run = "subprocess.run([sys.executable, '-c', 'import agent'], env=given).returncode"
    given = "given = {'BASE_URL': os.environ['BASE_URL']}"
    (project / "boss.py").write_text(f"import os, subprocess, sys\n{given}\nsys.exit({run})\n")
    record(project, server, "boss.py")
    edit(project / "prompts" / "system.md", "kind", "brief")
    _, told, _ = replay(project, server)
    assert told == ["prompts/system.md"]


def test_what_the_program_wrote_itself_is_no_input(project, server):
    extra = """
import pathlib
pathlib.Path("notes.txt").write_text(str(pathlib.Path("x.avcr").stat().st_ino))
NOTES = pathlib.Path("notes.txt").read_text()
"""
    (project / "tools.py").write_text(TOOLS + extra)
    run = record(project, server)
    assert b"notes.txt" not in b"".join(one.data for one in run.world)


def test_files_of_nobody_and_folders_of_caches_are_passed_over(project, server, tmp_path):
    (tmp_path / "private.txt").write_text("elsewhere\n")
    (project / ".cache").mkdir()
    (project / ".cache" / "kept.txt").write_text("kept\n")
    reads = f"open({str(tmp_path / 'private.txt')!r}).read()\nopen('.cache/kept.txt').read()\n"
    (project / "tools.py").write_text(TOOLS + reads)
    run = record(project, server)
    told = b"".join(one.data for one in run.world)
    assert b"private.txt" not in told
    assert b"kept.txt" not in told
    names = {name for one in run.world if one.kind == "sources" for name in json.loads(one.data)}
    assert names == {"agent.py", "asking.py", "tools.py"}


def test_a_script_elsewhere_is_named_without_its_users_name(project, server, tmp_path):
    """It lies beside its prompts, below the user's home, and is run from another folder."""
    work = tmp_path / "work"
    work.mkdir()
    edit(project / "agent.py", '"prompts/system.md"', '__file__ + "/../prompts/system.md"')
    edit(project / "agent.py", "with open(", "import os\nwith open(os.path.abspath(")
    edit(project / "agent.py", 'system.md")', 'system.md"))')
    run = record(work, server, str(project / "agent.py"), HOME=str(tmp_path))
    told = {
        name
        for one in run.world
        if one.kind in ("sources", "files")
        for name in json.loads(one.data)
    }
    assert "~/project/agent.py" in told
    assert "~/project/prompts/system.md" in told


def test_a_file_with_a_secret_is_hashed_under_the_users_key(project, server):
    (project / ".env").write_text("PIN=1234\n")
    (project / "settings.json").write_text('{"api_key": "sk-fake-0123456789abcdefABCDEF012345"}')
    reads = "ENV = open('.env').read()\nSET = open('settings.json').read()\n"
    (project / "tools.py").write_text(TOOLS + reads)
    run = record(project, server)
    files = {}
    for one in run.world:
        if one.kind == "files":
            files |= json.loads(one.data)
    assert files[".env"].startswith("hmac:")
    assert files["settings.json"].startswith("hmac:")
    assert not files["prompts/system.md"].startswith("hmac:")
    edit(project / ".env", "1234", "4321")
    edit(project / "prompts" / "system.md", "kind", "brief")
    _, told, _ = replay(project, server)
    assert told == [".env, prompts/system.md"]
    _, told, _ = replay(project, server, XDG_STATE_HOME=str(project / "other"))
    assert told == ["prompts/system.md"]


@pytest.mark.parametrize("python", interpreters() or [None], ids=str)
def test_another_interpreter_tells_as_well(python, project, server):
    if python is None:
        pytest.skip("no foreign interpreter")
    record(project, server, python=python)
    edit(project / "prompts" / "system.md", "kind", "brief")
    edit(project / "tools.py", "search", "browse")
    _, told, _ = replay(project, server)
    assert told == ["tools.py, prompts/system.md"]


def test_another_python_is_named(project, server):
    others = [one for one in interpreters() if not Path(one).samefile(sys.executable)]
    if not others:
        pytest.skip("no foreign interpreter")
    edit(project / "tools.py", '"search"', "__import__('sys').version")
    run = record(project, server, python=others[0])
    done, told, changed = replay(project, server, "--", sys.executable, "agent.py")
    old, new = run.processes[0].python, "{}.{}.{}".format(*sys.version_info[:3])
    assert (done.returncode, told) == (4, [f"Python {old} → {new}"])
    assert changed == ["Python", "command"]  # which whoever typed it knows


def test_an_error_of_opening_is_the_programs_own(project, server):
    extra = """
import errno, tempfile
home, gone = os.getcwd(), tempfile.mkdtemp()
os.chdir(gone)
os.rmdir(gone)
found = []
for path in ("relative.txt", "", b"\\xff.txt", 99999, "nul\\0byte"):
    try:
        open(path)
    except Exception as error:
        found.append((type(error).__name__, str(error)))
os.chdir(home)
print(found)
"""
    (project / "tools.py").write_text(TOOLS + extra)
    env = {**os.environ, "BASE_URL": server.base_url}
    bare = subprocess.run(
        [sys.executable, "agent.py"], cwd=project, env=env, capture_output=True, check=True
    )
    run = record(project, server)
    assert run.output("stdout") == bare.stdout


def test_a_block_in_a_test_names_what_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prompt = tmp_path / "prompt.md"
    prompt.write_text("be kind\n")

    @here.tool
    def ask(text):
        return len(text)

    def run():
        ask(prompt.read_text())

    with here.record("x.avcr"):
        run()
    with here.replay("x.avcr"):
        run()
    prompt.write_text("be brief\n")
    session = here.replay("x.avcr")
    told = r"^changed since the recording: prompt.md\n"
    with pytest.raises(DivergenceError, match=told), session:
        run()


def test_where_a_clone_of_the_project_lies_makes_no_difference_to_its_warnings(project, tmp_path):
    text = "import os, warnings\nwarnings.warn('old')\nprint(os.path.abspath('x'))\n"
    (project / "agent.py").write_text(text)
    words = ("record", "-o", "x.avcr", "--", sys.executable, "agent.py")
    recorded = agentvcr(*words, cwd=project)
    assert str(project / "agent.py").encode() in recorded.stderr
    clone = tmp_path / "clone"
    shutil.copytree(project, clone)
    replayed = agentvcr("replay", "x.avcr", cwd=clone)
    assert str(clone / "agent.py").encode() in replayed.stderr
    assert (replayed.returncode, replayed.stdout) == (0, f"{clone / 'x'}\n".encode())
