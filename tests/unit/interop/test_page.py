"""docs/howto/import-vcrpy-cassettes.md against the code: its examples are run by test_docs."""

from __future__ import annotations

import re
from pathlib import Path

from agentvcr.interop.vcrpy_yaml import document, reading

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "import-vcrpy-cassettes.md"


def test_every_flavour_has_a_row_and_every_row_a_flavour():
    rows = re.findall(r"^\| `([\w-]+)` \|", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    flavours = {reading.PLAIN, reading.PARSED, reading.OLD_HTTPX, reading.SPLIT, reading.RUBY}
    assert sorted(rows) == sorted(flavours)


def test_the_bounds_are_those_of_the_code():
    text = " ".join(PAGE.read_text("utf-8").split())
    assert f"nested more than {document.MAX_DEPTH} deep" in text
    assert f"more than {document.MAX_BYTES >> 20} MiB once unpacked" in text
    assert document.MAX_EXPANDED == document.MAX_BYTES
