"""Imports and exports in this process: what is recorded, and what becomes of files."""

from __future__ import annotations

import io
import json

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.errors import (
    BadOptionError,
    CassetteForeignError,
    CassetteMissingError,
    TargetExistsError,
    TargetUnwritableError,
)
from agentvcr.session import conversion
from agentvcr.session.conversion import export_run, export_to_file, import_cassettes
from tests.support.vcr_yaml import WEATHER, interaction, write, write_websocket

KEY = "sk-proj-abcdefghijklmnop0123456789"
MS = 1_000_000


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def imported(path, *interactions):
    """Import a cassette of these exchanges; gives the run."""
    write(path, *interactions)
    target = path.with_suffix(".avcr")
    import_cassettes([path], target, force=True)
    return load_run(target)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- what is recorded -----------------------------------------------------------------------------


def test_an_exchange_is_recorded_whole_in_the_main_lane(tmp_path):
    run = imported(
        tmp_path / "a.yaml",
        interaction({"sky": "grey"}, asked={"city": "Oslo"}, response_headers={"X-A": "b"}),
    )
    (one,) = run.exchanges
    assert (one.lane, one.client, one.process, one.internal) == ("main", "vcrpy", 0, False)
    assert (one.request.method, one.request.url) == ("POST", WEATHER)
    assert one.request.body == b'{"city": "Oslo"}'
    assert (one.response.status, one.response.reason) == (200, b"OK")
    assert (one.response.headers, one.response.body) == (((b"X-A", b"b"),), b'{"sky": "grey"}')
    assert one.ending.kind == "eof"
    assert (run.outcome.exit_status, run.outcome.signal) == (0, None)
    assert (run.info.argv, run.info.cwd, run.info.platform) == ((), ".", "")
    assert (run.info.environment, run.processes, run.outputs, run.notes) == ({}, (), (), ())


def test_exchange_k_happens_in_millisecond_k(tmp_path):
    run = imported(tmp_path / "a.yaml", interaction("a"), interaction("b"), interaction("c"))
    for number, one in enumerate(run.exchanges, 1):
        moments = {one.began_ns, one.response.at_ns, one.ending.at_ns}
        moments |= {chunk.at_ns for chunk in one.response.chunks}
        assert moments == {number * MS}
    assert run.outcome.at_ns == 3 * MS


