"""What of a run's surroundings counts as changed, and in which order it is told."""

import json

import pytest
from msgspec.structs import replace

from agentvcr.diff.surroundings import changed_surroundings, recorded_files
from agentvcr.model.run import Process, WorldPart
from tests.unit.build import run


def part(kind, table, process=0):
    data = table if isinstance(table, bytes) else json.dumps(table).encode()
    return WorldPart(kind=kind, process=process, lane="", data=data)


def made_of(*parts, notes=(), python="3.11.1", lanes=("main",), **info):
    found = run(notes=notes)
    processes = tuple(
        Process(index=i, pid=1, parent_pid=0, lane=lane, argv=(), python=python, began_ns=0)
        for i, lane in enumerate(lanes)
    )
    return replace(found, info=replace(found.info, **info), processes=processes, world=parts)


def told(a, b):
    return [(one.kind, one.name, one.status) for one in changed_surroundings(a, b)]


def values(a, b):
    return [(one.name, one.before, one.after) for one in changed_surroundings(a, b)]


BOTH = part("sources", {"a.py": "1"}), part("files", {"p.md": "2"})


def test_runs_of_the_same_things_differ_in_nothing():
    assert told(made_of(*BOTH), made_of(*BOTH)) == []


def test_sources_come_before_files_and_each_by_name():
    a = made_of(part("files", {"b.md": "1", "a.md": "1"}), part("sources", {"z.py": "1"}))
    b = made_of(part("files", {"b.md": "2", "a.md": "2"}), part("sources", {"z.py": "2"}))
    expected = [("source", "z.py"), ("file", "a.md"), ("file", "b.md")]
    assert told(a, b) == [(*one, "changed") for one in expected]


def test_parts_of_all_processes_are_joined_and_the_first_reading_counts():
    a = made_of(part("files", {"p.md": "1"}), part("files", {"p.md": "2", "q.md": "3"}, 1))
    b = made_of(part("files", {"p.md": "1", "q.md": "4"}))
    assert told(a, b) == [("file", "q.md", "changed")]


def test_a_run_that_did_not_tell_its_files_is_not_compared_by_them():
    assert told(made_of(), made_of(*BOTH)) == []
    assert told(made_of(*BOTH), made_of()) == []


def test_a_file_of_one_run_alone_is_new_or_gone():
    a, b = made_of(*BOTH), made_of(BOTH[0], part("files", {"q.md": "2"}))
    assert told(a, b) == [("file", "p.md", "removed"), ("file", "q.md", "added")]


def test_what_changed_comes_before_what_is_gone_or_new_and_variables_come_last():
    files, key = {"a.py": "1", "gone.py": "1"}, part("key", b"1234")
    a = made_of(key, part("sources", files), environment={"B": "1", "Z": "1"}, argv=("x",))
    b = made_of(
        key,
        part("sources", {"0.py": "1", "a.py": "2"}),
        environment={"A": "1", "Z": "2"},
        argv=("y",),
    )
    order = ["a.py", "gone.py", "0.py", "command", "Z", "B", "A"]
    assert [name for _, name, _ in told(a, b)] == order


def test_a_stopped_replay_need_not_have_come_to_a_file():
    stopped = made_of(BOTH[0], notes=[("divergence", "a miss")])
    assert told(made_of(*BOTH), stopped) == []


@pytest.mark.parametrize(
    ("found", "status"), [("2", None), ("3", "changed"), ("", "removed")], ids=str
)
def test_what_a_replay_did_not_read_is_judged_by_how_it_was_found(found, status):
    b = made_of(BOTH[0], part("unread", {"p.md": found}), notes=[("divergence", "a miss")])
    assert told(made_of(*BOTH), b) == ([("file", "p.md", status)] if status else [])


def test_contents_under_two_users_keys_cannot_be_compared():
    def with_hash(text):
        return made_of(part("files", {".env": text, "p.md": "1"}))

    a = with_hash("hmac:aa:1")
    assert told(a, with_hash("hmac:bb:2")) == []
    assert told(a, with_hash("hmac:aa:2")) == [("file", ".env", "changed")]
    assert told(a, with_hash("2")) == [("file", ".env", "changed")]


def test_versions_are_told_with_both_and_only_of_packages_that_both_imported():
    a = made_of(part("packages", {"openai": "1.2", "h2": "4"}), agentvcr="0.1")
    b = made_of(part("packages", {"openai": "1.3", "rich": "9"}), agentvcr="0.2")
    assert values(a, b) == [("openai", "1.2", "1.3"), ("agentvcr", "0.1", "0.2")]


def test_pythons_are_compared_lane_by_lane_and_told_once():
    a = made_of(python="3.11.1", lanes=("main", "main/proc:0", "main/proc:1"), platform="Linux")
    b = made_of(python="3.12.2", lanes=("main", "main/proc:0"), platform="Darwin")
    assert values(a, b) == [("Python", "3.11.1", "3.12.2"), ("platform", "Linux", "Darwin")]


def test_variables_are_compared_by_hash_under_one_key_alone():
    key, other = part("key", b"1234"), part("key", b"5678")
    before = {"KEPT": "hmac:1", "CHANGED": "hmac:1", "GONE": "hmac:1", "TZ": "UTC"}
    after = {"KEPT": "hmac:1", "CHANGED": "hmac:2", "NEW": "hmac:1", "TZ": "Europe/Rome"}
    a, b = made_of(key, environment=before), made_of(key, environment=after)
    assert told(a, b) == [
        ("environment", "CHANGED", "changed"),
        ("environment", "TZ", "changed"),
        ("environment", "GONE", "removed"),
        ("environment", "NEW", "added"),
    ]
    assert values(a, b)[1] == ("TZ", "UTC", "Europe/Rome")
    elsewhere = made_of(other, environment=after)
    assert values(a, elsewhere) == [("TZ", "UTC", "Europe/Rome")]
    assert told(made_of(environment=before), made_of(environment=after)) == told(a, elsewhere)


@pytest.mark.parametrize(
    "name",
    ["PWD", "SHLVL", "_", "PYTEST_CURRENT_TEST", "TERM_SESSION_ID", "SSH_TTY", "GITHUB_RUN_ID"],
)
def test_variables_that_always_differ_are_not_named(name):
    key = part("key", b"1234")
    a, b = (made_of(key, environment={name: f"hmac:{n}"}) for n in (1, 2))
    assert told(a, b) == []


def test_a_command_is_compared_where_both_have_one():
    a, b = made_of(argv=("python", "a.py")), made_of(argv=("python", "b.py"))
    assert values(a, b) == [("command", "python a.py", "python b.py")]
    assert told(a, made_of(argv=())) == []


@pytest.mark.parametrize("data", [b"", b"\xff", b"[1]", b'{"a.py": 1}', b"null"])
def test_a_part_that_is_no_table_is_passed_over(data):
    a = made_of(part("sources", data), *BOTH)
    assert told(a, made_of(*BOTH)) == []
    assert recorded_files(a) == ("p.md", "a.py")
