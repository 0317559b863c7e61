"""Where credentials stand: names of headers, cookies, URL parameters, form and JSON fields.

Owns the lists and the shapes of keys. Does not replace anything (`redaction`) nor leave anything
out of a comparison (`matching`).
"""

from __future__ import annotations

import re
from typing import Final

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
}
"""URL and form parameters whose value is a credential."""

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
    r"\b(?:sk|pk|rk|xai|gsk|hf|ghp|gho|ghs|github_pat|glpat|AIza|AKIA|ASIA|xox[abp]|r8|lsv2)"
    r"[-_]?[A-Za-z0-9][A-Za-z0-9_-]{14,}\b"
)
"""Text in the shape of a key that a known service hands out."""

KEY_OPTION: Final = re.compile(
    r"^--?(?:[a-z0-9-]*[-_])?(?:key|token|secret|password|passwd|pwd|credential)s?(?:=|$)",
    re.IGNORECASE,
)
"""A command-line option that takes a credential."""


def is_key_shaped(text: str) -> bool:
    """Whether `text` holds something in the shape of a known service's key."""
    return KEY_SHAPE.search(text) is not None
