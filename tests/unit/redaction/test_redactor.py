"""Credentials never reach a cassette, and nothing else is taken out."""

import gzip
import json

import pytest

from agentvcr.redaction.redactor import Redactor

SECRET = "s3cr3t/Value+0123456789="
JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
FIELDS = ["api_key", "access_token", "refresh_token", "id_token", "client_secret", "password"]
SPELLINGS = [
    *FIELDS,
    *(name.upper() for name in FIELDS),
    *(name.title() for name in FIELDS),
    "apiKey",
    "API-Key",
    "APIKEY",
]


@pytest.fixture
def redactor():
    return Redactor(b"k" * 32)


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_credential_field_is_replaced_however_it_is_spelled(redactor, name):
    clean = redactor.body(json.dumps({"a": 1, name: SECRET}).encode(), JSON)
    assert SECRET.encode() not in clean
    assert json.loads(clean)["a"] == 1


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("secret", [SECRET, 'quo"te and \\ back'])
def test_a_credential_in_json_in_json_is_replaced_at_any_depth(redactor, depth, secret):
    text = json.dumps({"password": secret, "a": 1})
    for _ in range(depth):
        text = json.dumps({"inner": text})
    value = json.loads(redactor.body(text.encode(), JSON))
    for _ in range(depth):
        value = json.loads(value["inner"])
    assert value["password"].startswith("redacted-")
    assert value["a"] == 1


def test_headers_keep_scheme_cookie_names_and_attributes(redactor):
    clean = dict(
        redactor.headers(
            [
                (b"Authorization", b"Bearer " + SECRET.encode()),
                (b"X-Api-Key", SECRET.encode()),
                (b"Cookie", b"a=12345678; b=" + SECRET.encode()),
                (b"Set-Cookie", b"sid=" + SECRET.encode() + b"; Path=/; HttpOnly"),
                (b"X-Other", b"kept"),
            ]
        )
    )
    placeholder = redactor.placeholder(SECRET.encode())
    assert clean[b"Authorization"] == b"Bearer " + placeholder
    assert clean[b"X-Api-Key"] == placeholder
    assert clean[b"Cookie"].startswith(b"a=redacted-")
    assert clean[b"Cookie"].endswith(b"; b=" + placeholder)
    assert clean[b"Set-Cookie"] == b"sid=" + placeholder + b"; Path=/; HttpOnly"
    assert clean[b"X-Other"] == b"kept"


@pytest.mark.parametrize("name", [b"Location", b"content-location", b"referer", b"link"])
def test_a_url_in_a_header_loses_its_credentials(redactor, name):
    (pair,) = redactor.headers([(name, b"https://a.example/cb?access_token=SECRET-0123456789&b=1")])
    assert b"SECRET-0123456789" not in pair[1]
    assert pair[1].endswith(b"&b=1")


def test_urls_lose_parameters_and_user_and_keep_the_rest(redactor):
    clean = redactor.url("https://me:pass1234@a.example:8/p%20q?b=2&key=SECRET-0123456789&a=#f")
    assert "pass1234" not in clean
    assert "SECRET-0123456789" not in clean
    assert clean.endswith("#f")
    assert "b=2&key=redacted-" in clean
    assert "@a.example:8/p%20q" in clean


def test_a_known_credential_in_a_path_is_replaced_also_beside_a_credential_parameter(redactor):
    redactor.headers([(b"x-api-key", b"SECRET-0123456789")])
    assert "SECRET-0123456789" not in redactor.url(
        "https://a.example/botSECRET-0123456789/x?key=other"
    )


def test_a_credential_is_known_in_its_percent_encoded_form_too(redactor):
    redactor.url("https://a.example/?sig=abc%2Bdef%2Fghi0123456%3D")
    said = redactor.output(b"404 for abc%2Bdef%2Fghi0123456%3D or abc+def/ghi0123456=")
    assert b"abc" not in said


@pytest.mark.parametrize(
    "escaped", [rb"abc\/def\u002Bghi012345", rb"abc\u002fdef+ghi\u0030\u003012345"]
)
def test_a_credential_is_known_in_whatever_escapes_json_has_it(redactor, escaped):
    """PHP escapes the slash, .NET the plus sign; the program uses what they stand for."""
    redactor.answer([], [b'{"access_token":"%b"}' % escaped])
    clean = redactor.body(b'{"session":"%b"}' % json.loads(b'"%b"' % escaped).encode(), JSON)
    assert b"ghi" not in clean


