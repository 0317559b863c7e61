"""Where credentials stand: names of headers, cookies, URL parameters, form and JSON fields.

Owns the lists and the shapes of keys. Does not replace anything (`redaction`) nor leave anything
out of a comparison (`matching`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

PLACEHOLDER: Final = re.compile(rb"redacted-[0-9a-f]{16}")
"""What stands in a cassette for a credential."""

CREDENTIAL_FIELDS: Final = frozenset(
    {
        "api_key",
        "apikey",
        "api-key",
        "access_token",
        "refresh_token",
        "id_token",
        "client_secret",
        "password",
    }
)
"""JSON and form fields whose string value is a credential."""

CREDENTIAL_PARAMETERS: Final = CREDENTIAL_FIELDS | {
    "key",
    "token",
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-credential",
    "x-goog-signature",
    "x-goog-credential",
}
"""URL and form parameters whose value is a credential."""

SIGNED_TIMES: Final = {
    "x-amz-signature": frozenset({"x-amz-date"}),
    "x-goog-signature": frozenset({"x-goog-date"}),
    "signature": frozenset({"expires"}),
    "sig": frozenset({"st", "se", "skt", "ske"}),
}
"""A parameter that signs a URL → those that say when it was signed, or how long that holds."""


def times_among(names: Iterable[str]) -> frozenset[str]:
    """Name the parameters, in small letters, that are a signature's times beside these."""
    small = {name.lower() for name in names}
    return frozenset().union(*(times for signs, times in SIGNED_TIMES.items() if signs in small))


CREDENTIAL_HEADERS: Final = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"x-api-key",
        b"api-key",
        b"x-goog-api-key",
        b"x-auth-token",
        b"x-amz-security-token",
        b"ocp-apim-subscription-key",
        b"x-subscription-token",
        b"private-token",
        b"cookie",
        b"set-cookie",
    }
)
"""Header names whose value is a credential, or holds one."""

KEY_SHAPE: Final = re.compile(
    r"(?:\b|(?<=%[0-9A-F]{2}))(?=[A-Za-z_-]*\d)(?:"  # also behind an escaped sign, in a path
    r"(?:sk|pk|rk|xai|gsk|hf|ghp|gho|ghs|github_pat|glpat|xox[abp]|r8|lsv2)[-_]"
    r"|AIza|AKIA|ASIA)[A-Za-z0-9_-]{16,}\b"
)
"""Text in the shape of a key that a known service hands out."""

KEY_OPTION: Final = re.compile(
    r"^--?(?:[a-z0-9-]*[-_])?(?:key|token|secret|password|passwd|pwd|credential)(?:=|$)",
    re.IGNORECASE,
)
"""A command-line option that takes a credential."""

KEY_ASSIGNMENT: Final = re.compile(
    r"^(?:-[a-z]|--[a-z-]+=)?[A-Z0-9_]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)="
)
"""The name of a variable that a command line gives a credential: to a shell, `env` or a container
(`-e NAME=…`)."""


def looks_random(secret: bytes) -> bool:
    """Whether a credential is so unlike a word that it may be replaced wherever it stands.

    `Bearer not-needed` and `Cookie: env=production` are not: replacing those words in every body
    would change what the run says.
    """
    return (
        len(secret) >= _RANDOM_SIZE
        and any(_ZERO <= byte <= _NINE for byte in secret)
        and any(byte | 32 in _LETTERS for byte in secret)
        and not any(byte in b" \t\r\n" for byte in secret)
    )


_RANDOM_SIZE = 16
_LETTERS = frozenset(range(ord("a"), ord("z") + 1))
_ZERO, _NINE = b"09"
