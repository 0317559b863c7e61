"""One report of all parts of a suite, or none."""

import msgspec
import pytest

from agentvcr.errors import BadOptionError
from agentvcr.model.report import CaseReport, SuiteReport
from agentvcr.session.suite_merge import merge_reports


def case(name, verdict="identical", *, passed=True, duration_s=1.0):
    return CaseReport(name=name, path=name, verdict=verdict, passed=passed, duration_s=duration_s)


@pytest.fixture
def merged(tmp_path):
    def merge(*reports):
        paths = []
        for number, report in enumerate(reports):
            paths.append(tmp_path / f"{number}.json")
            paths[-1].write_bytes(msgspec.json.encode(report))
        return merge_reports(paths)

    return merge


def part(shard, *cases, **more):
    return SuiteReport(cases=cases, shards=(shard,) if shard else (), **more)


def test_the_whole_has_every_case_by_name(merged):
    whole = merged(part("1/2", case("b"), duration_s=3), part("2/2", case("a"), duration_s=5))
    assert [one.name for one in whole.cases] == ["a", "b"]
    assert (whole.exit_status, whole.duration_s, whole.shards) == (0, 5, ())


def test_the_status_is_that_of_all_parts(merged):
    bad = case("a", "regression", passed=False)
    skipped = case("b", "skipped", duration_s=0)
    broken = case("c", "error", passed=False, duration_s=0)
    assert merged(part("1/1", bad)).exit_status == 1
    assert merged(part("1/2", skipped), part("2/2", bad)).exit_status == 1
    assert merged(part("1/2", skipped), part("2/2")).exit_status == 3
    assert merged(part("1/2", broken), part("2/2", case("d"))).exit_status == 1
    stopped = part("1/2", interrupted=True, exit_status=130)
    assert merged(stopped, part("2/2", case("d"))).exit_status == 130


def test_reports_of_several_folders_are_merged_too(merged):
    assert len(merged(part(None, case("a")), part(None, case("b"))).cases) == 2


@pytest.mark.parametrize(
    ("reports", "why"),
    [
        ([part("1/3", case("a")), part("3/3", case("b"))], "shard 2/3 is missing"),
        ([part("1/2", case("a")), part("2/3", case("b"))], "different wholes"),
        ([part("1/2"), part("1/2"), part("2/2")], "a shard is there twice"),
        ([part(None, case("a")), part(None, case("a"))], "two reports tell of a"),
        ([], "no report to merge"),
    ],
)
def test_what_is_not_the_whole_is_refused(merged, reports, why):
    with pytest.raises(BadOptionError, match=why):
        merged(*reports)


def test_a_file_that_is_no_report_is_refused(tmp_path):
    (tmp_path / "x.json").write_text('{"schema": "agentvcr.diff/1"}')
    with pytest.raises(BadOptionError, match="no report of agentvcr test"):
        merge_reports([tmp_path / "x.json"])
    with pytest.raises(BadOptionError, match="cannot read"):
        merge_reports([tmp_path / "y.json"])
