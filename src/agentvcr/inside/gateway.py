"""Where programs that are not Python find the gateway: base-URL variables, and what their URLs say.

Owns the variables and the form of a gateway's URLs, for both ends. Answers nothing itself
(`channel.gateway` does). A URL of the gateway holds all that it needs to know: whose request it is,
and where it would have gone:

    http://127.0.0.1:PORT/KEY/[~CALLER/]https/api.openai.com/v1/chat/completions
"""

from __future__ import annotations

import os

from agentvcr.inside.lane import OpenStep

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Mapping

    from agentvcr.inside.lane import Lane

BASE = "AGENTVCR_GATEWAY"
"""The variable with what the gateway's URLs begin with, `http://127.0.0.1:PORT/KEY`."""
ORIGINALS = "AGENTVCR_ORIGINALS"
"""The variable with what the others held before: a line each, NAME=VALUE, or NAME for nothing."""

VARIABLES = {
    "ANTHROPIC_BASE_URL": "https://api.anthropic.com",
    "CO_API_URL": "https://api.cohere.com",
    "GOOGLE_GEMINI_BASE_URL": "https://generativelanguage.googleapis.com",
    "GROQ_BASE_URL": "https://api.groq.com",
    "MISTRAL_BASE_URL": "https://api.mistral.ai/v1",
    "OLLAMA_HOST": "http://127.0.0.1:11434",
    "OPENAI_API_BASE": "https://api.openai.com/v1",
    "OPENAI_BASE_URL": "https://api.openai.com/v1",
    "AZURE_OPENAI_ENDPOINT": "",
    "DEEPSEEK_BASE_URL": "",
    "GOOGLE_VERTEX_BASE_URL": "",
    "HF_ENDPOINT": "",
    "OPENROUTER_BASE_URL": "",
    "TOGETHER_BASE_URL": "",
    "XAI_BASE_URL": "",
}
"""Variables that name a provider's address, and what clients take where they are not set.

Those without such an address are changed only where the program has set them. Nothing of AWS is
here: its requests are signed with the host's name, which would not be that of the gateway.
"""

_SAME = {"OPENAI_API_BASE": "OPENAI_BASE_URL", "OPENAI_BASE_URL": "OPENAI_API_BASE"}
"""Two names for one address: where the program has set one, its client may not see the other."""

_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_UNPROXIED = ("no_proxy", "NO_PROXY")
_HERE = "127.0.0.1"
READ = (*VARIABLES, *_PROXIES, *_UNPROXIED, ORIGINALS)
"""All variables that `variables` looks at."""

_LONGEST_CALLER = 1500
"""Characters: servers and clients bound the length of a URL."""
_ROOT = "main"


def url_for(base: str, lane: str, origin: str, upstream: str) -> str:
    """Give the gateway's URL for a provider's; empty where it cannot stand in for that.

    Args:
        base: The gateway's own address.
        lane: The caller.
        origin: The step that it works for, as `lanes.origin_for_child` says it.
        upstream: The provider's address. Some clients take one without a scheme.
    """
    scheme, mark, rest = upstream.partition("://")
    if not mark:
        scheme, rest = "http", upstream
    host = rest.partition("/")[0]
    if scheme not in ("http", "https") or not host or "@" in host:
        return ""
    if host.startswith(":"):
        rest = "127.0.0.1" + rest
    elif host.startswith("0.0.0.0"):  # noqa: S104  (what a server binds to; its clients go here)
        rest = "127.0.0.1" + rest[7:]
    return "%s/%s%s/%s" % (base, _caller(lane, origin), scheme, rest)


def _caller(lane: str, origin: str) -> str:
    if lane == _ROOT and not origin:
        return ""
    import base64  # noqa: PLC0415  (only who starts a process)

    told = lane if len(lane) + len(origin) > _LONGEST_CALLER else "%s\n%s" % (lane, origin)
    data = told[:_LONGEST_CALLER].encode("utf-8", "surrogatepass")
    return "~%s/" % base64.urlsafe_b64encode(data).decode().rstrip("=")


