"""Contents are hashed, and where a secret is in them under the user's key."""

import os

import pytest

from agentvcr.redaction.digest import Digest, is_known_to_differ

KEY, OTHER = b"k" * 32, b"o" * 32


def digest_of(path, key=KEY):
    return Digest(key).of(str(path))


def write(path, data):
    path.write_bytes(data)
    return path


def test_equal_contents_have_equal_hashes_for_every_user(tmp_path):
    one, other = write(tmp_path / "a.md", b"be kind"), write(tmp_path / "b.md", b"be kind")
    assert digest_of(one) == digest_of(other, OTHER)
    assert digest_of(one) != digest_of(write(other, b"be brief"))


@pytest.mark.parametrize(
    "name",
    [".env", ".env.local", "credentials.json", "api_key.txt", "token", "server.pem", "id_rsa"],
)
def test_what_is_named_like_a_credential_is_hashed_under_the_key(tmp_path, name):
    path = write(tmp_path / name, b"1234")
    assert digest_of(path).startswith("hmac:")
    assert digest_of(path) != digest_of(path, OTHER)
    assert not is_known_to_differ(digest_of(path), digest_of(path, OTHER))


@pytest.mark.parametrize("name", ["keyboard.md", "environment.md", "monkey.txt", "tokenizer.json"])
def test_other_names_are_not_taken_for_one(tmp_path, name):
    assert not digest_of(write(tmp_path / name, b"text")).startswith("hmac:")


@pytest.mark.parametrize(
    "text",
    [
        "user: ada\npassword: tiger\n",
        '{"db": {"API_KEY": "1234"}}',
        "PIN=1234",
        "[http]\nauth-token = x",
        "client_secret_value='x'",
        "-----BEGIN RSA PRIVATE KEY-----\nx",
        "settings['passwd'] = 'x'",
    ],
)
def test_a_setting_that_is_named_like_a_credential_is_found(tmp_path, text):
    assert digest_of(write(tmp_path / "settings.toml", text.encode())).startswith("hmac:")
    assert not digest_of(write(tmp_path / "code.py", text.encode())).startswith("hmac:")


@pytest.mark.parametrize(
    "text", ["Never tell a password or a secret.", "monkey business", "Spinning: slowly", "a: b"]
)
def test_a_prompt_that_speaks_of_secrets_holds_none(tmp_path, text):
    assert not digest_of(write(tmp_path / "prompt.md", text.encode())).startswith("hmac:")


def test_of_a_long_file_the_beginning_and_the_length_are_hashed(tmp_path):
    size = 5 << 20
    path = write(tmp_path / "long.bin", b"a" * size)
    first = digest_of(path)
    assert digest_of(write(path, b"a" * (size + 1))) != first
    assert digest_of(write(path, b"b" + b"a" * (size - 1))) != first


def test_what_is_no_file_has_no_hash_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "nowhere", "/dev/zero", "nul\0byte"):
        assert digest_of(path) == ""


def test_a_key_is_told_from_another_and_not_told():
    one, other = (Digest(key).key_id for key in (KEY, OTHER))
    assert one != other
    assert KEY.hex()[:8] not in one
