"""A fork tells what is wrong before an edit or a run, and loses nothing that was edited."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from agentvcr.errors import BadOptionError, TargetExistsError, TargetUnwritableError
from agentvcr.replaying.patches import Patch
from agentvcr.session.forking import fork_at, fork_command
from tests.unit import build
from tests.unit.recorded import write_journal

TEXT = Patch("response.text", "No.")
MODEL = Patch("request.model", "large")


@pytest.fixture
def cassette(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_journal(tmp_path / "x.avcr", build.run(build.chat("Why?")))
    return tmp_path / "x.avcr"


def never(text):
    pytest.fail(f"somebody was asked to edit {text}")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"target": "there.avcr"}, TargetExistsError),
        ({"target": "there.avcr/x.avcr"}, TargetUnwritableError),
        ({"target": "."}, TargetUnwritableError),
        ({"patches": ["response.tool_calls[3].name=x"]}, BadOptionError),
        ({"patches": ["request.model=x"], "on_miss": "live"}, BadOptionError),
    ],
)
def test_all_that_is_wrong_is_told_before_an_edit(cassette, options, error):
    Path("there.avcr").write_bytes(b"")
    target = Path(options.pop("target")) if "target" in options else None
    with pytest.raises(error):
        fork_command(cassette, ["true"], at="1", edit=never, target=target, **options)


def test_what_was_edited_in_vain_is_kept_where_the_error_says(cassette, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    target = tmp_path / "new.avcr"

    def edit(text):
        target.write_bytes(b"somebody else's")
        return f"Quite another answer than {text}"

    with pytest.raises(TargetExistsError) as failed:
        fork_command(cassette, ["true"], at="1", edit=edit, target=target)
    kept = Path(failed.value.cure.rpartition(" ")[2])
    assert kept.read_text().startswith("Quite another answer than ")


def test_a_changed_request_under_live_has_the_services_answer_alone():
    exchange = build.chat("Why?")
    assert fork_at(exchange, [MODEL], "live").change_request is not None
    assert fork_at(exchange, [TEXT, MODEL], "nearest").exchange is not exchange
    with pytest.raises(BadOptionError, match="answered by the real service"):
        fork_at(exchange, [TEXT, MODEL], "live")


def test_a_client_whose_request_cannot_be_changed_is_refused_before_anything_runs():
    exchange = replace(build.chat("Why?"), client="urllib3")
    with pytest.raises(BadOptionError, match="a request of urllib3 cannot be changed"):
        fork_at(exchange, [MODEL], "live")
    assert fork_at(exchange, [TEXT], "live").change_request is None
