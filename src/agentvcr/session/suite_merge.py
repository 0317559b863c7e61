"""Make one report of those of all parts of a suite.

Owns what has to be there for that: each part once, and each cassette once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from agentvcr.errors import BadOptionError
from agentvcr.model.report import CaseReport, SuiteReport
from agentvcr.session.sharding import read_shard
from agentvcr.session.suite import NOTHING_RUN


def merge_reports(paths: Sequence[Path]) -> SuiteReport:
    """Read the reports of the parts of a suite, and give that of the whole.

    Raises:
        BadOptionError: One cannot be read, a part or a cassette is there twice, or a part is
            missing: what nobody has looked at must not pass.
    """
    reports = [_read(path) for path in paths]
    if not reports:
        raise _refusal("there is no report to merge", "name them: --merge 1.json 2.json")
    _check_parts([shard for report in reports for shard in report.shards])
    cases: dict[str, CaseReport] = {}
    for case in (case for report in reports for case in report.cases):
        if case.path in cases:
            raise _refusal(f"two reports tell of {case.path}", "name each report once")
        cases[case.path] = case
    merged = tuple(sorted(cases.values(), key=lambda case: case.name))
    # A case that was replayed has taken its time.
    nothing_run = all(case.duration_s == 0 and case.verdict != "not_run" for case in merged)
    status = NOTHING_RUN if nothing_run else int(not all(case.passed for case in merged))
    stopped = [report.exit_status for report in reports if report.interrupted]
    return SuiteReport(
        cases=merged,
        duration_s=max(report.duration_s for report in reports),
        exit_status=max(stopped) if stopped else status,
        interrupted=bool(stopped),
    )


def _read(path: Path) -> SuiteReport:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SuiteReport)
    except OSError as error:
        raise _refusal(f"cannot read {path}: {error.strerror}", "check its name") from None
    except msgspec.MsgspecError as error:
        raise _refusal(
            f"{path} is no report of agentvcr test: {error}", "write it with --report FILE.json"
        ) from None


def _check_parts(told: Sequence[str]) -> None:
    shards = [read_shard(one) for one in told]
    totals = {shard.total for shard in shards}
    if len(totals) > 1:
        raise _refusal(
            f"the reports are of parts of different wholes: {', '.join(told)}",
            "merge reports of one suite",
        )
    for total in totals:
        numbers = sorted(shard.number for shard in shards)
        wanted = range(1, total + 1)
        missing = [f"{number}/{total}" for number in wanted if number not in numbers]
        if missing:
            raise _refusal(
                f"the report of shard {', '.join(missing)} is missing",
                "see why that shard has left none; nothing is known of its cassettes",
            )
        if len(numbers) != total:
            raise _refusal("a shard is there twice", "name each report once")


def _refusal(what: str, cure: str) -> BadOptionError:
    return BadOptionError(what, where="--merge", cure=cure)
