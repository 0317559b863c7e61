"""The short cut reads plain lines as typer does, and leaves all others to it."""

from pathlib import Path

import pytest

from agentvcr.cli.quick import read
from agentvcr.cli.record import record
from agentvcr.cli.replay import OnMiss, replay
from agentvcr.errors import TargetUnwritableError


@pytest.mark.parametrize(
    ("words", "values", "rest"),
    [
        ([], {}, []),
        (["python", "-c", "pass"], {}, ["python", "-c", "pass"]),
        (["--", "-o"], {}, ["--", "-o"]),
        (["-o", "x.avcr", "a", "--force"], {"out": Path("x.avcr")}, ["a", "--force"]),
        (["--out=x.avcr", "--force", "a"], {"out": Path("x.avcr"), "force": True}, ["a"]),
        (["--live", "a:1", "--live", "b:2", "c"], {"live": ["a:1", "b:2"]}, ["c"]),
    ],
)
def test_a_plain_line_of_record_is_read(words, values, rest):
    assert read(record, words) == (values, rest)


def test_a_plain_line_of_replay_is_read():
    words = ["--on-miss", "nearest", "--times=3", "--pace", "1", "x.avcr"]
    values = {"on_miss": OnMiss.NEAREST, "times": 3, "pace": 1}
    assert read(replay, words) == (values, ["x.avcr"])


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--no-such-option", "a"],
        ["-o"],
        ["-ox.avcr", "a"],
        ["--force=yes", "a"],
        ["-"],
    ],
)
def test_a_line_that_is_not_plain_is_left_to_typer(words):
    assert read(record, words) is None


@pytest.mark.parametrize("words", [["--pace", "2"], ["--times", "0"], ["--on-miss", "guess"]])
def test_a_value_out_of_bounds_is_left_to_typer(words):
    assert read(replay, words) is None


@pytest.mark.parametrize("words", [["-o", "none/"], ["--out=none/"]])
def test_the_name_of_a_folder_is_refused_where_a_file_is_to_be_written(words):
    with pytest.raises(TargetUnwritableError, match="name of a folder"):
        read(record, [*words, "true"])