@pytest.mark.parametrize(
    ("dates", "started_s"),
    [
        ([None], 0),
        (["Thu, 01 Jan 1970 00:01:00 GMT"], 60),
        (["never", None, "Thu, 01 Jan 1970 01:01:00 +0100", "Fri, 02 Jan 1970 00:00:00 GMT"], 60),
        (["Thu, 01 Jan 1970 00:01:00 -0000"], 60),
        (["Thu, 01 Jan 9999 00:01:00 GMT"], 0),
        (["Thu, 01 Jan 1960 00:01:00 GMT"], 0),
        ([""], 0),
    ],
)
def test_the_run_started_when_the_first_dated_answer_says(tmp_path, dates, started_s, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    given = [interaction(response_headers={"Date": date} if date else None) for date in dates]
    assert imported(tmp_path / "a.yaml", *given).info.started_at_ns == started_s * 1_000_000_000


def test_telemetry_and_loopback_are_recorded_as_everything_else(tmp_path):
    urls = ["https://app.posthog.com/batch", "http://127.0.0.1:1/x", "not a url", WEATHER]
    run = imported(tmp_path / "a.yaml", *[interaction(url=url) for url in urls])
    assert [one.request.url for one in run.exchanges] == urls
    assert not any(one.internal for one in run.exchanges)
    assert run.notes == ()


def test_credentials_are_taken_out_and_counted(tmp_path):
    write(
        tmp_path / "a.yaml",
        interaction(
            {"echo": KEY},
            asked={"api_key": "hunter-two", "q": 1},
            url=f"{WEATHER}?token=abc",
            request_headers={"Authorization": f"Bearer {KEY}"},
        ),
    )
    result = import_cassettes([tmp_path / "a.yaml"])
    assert result.totals.credentials == 3
    assert KEY.encode() not in (tmp_path / "a.avcr").read_bytes()
    (one,) = load_run(tmp_path / "a.avcr").exchanges
    told = repr(one)
    assert not any(secret in told for secret in (KEY, "hunter-two", "token=abc"))
    assert told.count("redacted-") == 4


def test_the_same_file_gives_the_same_bytes_also_elsewhere_and_in_another_environment(
    tmp_path, monkeypatch
):
    secret = interaction(asked={"api_key": "hunter-two"}, request_headers={"X-Api-Key": KEY})
    write(tmp_path / "a.yaml", secret, interaction("b"))
    import_cassettes([tmp_path / "a.yaml"])
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/b.yaml").write_bytes((tmp_path / "a.yaml").read_bytes())
    monkeypatch.setenv("SOME_TOKEN", "tools-example-1234567890")
    monkeypatch.chdir(tmp_path / "sub")
    import_cassettes([tmp_path / "sub"])
    assert (tmp_path / "a.avcr").read_bytes() == (tmp_path / "sub/b.avcr").read_bytes()
    run_id = load_run(tmp_path / "a.avcr").info.run_id
    assert len(run_id) == 16
    assert imported(tmp_path / "c.yaml", interaction("other")).info.run_id != run_id


def test_an_empty_cassette_is_an_empty_run(tmp_path):
    (tmp_path / "a.yaml").write_text("interactions: []\nversion: 1\n")
    result = import_cassettes([tmp_path / "a.yaml"])
    assert (result.totals.imported, result.totals.exchanges) == (1, 0)
    run = load_run(tmp_path / "a.avcr")
    assert (len(run.exchanges), run.outcome.at_ns) == (0, 0)


def test_an_answer_larger_than_a_record_comes_back_whole(tmp_path):
    large = "0123456789" * 300_000
    (one,) = imported(tmp_path / "a.yaml", interaction(large)).exchanges
    assert one.response.body == large.encode()
    assert len(one.response.chunks) == 1


def test_headers_larger_than_a_record_are_refused_and_leave_nothing(tmp_path):
    write(tmp_path / "a.yaml", interaction(response_headers={"X": "x" * 5_000_000}))
    with pytest.raises(CassetteForeignError, match="more than a cassette takes"):
        import_cassettes([tmp_path / "a.yaml"])
    assert files(tmp_path) == ["a.yaml", "state/agentvcr/key"]


# --- which files, and where to --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("x.yaml", "x.avcr"),
        ("x.yml", "x.avcr"),
        ("x.y.yaml", "x.y.avcr"),
        ("x.json", "x.avcr"),
        ("x", "x.avcr"),
        ("x.v1", "x.v1.avcr"),
    ],
)
def test_a_cassette_lies_beside_its_file_by_default(tmp_path, name, target):
    write(tmp_path / name)
    (one,) = import_cassettes([tmp_path / name]).files
    assert one.target == str(tmp_path / target)
    assert len(load_run(tmp_path / target).exchanges) == 1


def test_one_file_goes_where_o_says_and_into_a_folder_that_is_there_or_meant(tmp_path):
    write(tmp_path / "x.yaml")
    (tmp_path / "there").mkdir()
    import_cassettes([tmp_path / "x.yaml"], tmp_path / "new/y.avcr")
    import_cassettes([tmp_path / "x.yaml"], tmp_path / "there")
    import_cassettes([tmp_path / "x.yaml"], tmp_path / "meant", into=True)
    made = ["meant/x.avcr", "new/y.avcr", "there/x.avcr", "x.yaml"]
    assert [name for name in files(tmp_path) if "state" not in name] == made


def test_a_tree_is_mirrored_and_other_files_are_passed_over(tmp_path):
    write(tmp_path / "in/a.yaml")
    write(tmp_path / "in/sub/deep/b.yml")
    (tmp_path / "in/notes.txt").write_text("no cassette")
    (tmp_path / "in/data.json").write_text("{}")
    result = import_cassettes([tmp_path / "in"], tmp_path / "out")
    assert files(tmp_path / "out") == ["a.avcr", "sub/deep/b.avcr"]
    assert (result.totals.imported, result.totals.refused) == (2, 0)


