"""The page of the format names every record, field, bound and word that there is."""

import hashlib
import re
from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs

from agentvcr.cassette import format as fmt
from agentvcr.cassette.vocabulary import dictionary_bytes
from agentvcr.inside import steps
from agentvcr.inside.interceptors import tools
from agentvcr.inside.order import log
from agentvcr.inside.values import MOST_TOLD
from agentvcr.model import credentials
from agentvcr.model.exchange import EndKind
from agentvcr.model.run import Note, Stream

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs/reference"
PAGE = (REFERENCE / "cassette-format.md").read_text(encoding="utf-8")
DICTIONARY = "aa95d0655b7076c7ed78f4adc9968682730b2be9d940b683d5c5a878af2c6557"


def list_sections():
    """Split the page at its numbered records: number, name and text of each."""
    parts = re.split(r"^### (\d+) (\w+)$", PAGE, flags=re.MULTILINE)[1:]
    return zip(map(int, parts[::3]), parts[1::3], parts[2::3], strict=True)


def cell_of(section, name):
    """Give what the last cell of a field's row says."""
    return row_of(section, name).split("|")[-2]


def row_of(section, name):
    text = next(text for number, _, text in list_sections() if number == section)
    return next(row for row in text.splitlines() if row.startswith(f"| `{name}` |"))


def fields_of(struct):
    return list(struct.__struct_fields__)


def test_the_page_has_every_record_and_every_field_in_its_order():
    found = {}
    for number, name, text in list_sections():
        table = re.search(r"\| field \|.*?\n\n", text, re.DOTALL).group()
        found[number, name] = re.findall(r"^\| `(\w+)` \| \w", table, re.MULTILINE)
    known = fmt.TYPES | fmt.SEALED_TYPES
    assert found == {(number, one.__name__): fields_of(one) for number, one in known.items()}


def test_the_page_has_every_field_of_a_row_in_its_order():
    row = next(text for number, _, text in list_sections() if number == 65).split("A row is")[1]
    first_cells = [line.split("|")[1] for line in row.splitlines() if line.startswith("| `")]
    assert re.findall(r"`(\w+)`", "".join(first_cells)) == fields_of(fmt.Row)
    assert re.findall(r"`(\w+)`", cell_of(65, "answer")) == fields_of(fmt.Answer)
    assert re.findall(r"`(\w+)`", cell_of(65, "closing")) == fields_of(fmt.Closing)


def test_the_page_says_which_fields_have_a_default():
    known = {**fmt.TYPES, **fmt.SEALED_TYPES}
    fields = [(number, one) for number, kind in known.items() for one in structs.fields(kind)]
    for number, field in [*fields, (65, structs.fields(fmt.Row)[-1])]:
        told = "default empty" in row_of(number, field.name)
        assert told == (not field.required), (number, field.name)
        assert field.required or field.default in ("", ())


OFFSETS = "keys_offset fingerprints_offset raw_hashes_offset"


@pytest.mark.parametrize(
    ("name", "struct", "fields", "words"),
    [
        ("blobs", fmt.BlobGroup, "offset first count", "offset.*`first`.*number of"),
        ("rows", fmt.RowGroup, "offset lane number count", "offset.*lane and number of.*number of"),
        ("keys", fmt.KeyBlock, f"{OFFSETS} first count", "s of.*Keys, Fing.*Raw.*first num.*many"),
    ],
)
def test_the_page_says_every_field_of_a_directory_in_its_order(name, struct, fields, words):
    assert fields_of(struct) == fields.split()
    assert re.search(words, cell_of(69, name))


def test_the_page_has_every_bound_and_every_word():
    flat = PAGE.replace(",", "")
    bounds = (
        f"{fmt.MAX_FRAME} (8 MiB)",
        f"`windowLog` {fmt.WINDOW_LOG}",
        f"from {fmt.EXTENSION} on",
        f"version of the format: {fmt.VERSION}",
        f"`raw_length` is less than {fmt.LONG_FRAME}",
        f"`code mod {fmt.WAYS}`",
        f"the first {fmt.HASH} bytes of SHA-256",
        f"An offset of {fmt.HERE} means",
        f"The last {fmt.TRAILER.size} bytes",
        f"`{fmt.JOURNAL[:-1].hex(' ')}` (`AVCRJ` …)",
        f"`{fmt.SEALED[:-1].hex(' ')}` (`AVCRP` …)",
        f"`{fmt.END.hex(' ')}` (`AVCE`)",
        f"longer than {MOST_TOLD} characters",
        *(f"| {way.value} | the piece " for way in fmt.Way),
    )
    assert [bound for bound in bounds if bound not in flat] == []
    assert fmt.PIECE == 1 << 20
    words = {
        *get_args(EndKind),
        *get_args(Stream),
        *re.findall(r"`(\w+)`", Note.__doc__)[1:],
        *steps.KINDS,
        *("call", tools.CLIENT, tools.METHOD, "tool:"),
        *credentials.CREDENTIAL_FIELDS,
        *credentials.CREDENTIAL_PARAMETERS,
        *(name.decode() for name in credentials.CREDENTIAL_HEADERS),
    }
    assert {word for word in words if f"`{word}`" not in PAGE} == set()


KIND_IN_CODE = re.compile(
    r'\bworld(?:\(|, )\s*"([a-z.]+)"'  # written at once
    r'|^(?:KIND|ROOT)(?:: Final)? = "([a-z.]+)"'  # the module's own
    r'|^    name = "([a-z.]+)"'  # of a generator that a program shares
    r'|^ +yield "([a-z.]+)", |\("(sources|files)", \w+\)',  # what a run was made of
    re.MULTILINE,
)


def kinds_in_code():
    """Read what kinds of WorldRecords the code writes."""
    homes = [ROOT / "src/agentvcr" / name for name in ("channel", "inside", "model", "recording")]
    text = "\n".join(path.read_text("utf-8") for one in homes for path in one.rglob("*.py"))
    return {kind for found in KIND_IN_CODE.findall(text) for kind in found if kind}


def rows_below(heading):
    """Give the first cells of the tables of a part of the page."""
    part = re.split(r"^#+ ", PAGE.split(f"# {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| `([\w.]+)` \|", part, re.MULTILINE)


def test_the_page_has_every_kind_of_what_surrounds_exchanges():
    rows = rows_below("Kinds of WorldRecords")
    assert len(rows) == len(set(rows)) == 14
    assert set(rows) == kinds_in_code()


def test_the_page_has_every_letter_and_the_size_of_an_entry_of_the_order():
    assert f"entries of {log.ENTRY.size} bytes" in PAGE
    assert set(rows_below("Entries of the order")) == set(re.findall(r"`(\w)`", log.__doc__))


def test_the_dictionary_never_changes_and_lies_beside_the_page():
    words = dictionary_bytes()
    assert hashlib.sha256(words).hexdigest() == DICTIONARY
    assert (REFERENCE / "cassette-dictionary.bin").read_bytes() == words
    assert f"`{DICTIONARY}`" in PAGE
    assert f"Its {len(words):,} bytes" in PAGE
