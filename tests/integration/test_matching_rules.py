"""What may change between a recording and its replay: a provider's ids, and declared places."""

import json
import sys
from collections import defaultdict

import pytest

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import BadOptionError
from tests.support.command_line import agentvcr as command
from tests.support.command_line import python
from tests.support.ids_server import IdsServer

IGNORED = """
[tool.agentvcr.matching]
ignore = ["body.metadata.user_id", "query.stamp"]
"""
REQUESTS = 2 * (3 + 2 + 2 + 3 + 2)


@pytest.fixture
def server():
    with IdsServer() as running:
        yield running


def project(folder, text=""):
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def record(folder, server, name="x.avcr", **env):
    words = ("record", "-o", name, "--force", "--", *python("id_calls.py"))
    done = command(*words, cwd=folder, env={"BASE_URL": server.base_url, **env})
    assert done.returncode == 0, done.stderr.decode()
    return load_run(folder / name)


def replay(folder, server, name="x.avcr", **env):
    asked = server.count
    done = command("replay", name, cwd=folder, env={"BASE_URL": server.base_url, **env})
    assert server.count == asked
    return done


def by_lane(run):
    found = defaultdict(list)
    for key in run.exchanges.list_keys():
        found[key.lane].append(key.fingerprint)
    return dict(found)


def test_a_run_that_is_recorded_again_asks_the_same_whatever_ids_the_provider_made(
    server, tmp_path
):
    project(tmp_path)
    first, again = record(tmp_path, server, "a.avcr"), record(tmp_path, server, "b.avcr")
    assert len(first.exchanges) == REQUESTS
    assert {one.request.body for one in first.exchanges} != {
        one.request.body for one in again.exchanges
    }
    assert by_lane(first) == by_lane(again)
    assert len(by_lane(first)) == 2


def test_a_changed_field_is_a_divergence_unless_a_rule_ignores_it(server, tmp_path):
    project(tmp_path)
    record(tmp_path, server)
    assert replay(tmp_path, server).returncode == 0
    assert replay(tmp_path, server, USER_ID="u2").returncode == 4

    project(tmp_path, IGNORED)
    record(tmp_path, server)
    assert replay(tmp_path, server, USER_ID="u2").returncode == 0


def test_a_replay_goes_by_the_rules_of_its_cassette_and_not_by_those_of_the_project(
    server, tmp_path
):
    project(tmp_path, IGNORED)
    record(tmp_path, server)
    project(tmp_path)
    assert replay(tmp_path, server, USER_ID="u2").returncode == 0
    assert command("diff", "x.avcr", cwd=tmp_path).returncode == 0
    world = [load_run(tmp_path / name).world for name in ("x.avcr", "x.last.avcr")]
    kept = [[part.data for part in parts if part.kind == "rules"] for parts in world]
    assert kept[0] == kept[1]
    assert json.loads(kept[0][0]) == {"ignore": ["body.metadata.user_id", "query.stamp"]}


def test_a_cassette_is_keyed_anew_without_recording_it_again(server, tmp_path):
    project(tmp_path)
    before = record(tmp_path, server)
    assert replay(tmp_path, server, USER_ID="u2").returncode == 4

    project(tmp_path, IGNORED)
    done = command("rekey", "x.avcr", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "x.avcr: 2 declared rules",
        f"  {REQUESTS} of {REQUESTS} exchanges with another fingerprint",
    ]
    assert replay(tmp_path, server, USER_ID="u2").returncode == 0
    assert command("verify", "x.avcr", cwd=tmp_path).returncode == 0
    after = load_run(tmp_path / "x.avcr")
    assert [one.request for one in after.exchanges] == [one.request for one in before.exchanges]


def test_a_header_counts_where_a_rule_says_so(server, tmp_path):
    project(tmp_path)
    record(tmp_path, server)
    assert replay(tmp_path, server, TENANT="blue").returncode == 0

    text = '[[tool.agentvcr.matching.at]]\npath = "/v1/messages"\ncount = ["header.X-Tenant"]\n'
    project(tmp_path, text)
    record(tmp_path, server)
    assert replay(tmp_path, server).returncode == 0
    done = replay(tmp_path, server, TENANT="blue")
    assert done.returncode == 4
    assert b"/v1/messages" in done.stderr


def test_a_configuration_that_makes_no_sense_stops_before_anything_runs(tmp_path):
    project(tmp_path, "[tool.agentvcr.machting]\n")
    touch = [sys.executable, "-c", "open('ran', 'w')"]
    done = command("record", "-o", "x.avcr", "--", *touch, cwd=tmp_path)
    assert done.returncode == 2
    told = done.stderr.decode().splitlines()
    assert told[0] == "agentvcr: machting is no key of the configuration [bad-option]"
    assert told[1] == f"  where: {tmp_path / 'pyproject.toml'}: tool.agentvcr.machting"
    assert told[2] == "  try:   did you mean matching?"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pyproject.toml"]


def test_a_block_of_this_process_goes_by_the_same_configuration(tmp_path, monkeypatch):
    project(tmp_path, '[tool.agentvcr.matching]\nignore = ["body.stamp"]\n')
    monkeypatch.chdir(tmp_path)

    @agentvcr.tool
    def search(query, stamp):
        return f"{query} at {stamp}"

    with agentvcr.record("x.avcr"):
        search("oaks", 1)
    with agentvcr.replay("x.avcr") as session:
        assert search("oaks", 2) == "oaks at 1"
    session.raise_for_divergence()

    project(tmp_path, '[tool.agentvcr.matching]\nignore = ["body.[stamp"]\n')
    with pytest.raises(BadOptionError, match="no path"), agentvcr.record("y.avcr"):
        pass
    assert not (tmp_path / "y.avcr").exists()


def test_a_miss_tells_headers_that_count_and_not_what_is_ignored(server, tmp_path):
    text = f'{IGNORED}count = ["header.x-tenant"]\n'
    project(tmp_path, text)
    record(tmp_path, server)
    done = replay(tmp_path, server, USER_ID="u2", TENANT="blue")
    assert done.returncode == 4
    told = done.stderr.decode()
    assert "request.headers.x-tenant" in told
    assert "recorded: red" in told
    assert "user_id" not in told
    assert "stamp" not in told