def test_what_is_refused_in_a_tree_is_told_and_the_rest_goes_on(tmp_path):
    write_websocket(tmp_path / "in/a/ws.yaml")
    write(tmp_path / "in/b.yaml")
    (tmp_path / "in/ci.yml").write_text("on: push\n")
    result = import_cassettes([tmp_path / "in"], tmp_path / "out")
    assert files(tmp_path / "out") == ["b.avcr"]
    assert not (tmp_path / "out/a").exists()
    assert [(one.source[-7:], one.slug) for one in result.files] == [
        ("ws.yaml", "cassette-foreign"),
        ("/b.yaml", None),
        ("/ci.yml", "cassette-foreign"),
    ]
    assert "WebSocket frames" in result.files[0].error
    assert (result.totals.imported, result.totals.refused) == (1, 2)


def test_the_only_file_is_refused_with_its_own_error(tmp_path):
    with pytest.raises(CassetteMissingError):
        import_cassettes([tmp_path / "missing.yaml"])
    with pytest.raises(CassetteForeignError, match="WebSocket"):
        import_cassettes([write_websocket(tmp_path / "ws.yaml")])
    assert files(tmp_path) == ["state/agentvcr/key", "ws.yaml"]


def test_a_folder_without_yaml_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CassetteMissingError, match="no file of YAML"):
        import_cassettes([tmp_path / "empty"])


