"""Which line of the program a witness names for a value in a request."""

import json
import sys
import tempfile
from functools import partial
from types import SimpleNamespace

import pytest

from agentvcr.inside import lanes
from agentvcr.inside.exchange import Request
from agentvcr.inside.witness import Witness

LIBRARY = "import reader\n\ndef read():\n    reader.read()\n"


@pytest.fixture
def told():
    return []


@pytest.fixture
def witness(told):
    token = lanes.start("main")
    yield Witness(lambda _kind, _lane, data: told.append(json.loads(data)))
    lanes.leave(token)


@pytest.fixture
def library(witness, tmp_path, monkeypatch):
    """Put a library in place that reads a value when it is imported, and when it is called."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "somebodys_library.py").write_text(LIBRARY + "\nread()\n")
    monkeypatch.syspath_prepend(folder)
    reads = SimpleNamespace(read=partial(witness.read, "chance", "f81d4fae"))
    monkeypatch.setitem(sys.modules, "reader", reads)
    yield
    sys.modules.pop("somebodys_library", None)


def ask(witness):
    witness.asked(Request("POST", "http://x/v1", [], b'{"id": "f81d4fae"}', "main", "httpx"))


@pytest.mark.usefixtures("library")
def test_what_a_library_reads_while_it_is_imported_has_no_line(witness, told):
    import somebodys_library

    ask(witness)
    somebodys_library.read()
    ask(witness)
    imported, called = ([line[0] for _, line, _ in one["found"]] for one in told)
    assert (imported, called) == ([], [__file__])


@pytest.mark.parametrize(("module", "is_named"), [(tempfile, True), (json, False)])
def test_a_line_is_near_where_a_module_reads_for_whoever_calls_it(module, is_named, witness, told):
    space = {"__name__": module.__name__, "read": partial(witness.read, "chance", "another")}
    exec(compile("def draw(): read()", module.__file__, "exec"), space)
    space["draw"]()
    ask(witness)
    assert bool(told[0]["near"]) == is_named