def test_a_request_is_clean_though_its_credential_stands_first_in_a_place_of_no_name(redactor):
    headers = [(b"x-trace", b"for SECRET-0123456789"), (b"x-api-key", b"SECRET-0123456789")]
    assert b"SECRET" not in b"".join(value for _, value in redactor.headers(headers))


def test_an_answer_is_clean_though_a_header_repeats_what_its_body_gives(redactor):
    headers, _ = redactor.answer(
        [(b"x-session", b"SECRET-0123456789")], [b'{"access_token":"SECRET-0123456789"}']
    )
    assert b"SECRET" not in headers[0][1]


@pytest.mark.parametrize("order", [1, -1])
def test_a_credential_that_begins_like_another_is_replaced_whole(redactor, order):
    for secret in [b"SECRET-0123456789", b"SECRET-0123456789.longer"][::order]:
        redactor.learn(secret)
    assert b"longer" not in redactor.body(b"text SECRET-0123456789.longer", b"text/plain")
    assert b"longer" not in redactor.output(b"text SECRET-0123456789.longer")


def test_forms_lose_their_credentials_and_nothing_else(redactor):
    clean = redactor.body(b"grant=x&client_secret=SECRET-0123456789&z=%20", FORM)
    assert clean.startswith(b"grant=x&client_secret=redacted-")
    assert clean.endswith(b"&z=%20")


def test_a_gzip_answer_is_searched_and_left_alone_where_it_holds_nothing(redactor):
    headers = [(b"content-encoding", b"gzip"), (b"content-type", JSON)]
    plain = gzip.compress(b'{"a": 1}')
    assert redactor.answer(headers, [plain[:5], plain[5:]])[1] == [plain[:5], plain[5:]]
    zipped = gzip.compress(json.dumps({"access_token": SECRET}).encode())
    clean, chunks = redactor.answer(headers, [zipped])
    assert clean == ((b"content-type", JSON),)
    assert json.loads(b"".join(chunks))["access_token"].startswith("redacted-")


def test_a_credential_cut_at_any_chunk_border_is_replaced_and_the_chunks_stay_as_many(redactor):
    body = b'{"x":1,"access_token":"SECRET-0123456789","y":2}'
    placeholder = redactor.placeholder(b"SECRET-0123456789")
    for cut in range(1, len(body)):
        for second in (cut, min(cut + 3, len(body))):
            chunks = [body[:cut], body[cut:second], body[second:]]
            clean = redactor.answer([], chunks)[1]
            assert len(clean) == 3
            assert b"".join(clean) == body.replace(b"SECRET-0123456789", placeholder)


def test_an_answer_without_credentials_is_the_very_same(redactor):
    chunks = [b"a", b"", b"\xff\x00"]
    headers = [(b"A", b"1"), (b"a", b"2")]
    assert redactor.answer(headers, chunks) == (tuple(headers), chunks)


def test_a_known_credential_is_replaced_wherever_it_turns_up(redactor):
    redactor.headers([(b"authorization", b"Bearer SECRET-0123456789")])
    assert b"SECRET-0123456789" not in redactor.output(b"using SECRET-0123456789")
    assert b"SECRET-0123456789" not in redactor.body(b"text SECRET-0123456789", b"text/plain")
    assert "SECRET-0123456789" not in " ".join(redactor.argv(["curl", "-HX:SECRET-0123456789"]))


def test_equal_credentials_have_equal_placeholders_under_one_key_and_others_under_another():
    one, same, other = Redactor(b"k" * 32), Redactor(b"k" * 32), Redactor(b"o" * 32)
    assert one.placeholder(b"abc") == same.placeholder(b"abc") != other.placeholder(b"abc")
    assert one.placeholder(b"abc") != one.placeholder(b"abd")
    assert one.placeholder(one.placeholder(b"abc")) == one.placeholder(b"abc")


@pytest.mark.parametrize(
    "words",
    [
        ["--max-tokens", "100"],
        ["--max-tokens=100"],
        ["--num-tokens", "4"],
        ["--max_completion_tokens", "9"],
        ["--tokenizer", "cl100k"],
        ["--keyword", "x"],
    ],
)
def test_an_option_that_counts_tokens_takes_no_credential(redactor, words):
    assert redactor.argv(["python", "a.py", *words]) == ("python", "a.py", *words)