def taken_apart(target: str) -> tuple[str, str, str] | None:
    """Give the lane, the origin and the provider's URL that the path of a URL of the gateway says.

    None where it is no such path.
    """
    lane, origin, rest = _ROOT, "", target[1:]
    if rest[:1] == "~":
        import base64  # noqa: PLC0415  (the gateway alone comes here)

        told, _, rest = rest[1:].partition("/")
        try:
            data = base64.urlsafe_b64decode(told + "=" * (-len(told) % 4))
            lane, _, origin = data.decode("utf-8", "surrogatepass").partition("\n")
        except ValueError:
            return None
    scheme, _, rest = rest.partition("/")
    host = rest.partition("/")[0].partition("?")[0]
    if scheme not in ("http", "https") or not host or not lane:
        return None
    if host == rest.partition("?")[0]:  # a request has a path
        rest = host + "/" + rest[len(host) :]
    return lane, origin, "%s://%s" % (scheme, rest)


def placed(lane: Lane, origin: str) -> Lane:
    """Give a lane at work for the step that an origin names."""
    parts = origin.split(" ")
    if len(parts) != 3:  # noqa: PLR2004  (lane, path, covered)
        return lane
    return lane.within(OpenStep(parts[1], parts[0]), covered=parts[2] == "covered")


def variables(given: Mapping[str, str], base: str, lane: str, origin: str) -> dict[str, str]:
    """Give the variables that lead a program to the gateway, in place of those `given`."""
    known = _originals(given.get(ORIGINALS, ""))
    out, before = {}, []
    for name, usual in VARIABLES.items():
        value = _own(name, given.get(name), base, known)
        same = _SAME.get(name, "")
        if value is None and _own(same, given.get(same), base, known) is not None:
            continue
        url = url_for(base, lane, origin, usual if value is None else _completed(value, usual))
        if url:
            out[name] = url
            before.append(name if value is None else "%s=%s" % (name, value))
    if any(given.get(name) for name in _PROXIES):
        own = {name: _own(name, given.get(name), base, known) for name in _UNPROXIED}
        out.update(_past_proxies(own))
        before += [
            name if value is None else "%s=%s" % (name, value) for name, value in own.items()
        ]
    out[BASE] = base
    out[ORIGINALS] = "\n".join(before).encode("unicode_escape").decode("ascii")
    return out


def _own(name: str, value: str | None, base: str, known: Mapping[str, str | None]) -> str | None:
    """Give what a variable holds without us; a shell may have put more behind our URL."""
    if name in _UNPROXIED:
        ours = _past_proxies({one: known.get(one) for one in _UNPROXIED})[name]
        return known[name] if name in known and value == ours else value
    if value is None or not value.startswith(base + "/"):
        return value
    before, usual = known.get(name), VARIABLES.get(name, "")
    whole = usual if before is None else _completed(before, usual)
    rest = value[len(base) + 1 :]
    if rest[:1] == "~":
        rest = rest.partition("/")[2]
    if rest == url_for(base, _ROOT, "", whole)[len(base) + 1 :]:
        return before
    return rest.replace("/", "://", 1)


def _past_proxies(own: Mapping[str, str | None]) -> dict[str, str]:
    """Let a program come to the gateway past every proxy, which has no business with its keys.

    Clients read either of the two variables: what one alone said is said by both.
    """
    usual = next((one for one in own.values() if one is not None), "")
    told = {name: usual if value is None else value for name, value in own.items()}
    return {
        name: value if value.strip() == "*" else ",".join(filter(None, (value, _HERE)))
        for name, value in told.items()
    }


def _completed(address: str, usual: str) -> str:
    """Give an address without scheme and port the usual one's port, as its client does."""
    port = usual.rpartition(":")[2]
    host, slash, path = address.partition("/")
    if "://" in address or not host or not port.isdigit() or ":" in host.rpartition("]")[2]:
        return address
    return "%s:%s%s%s" % (host, port, slash, path)


def _originals(told: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for line in told.encode("ascii", "replace").decode("unicode_escape").split("\n"):
        name, mark, value = line.partition("=")
        found[name] = value if mark else None
    return found


def restore() -> None:
    """Let this Python program see its own variables: what it asks is recorded without a gateway.

    What a shell on the way here has set or unset is its own already. The C library's environment
    stays as it is, for what is started past `subprocess`.
    """
    told = os.environ.get(ORIGINALS)
    if not told:
        return
    data = os.environ._data  # type: ignore[attr-defined]  # there since Python 3.0
    encode_key, encode = os.environ.encodekey, os.environ.encodevalue
    base, known = os.environ.get(BASE, ""), _originals(told)
    for name in known:
        value = _own(name, os.environ.get(name), base, known)
        if value is None:
            data.pop(encode_key(name), None)
        else:
            data[encode_key(name)] = encode(value)