def test_an_existing_cassette_stays_without_force_and_the_rest_goes_on(tmp_path):
    write(tmp_path / "a.yaml")
    write(tmp_path / "b.yaml")
    (tmp_path / "a.avcr").write_text("kept")
    result = import_cassettes([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert [one.slug for one in result.files] == ["target-exists", None]
    assert (tmp_path / "a.avcr").read_text() == "kept"
    with pytest.raises(TargetExistsError):
        import_cassettes([tmp_path / "a.yaml"])
    import_cassettes([tmp_path / "a.yaml"], force=True)
    assert len(load_run(tmp_path / "a.avcr").exchanges) == 1


def test_two_files_never_become_one_cassette_even_by_force(tmp_path):
    write(tmp_path / "in/x.yaml", interaction("first"))
    write(tmp_path / "in/x.yml", interaction("second"))
    result = import_cassettes([tmp_path / "in"], force=True)
    assert [one.slug for one in result.files] == [None, "target-exists"]
    (one,) = load_run(tmp_path / "in/x.avcr").exchanges
    assert one.response.body == b"first"


def test_a_file_that_is_named_twice_is_imported_once(tmp_path):
    write(tmp_path / "in/x.yaml")
    result = import_cassettes([tmp_path / "in/x.yaml", tmp_path / "in", tmp_path / "in/x.yaml"])
    assert (result.totals.imported, result.totals.refused) == (1, 0)


def test_several_files_do_not_go_into_one_that_exists(tmp_path):
    write(tmp_path / "a.yaml")
    with pytest.raises(TargetUnwritableError, match="no folder"):
        import_cassettes([tmp_path, tmp_path / "a.yaml"], tmp_path / "a.yaml")


def test_a_file_is_not_written_over_itself(tmp_path):
    write(tmp_path / "a.yaml")
    before = (tmp_path / "a.yaml").read_bytes()
    with pytest.raises(BadOptionError):
        import_cassettes([tmp_path / "a.yaml"], tmp_path / "a.yaml", force=True)
    assert (tmp_path / "a.yaml").read_bytes() == before


def test_an_interrupt_leaves_what_is_whole_and_nothing_else(tmp_path):
    write(tmp_path / "in/a.yaml")
    write(tmp_path / "in/b.yaml")

    def interrupt(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_cassettes([tmp_path / "in"], progress=interrupt)
    assert files(tmp_path / "in") == ["a.avcr", "a.yaml", "b.yaml"]


def test_an_interrupt_in_the_middle_of_a_file_leaves_nothing_of_it(tmp_path, monkeypatch):
    write(tmp_path / "in/a.yaml", *[interaction(str(n)) for n in range(3)])
    play = conversion._play
    seen = []

    def interrupted(recorder, one, at_ns):
        seen.extend(path.suffix for path in (tmp_path / "in").iterdir())
        if at_ns > 2 * MS:
            raise KeyboardInterrupt
        play(recorder, one, at_ns)

    monkeypatch.setattr(conversion, "_play", interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_cassettes([tmp_path / "in"])
    assert ".writing" in seen
    assert files(tmp_path / "in") == ["a.yaml"]


def test_progress_is_told_in_bytes_up_to_the_end(tmp_path):
    sizes = [write(tmp_path / f"in/{name}.yaml").stat().st_size for name in "abc"]
    write_websocket(tmp_path / "in/d.yaml")
    told = []
    import_cassettes([tmp_path / "in"], progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told][:3] == [sizes[0], sum(sizes[:2]), sum(sizes)]
    assert told[-1][0] == told[-1][1]


def test_the_notes_of_all_files_are_summed_up(tmp_path):
    coded = {"content-encoding": "gzip"}
    write(tmp_path / "in/a.yaml", interaction(response_headers=coded))
    write(tmp_path / "in/b.yaml", *[interaction(response_headers=coded)] * 2)
    write_websocket(tmp_path / "in/c.yaml")
    result = import_cassettes([tmp_path / "in"])
    totals = result.totals
    words = "content-encoding headers dropped, as the body under them is not encoded"
    assert totals.notes == (f"{words}: 3",)
    assert totals.exchanges == 3
    whole = sum((tmp_path / f"in/{name}.yaml").stat().st_size for name in "ab")
    packed = sum((tmp_path / f"in/{name}.avcr").stat().st_size for name in "ab")
    assert (totals.bytes_before, totals.bytes_after) == (whole, packed)
    *done, refused = result.files
    assert (refused.load_ms_before, refused.load_ms_after) == (None, None)
    for name in ("load_ms_before", "load_ms_after"):
        times = [getattr(one, name) for one in done]
        assert min(times) > 0
        assert getattr(totals, name) == pytest.approx(sum(times))


# --- and out again --------------------------------------------------------------------------------


def test_jsonl_is_the_run_each_step_and_the_end(tmp_path):
    imported(tmp_path / "a.yaml", interaction("one"), interaction("two"))
    out = io.StringIO()
    result = export_run(tmp_path / "a.avcr", "jsonl", out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["run", "step", "step", "run_end"]
    assert [line["step"] for line in lines[1:-1]] == ["tool[0]", "tool[1]"]
    assert (result.written, result.left_out, result.notes) == (2, (), ())


def test_yaml_of_an_import_is_imported_to_the_same_exchanges(tmp_path):
    first = imported(tmp_path / "a.yaml", interaction("é"), interaction(b"\xff\x00", asked="[1 ]"))
    export_to_file(tmp_path / "a.avcr", "yaml", tmp_path / "b.yaml")
    import_cassettes([tmp_path / "b.yaml"])
    assert load_run(tmp_path / "b.avcr").exchanges == first.exchanges


def test_an_export_that_fails_leaves_what_was_there(tmp_path):
    imported(tmp_path / "a.yaml")
    data = (tmp_path / "a.avcr").read_bytes()
    (tmp_path / "out.yaml").write_text("kept")
    (tmp_path / "bad.avcr").write_bytes(data[: len(data) // 2])
    with pytest.raises(TargetExistsError):
        export_to_file(tmp_path / "a.avcr", "yaml", tmp_path / "out.yaml")
    before = files(tmp_path)
    with pytest.raises(Exception, match="damaged"):
        export_to_file(tmp_path / "bad.avcr", "yaml", tmp_path / "out.yaml", force=True)
    assert (tmp_path / "out.yaml").read_text() == "kept"
    assert files(tmp_path) == before