@pytest.mark.parametrize(
    "words",
    [
        ["--api-key", "SECRET-0123456789"],
        ["--token=SECRET-0123456789"],
        ["sk-abcdefghijklmnopqrstuv1"],
        ["docker", "run", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN=SECRET", "mcp/github"],
        ["docker", "run", "-eBRAVE_API_KEY=SECRET", "--env=PGPASSWORD=SECRET", "mcp/brave"],
        ["env", "OPENAI_API_KEY=SECRET", "python", "-I", "x.py"],
        ["npx", "server-postgres", "postgresql://someone:SECRET@localhost/db"],
        ["--db=postgresql://someone:SECRET@localhost/db"],
        ["npx", "mcp-remote", "https://example.org/sse?api_key=SECRET"],
        ["npx", "mcp-remote", "https://example.org", "--header", "Authorization: Bearer SECRET"],
        ["curl", "-HX-Api-Key: SECRET", "https://example.org"],
        ["sh", "-c", "psql 'postgresql://someone:SECRET@localhost/db'"],
    ],
)
def test_a_credential_on_the_command_line_is_masked(redactor, words):
    clean = " ".join(redactor.argv(["python", *words]))
    assert "SECRET" not in clean
    assert "sk-abc" not in clean


@pytest.mark.parametrize(
    "words",
    [
        ["env", "LANG=C", "KEY=", "MAX_TOKEN=5", "model.key=name"],
        ["curl", "-H", "Content-Type: application/json", "https://example.org/v1?q=a&page=2"],
        ["python", "-c", "print('a: b', 'http://localhost:1/x')"],
    ],
)
def test_an_argument_without_a_credential_stays(redactor, words):
    assert redactor.argv(words) == tuple(words)


@pytest.mark.parametrize(
    "word",
    [b"sklearn_model_selection", b"skip_validation_errors", b"pk_constraint_violation_error"],
)
def test_a_word_that_begins_like_a_key_is_no_key(redactor, word):
    assert redactor.output(word) == word


def test_what_is_shaped_like_a_key_is_replaced_where_it_is_said_and_not_remembered(redactor):
    key = b"sk-proj-abcdefghijklmnop0123"
    assert key not in redactor.output(b"using " + key)
    assert redactor.body(b'{"text":"%b"}' % key, JSON) == b'{"text":"%b"}' % key


@pytest.mark.parametrize(
    "secret",
    [b"short-0123", b"only-letters-and-none-else", b"0123456789012345", b"sp4ces are 0123456789"],
)
def test_a_credential_that_is_not_random_is_replaced_in_its_place_alone(redactor, secret):
    (pair,) = redactor.headers([(b"x-api-key", secret)])
    assert pair[1].startswith(b"redacted-")
    assert redactor.output(b"text " + secret) == b"text " + secret


def test_a_credential_of_the_environment_is_known_before_it_is_sent(redactor):
    redactor.learn(b"SECRET-0123456789")
    redactor.learn(b"")
    redactor.learn(b"true")
    assert redactor.output(b"true: SECRET-0123456789").startswith(b"true: redacted-")


def test_each_credential_that_was_replaced_counts_once(redactor):
    redactor.learn(b"never-used-0123456789")
    assert redactor.count == 0
    for _ in range(2):
        redactor.headers([(b"x-api-key", b"SECRET-0123456789")])
    redactor.body(b'{"password":"x","a":"SECRET-0123456789"}', JSON)
    assert redactor.count == 2


def test_what_was_clean_once_is_not_when_it_turns_out_to_hold_a_credential(redactor):
    header, url = (b"x-trace", b"SECRET-0123456789"), "http://a.example/botSECRET-0123456789/"
    assert redactor.headers([header]) == (header,)
    assert redactor.url(url) == url
    redactor.body(b'{"password":"SECRET-0123456789"}', JSON)
    assert b"SECRET" not in redactor.headers([header])[0][1]
    assert "SECRET" not in redactor.url(url)


def test_an_everyday_word_as_a_credential_is_not_replaced_elsewhere(redactor):
    body = b'{"text":"in production, not-needed"}'
    redactor.headers([(b"authorization", b"Bearer not-needed"), (b"cookie", b"env=production")])
    assert redactor.body(body, JSON) == body
