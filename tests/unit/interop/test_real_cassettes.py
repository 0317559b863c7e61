"""Every real cassette against what vcrpy itself makes of it; read where they lie, in no copy."""

from __future__ import annotations

import collections
import gzip
import json

import pytest
import yaml
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from agentvcr.errors import CassetteForeignError
from agentvcr.interop.vcrpy_yaml import read_cassette

REPAIRED = {"content-length", "content-encoding"}
ISTR = "tag:yaml.org,2002:python/object/%s:multidict._multidict.istr"


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.name.endswith((".yaml", ".yaml.gz")))


@pytest.fixture(scope="module")
def imported(corpora):
    """Each file that can be imported, as it was; those that cannot, by their reason."""
    found, refused = {}, {}
    for path in files(corpora):
        try:
            found[path] = read_cassette(path)
        except CassetteForeignError as error:
            refused[path] = str(error).partition("imported: ")[2]
    return found, refused


def of(imported, flavour):
    found, _ = imported
    return {path: foreign for path, foreign in found.items() if foreign.flavour == flavour}


# --- what vcrpy, or the serializer that wrote a file, makes of it ---------------------------------


def by_vcrpy(path, serializer=yamlserializer):
    requests, responses, *_ = FilesystemPersister.load_cassette(path, serializer)
    return [
        {
            "method": request.method,
            "uri": request.uri,
            "body": request.body,
            "headers": {name: [value] for name, value in request.headers.items()},
            "response": response,
        }
        for request, response in zip(requests, responses, strict=True)
    ]


def by_langchain(path):
    """Read as langchain_tests does: its own serializer, then two lists of dicts."""
    document = yaml.load(gzip.decompress(path.read_bytes()), Loader=yamlserializer._CassetteLoader)
    both = zip(document["requests"], document["responses"], strict=True)
    return [{**request, "response": response} for request, response in both]


def by_pydantic_ai(path):
    """Read as its serializer does, but for the text that it makes of each parsed body."""
    document = yaml.load(path.read_text("utf-8"), Loader=yamlserializer._CassetteLoader)
    return [{**one["request"], "response": one["response"]} for one in document["interactions"]]


def istr_tags():
    return yamlserializer.with_custom_tags(
        {
            ISTR % how: lambda loader, node: loader.construct_sequence(node)[0]
            for how in ("apply", "new")
        }
    )


# --- the comparison -------------------------------------------------------------------------------


def content(value):
    return value.encode() if isinstance(value, str) else (value or b"")


def text_headers(headers, *, first_only):
    """Give headers without those that an import repairs, as vcrpy has them."""
    listed = collections.defaultdict(list)
    for name, values in headers:
        if name.lower() not in REPAIRED:
            listed[name] += [values] if isinstance(values, str | bytes) else values
    return {
        name: [content(value) for value in (values[:1] if first_only else values)]
        for name, values in listed.items()
    }


def our_headers(pairs, *, first_only):
    return text_headers([(name.decode(), value) for name, value in pairs], first_only=first_only)


def assert_same_body(ours, side, plain):
    if "parsed_body" in side:
        assert json.loads(ours) == side["parsed_body"]
        assert (
            ours
            == json.dumps(side["parsed_body"], separators=(",", ":"), ensure_ascii=False).encode()
        )
    else:
        assert ours == content(plain)


def assert_same(ours, theirs):
    request, response, answered = ours.request, ours.response, theirs["response"]
    assert (request.method, request.url) == (theirs["method"], theirs["uri"])
    assert_same_body(request.body, theirs, theirs.get("body"))
    asked = our_headers(request.headers, first_only=True)
    assert asked == text_headers(theirs["headers"].items(), first_only=True)
    assert response.status == answered["status"]["code"]
    assert response.reason == answered["status"]["message"].encode()
    assert_same_body(response.body, answered, (answered.get("body") or {}).get("string"))
    told = our_headers(response.headers, first_only=False)
    assert told == text_headers(answered["headers"].items(), first_only=False)


def compare(found, load):
    """Compare whole cassettes; returns how many exchanges were the same."""
    same = 0
    for path, foreign in found.items():
        for ours, theirs in zip(foreign.interactions, load(path), strict=True):
            assert_same(ours, theirs)
            same += 1
    return same


# --- the rules ------------------------------------------------------------------------------------


def test_every_real_cassette_is_imported_or_refused_with_its_reason(imported):
    found, refused = imported
    flavours = collections.Counter(foreign.flavour for foreign in found.values())
    assert flavours == {"vcrpy-v1": 353, "vcrpy-parsed-body": 200, "langchain-split": 25}
    assert collections.Counter(refused.values()) == {"it holds WebSocket frames": 3}
    assert sum(len(foreign.interactions) for foreign in found.values()) == 1970


def test_what_vcrpy_loads_is_the_same_byte_for_byte(imported):
    plain = of(imported, "vcrpy-v1")
    tagged = {path for path in plain if "multidict._multidict.istr" in path.read_text("utf-8")}
    for path in tagged:
        with pytest.raises(ValueError, match="could not determine a constructor"):
            by_vcrpy(path)
    assert len(tagged) == 5
    assert compare({path: plain[path] for path in plain.keys() - tagged}, by_vcrpy) == 1402
    told_the_tag = istr_tags()
    assert (
        compare({path: plain[path] for path in tagged}, lambda path: by_vcrpy(path, told_the_tag))
        == 5
    )


def test_parsed_bodies_that_vcrpy_cannot_load_are_the_same_json_values(imported):
    parsed = of(imported, "vcrpy-parsed-body")
    refusals = 0
    for path in parsed:
        try:
            by_vcrpy(path)
        except TypeError:
            refusals += 1
    assert (len(parsed), refusals) == (200, 180)
    assert compare(parsed, by_pydantic_ai) == 497


def test_langchains_lists_are_the_same_byte_for_byte(imported):
    assert compare(of(imported, "langchain-split"), by_langchain) == 66


def test_a_client_can_decode_every_body_as_its_headers_say(imported):
    found, _ = imported
    packed = 0
    for foreign in found.values():
        for one in foreign.interactions:
            headers = {name.lower(): value for name, value in one.response.headers}
            if headers.get(b"content-encoding") == b"gzip":
                gzip.decompress(one.response.body)
                packed += 1
            if b"content-length" in headers and one.request.method != "HEAD":
                assert int(headers[b"content-length"]) == len(one.response.body)
    assert packed == 185


def test_what_was_repaired_is_told_with_how_often(imported):
    found, _ = imported
    told = collections.Counter()
    for foreign in found.values():
        for note in foreign.notes:
            words, _, times = note.rpartition(": ")
            told[words.partition(",")[0]] += int(times)
    assert told == {
        "headers with a bare value": 1774,
        "content-length headers set to the length of the body that is there": 888,
        "parsed bodies written as compact JSON": 781,
        "methods in lower case": 81,
        "content-encoding headers dropped": 19,
        "cassettes without a version": 10,
        "requests whose URL is not http(s)": 3,
    }
