from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentvcr.errors import CassetteForeignError, CassetteMissingError
from agentvcr.interop.vcrpy_yaml import document
from agentvcr.interop.vcrpy_yaml.document import read_document


def read(folder, text, name="a.yaml"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path).value


def laughs(levels, joined):
    """Make the billion laughs: ten of the level below in each level."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, levels):
        below = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} {joined % below}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b"AVCRJ\x00\r\n\x1a\n\x00\x01", "it is a cassette of AgentVCR already"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", r"it is not UTF-8 text \(byte 0\)"),
        ("interactions: []".encode("utf-16"), r"it is not UTF-8 text \(byte 0\)"),
        (gzip.compress(b"interactions: []", mtime=0)[:-9], "its gzip is cut short"),
        (b"\x1f\x8bnothing", "its gzip is broken"),
        (b"a: [1, 2", "it is broken YAML: did not find expected"),
        (b"a: b: c", "it is broken YAML: mapping values are not allowed"),
        (b"a: *nowhere", "it is broken YAML: found undefined alias"),
        (
            b"a: \x07",
            "it is broken YAML: unacceptable character #x0007: control characters are not allowed",
        ),
        (b"a: 1\n---\nb: 2", "it is broken YAML: but found another document"),
        (b'a: !!int ""', "it is broken YAML: "),
        (b"a: !!timestamp never", "it is broken YAML: "),
        (b"a: !!bool never", "it is broken YAML: "),
        (b"a: " + b"9" * 5000, "it is broken YAML: Exceeds the limit"),
        (b"? [a]\n: b", "it is broken YAML: found unhashable key"),
        (b"a: &a [*a]", "its value &a contains itself"),
        (b"[" * 100_000, "its values are nested more than 200 deep"),
        (b"- " * 100_000, "its values are nested more than 200 deep"),
        (b'{"a":' * 100_000, "its values are nested too deep"),
        (laughs(10, "[%s]").encode(), "its aliases expand to more than a machine should hold"),
        (
            laughs(10, "[%s]").replace("lol", "{x: y}").encode(),
            "its aliases expand to more than a machine should hold",
        ),
        (
            b"a0: &a0 {x: y}\n"
            + b"".join(
                b"a%d: &a%d {<<: [%s]}\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 30))
                for n in range(1, 9)
            ),
            "its aliases expand to more than a machine should hold",
        ),
    ],
)
def test_what_is_no_sound_document_is_refused_with_its_reason(tmp_path, text, reason):
    with pytest.raises(
        CassetteForeignError, match=f"^a.yaml cannot be imported: {reason}"
    ) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "a.yaml") in caught.value.where
    assert caught.value.cure


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system",
        "!!python/object/new:subprocess.Popen",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/object/apply:multidict._multidict.CIMultiDict",
        "!!python/object/apply:builtins.eval",
        "!custom",
    ],
)
def test_a_tag_that_would_make_an_object_is_refused_by_name_and_line(tmp_path, tag):
    witness = tmp_path / "witness"
    with pytest.raises(CassetteForeignError) as caught:
        read(tmp_path, f'interactions:\n- {tag} ["touch {witness}"]\n')
    assert f"holds the tag {tag}, which would make an object" in str(caught.value)
    assert caught.value.where.endswith("a.yaml: line 2")
    assert not witness.exists()


def test_a_list_in_place_of_a_header_name_stays_plain_and_makes_no_object(tmp_path):
    text = "!!python/object/apply:multidict._multidict.istr\n- Accept\n"
    value = read(tmp_path, text)
    assert (value, type(value)) == ("Accept", str)


def test_vcrpys_own_tags_are_read_as_vcrpy_reads_them(tmp_path):
    value = read(
        tmp_path,
        "text: !!python/unicode a\n"
        "tuple: !!python/tuple [a, b]\n"
        "file: !!python/object/new:_io.BytesIO\n"
        "  state: !!python/tuple [!!binary AP8=, 0, null]\n"
        "pieces: !!python/object/apply:builtins.iter\n"
        "  args: [[a, !!binary /w==, 98]]\n",
    )
    assert value == {"text": "a", "tuple": ("a", "b"), "file": b"\x00\xff", "pieces": b"a\xffb"}


def test_dates_stay_the_text_that_stands_there(tmp_path):
    assert read(tmp_path, "a: 2025-01-02\nb: 2025-01-02 03:04:05Z") == {
        "a": "2025-01-02",
        "b": "2025-01-02 03:04:05Z",
    }


def test_aliases_and_merges_are_read_where_they_are_few(tmp_path):
    value = read(tmp_path, "a: &a {x: [1]}\nb: *a\nc: {<<: *a, y: 2}\n")
    assert value == {"a": {"x": [1]}, "b": {"x": [1]}, "c": {"x": [1], "y": 2}}


def test_gzip_is_known_by_its_bytes_and_not_by_the_name(tmp_path):
    packed = gzip.compress(b"a: ") + gzip.compress(b"1")  # two members, as `cat` makes them
    assert read(tmp_path, packed, "a.yaml") == {"a": 1}
    assert read(tmp_path, "a: 1", "a.yaml.gz") == {"a": 1}


def test_gzip_of_zeros_is_not_unpacked_beyond_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MAX_BYTES", 1 << 20)
    with pytest.raises(CassetteForeignError, match="larger than 1 MiB"):
        read(tmp_path, gzip.compress(bytes(1 << 26)), "a.yaml.gz")
    with pytest.raises(CassetteForeignError, match="larger than 1 MiB"):
        read(tmp_path, b"a" * ((1 << 20) + 1))
    assert read(tmp_path, b"a" * (1 << 20)) == "a" * (1 << 20)


def test_json_is_read_by_its_brace_or_its_name(tmp_path):
    assert read(tmp_path, '{"a": "\\ud83d\\ude00"}', "a.yaml") == {"a": "\U0001f600"}
    assert read(tmp_path, "{a: 1}", "a.yaml") == {"a": 1}
    with pytest.raises(CassetteForeignError, match="it is broken JSON: Expecting property name"):
        read(tmp_path, "{a: 1}", "a.json")


def test_a_byte_order_mark_is_no_content(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_a_missing_file_and_one_that_cannot_be_read_are_told_apart(tmp_path):
    with pytest.raises(CassetteMissingError, match=r"there is no a\.yaml"):
        read_document(tmp_path / "a.yaml")
    with pytest.raises(CassetteForeignError, match="Is a directory"):
        read_document(tmp_path)


def test_our_own_cassette_is_named_as_such(tmp_path):
    with pytest.raises(CassetteForeignError, match="a cassette of AgentVCR already") as caught:
        read(tmp_path, b"", "x.avcr")
    assert caught.value.cure == "agentvcr show FILE"


def test_the_slow_loader_reads_the_same_and_is_as_safe(tmp_path):
    program = (
        "import sys, yaml, pathlib\n"
        "del yaml.CSafeLoader, yaml.CSafeDumper\n"
        "from agentvcr.interop.vcrpy_yaml.document import read_document, SafeLoader\n"
        "assert SafeLoader is yaml.SafeLoader\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        print(ascii(read_document(pathlib.Path(name)).value))\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
    )
    sound, deep, evil = (tmp_path / name for name in ("sound", "deep", "evil"))
    sound.write_text('a: !!binary /w==\nb: 2025-01-02\nc: "\\u2028"\n')
    deep.write_text("[" * 5000)
    evil.write_text("!!python/name:os.system")
    done = subprocess.run(
        [sys.executable, "-c", program, sound, deep, evil],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    one, two, three = done.stdout.splitlines()
    assert one == r"{'a': b'\xff', 'b': '2025-01-02', 'c': '\u2028'}"
    assert two.endswith("deep cannot be imported: its values are nested more than 200 deep")
    assert three.startswith(
        "CassetteForeignError evil cannot be imported: it holds the tag !!python"
    )


pieces = st.sampled_from(
    ["a", "- ", ": ", "[", "]", "{", "}", "&a ", "*a", "!!int ", "!!binary ", "!!python/tuple ",
     "!!set ", "!!omap ", "!!pairs ", "!!float ", "!!null ", "<<: ", "? ", "\n", "\n  ", "'", '"',
     "| ", "> ", "%YAML 9.9\n", "---\n", "...\n", "\\x", "1", "0x", "1:1", ".", "~", "=", "\t", ",",
     "!!python/object/apply:multidict._multidict.istr ", "!!python/object/new:_io.BytesIO ",
     "!!python/object/apply:builtins.iter ", "state: ", "args: ", "!binary ", "\ud7ff", "é"]
)  # fmt: skip


@given(st.lists(pieces, max_size=25).map("".join))
def test_no_text_whatever_raises_another_error(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.yaml")
        path.write_text(text, encoding="utf-8")
        with contextlib.suppress(CassetteForeignError):
            read_document(path)
