"""The rules of identity for one request: the built-in ones, and those that were declared for it.

Owns what a declared rule means. Does not apply it (`canonical`), nor read a configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from agentvcr.matching.json_path import Steps, parse
from agentvcr.model.address import address_of, is_loopback
from agentvcr.model.credentials import CREDENTIAL_HEADERS
from agentvcr.model.rules import KIND, NONE_DECLARED, Rules, RulesAt
from agentvcr.model.run import Run

BUILT_IN: Final = "3"
"""Id of the built-in rules. To be raised with each change of what they yield."""
_LOOPBACK: Final = "localhost"
"""What a pattern calls every address of this machine."""
_SHORTEST_ID: Final = 2


class BadRuleError(ValueError):
    """A declared rule makes no sense; says which, why, and what would."""

    def __init__(
        self, what: str, cure: str = "write body.a.b, body.a[*].b, query.name or header.name"
    ) -> None:
        """Keep both."""
        super().__init__(what)
        self.cure = cure


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one request besides the built-in rules."""

    body: tuple[Steps, ...] = ()
    """Places in the body that are left out; no steps: all of it."""
    query: tuple[str, ...] = ()
    """Patterns of fields of the query that are left out."""
    headers: tuple[bytes, ...] = ()
    """Headers that count, in small letters and sorted."""
    ids: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields of a form that are left out."""
        return tuple(str(one[0]) for one in self.body if len(one) == 1)

    @property
    def whole_body(self) -> bool:
        """Whether no body counts."""
        return () in self.body


BUILT_IN_ALONE: Final = Applied()


class _Told(msgspec.Struct, frozen=True):
    """A `RulesAt`, read."""

    host: str
    path: str
    body: tuple[Steps, ...]
    query: tuple[str, ...]
    ignored: frozenset[bytes]
    counted: frozenset[bytes]
    ids: tuple[str, ...]


class RuleBook:
    """Declared rules, and which of them hold where."""

    def __init__(self, declared: Rules = NONE_DECLARED) -> None:
        """Read them.

        Raises:
            BadRuleError: One makes no sense.
        """
        self.declared = declared
        self._told = [_told(one) for one in (declared, *declared.at)]
        self._any = any(one.body or one.query or one.counted or one.ids for one in self._told)

    def at(self, url: str) -> Applied:
        """Give what holds for a request to `url`."""
        if not self._any:
            return BUILT_IN_ALONE
        host, path = _place(url)
        told = [one for one in self._told if _fits(one.host, host) and _fits(one.path, path)]
        counted = frozenset().union(*(one.counted for one in told))
        ignored = frozenset().union(*(one.ignored for one in told))
        return Applied(
            body=tuple(steps for one in told for steps in one.body),
            query=tuple(name for one in told for name in one.query),
            headers=tuple(sorted(counted - ignored)),
            ids=tuple(prefix for one in told for prefix in one.ids),
        )


def each_rule(rules: Rules) -> Iterator[RulesAt]:
    """Give each declared rule by itself, with the hosts and paths that it holds for."""
    for one in (rules, *rules.at):
        for ignored in one.ignore:
            yield RulesAt(host=one.host, path=one.path, ignore=(ignored,))
        for counted in one.count:
            yield RulesAt(host=one.host, path=one.path, count=(counted,))
        for prefix in one.ids:
            yield RulesAt(host=one.host, path=one.path, ids=(prefix,))


def name_rule(rule: RulesAt) -> str:
    """Name one rule as it is written."""
    told = [("ignore", rule.ignore), ("count", rule.count), ("ids", rule.ids)]
    what = " ".join(f"{name} {text}" for name, texts in told for text in texts)
    where = f"{rule.host}{rule.path}"
    return f"{what} for {where}" if where else what


def declared_in(run: Run) -> bytes:
    """Find the declared rules of a run as its cassette keeps them; nothing where it has none."""
    return next((part.data for part in run.world if part.kind == KIND), b"")


def write_rules(rules: Rules) -> bytes:
    """Write rules as a cassette keeps them; nothing where none are declared."""
    return b"" if rules == NONE_DECLARED else msgspec.json.encode(rules)


def read_rules(data: bytes) -> Rules:
    """Read rules as a cassette keeps them.

    Raises:
        BadRuleError: A later AgentVCR wrote them, or nobody did.
    """
    try:
        return msgspec.json.decode(data, type=Rules) if data else NONE_DECLARED
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadRuleError(str(error)) from None


def _place(url: str) -> tuple[str, str]:
    address = address_of(url)
    if address is None:
        return "", url
    return _LOOPBACK if is_loopback(address.host) else address.host, address.path


def _fits(pattern: str, found: str) -> bool:
    return not pattern or fnmatchcase(found, pattern)


def _told(one: RulesAt) -> _Told:
    body: list[Steps] = []
    query: list[str] = []
    ignored: set[bytes] = set()
    for text in one.ignore:
        kind, rest = _split(text, ("body", "query", "header"))
        if kind == "body":
            body.append(_steps(text, rest))
        elif kind == "query":
            query.append(_field(text, rest))
        else:
            ignored.add(_header(text, rest))
    counted = {_header(text, _split(text, ("header",))[1]) for text in one.count}
    host = _LOOPBACK if is_loopback(one.host.lower()) else one.host.lower()
    return _Told(
        host=host,
        path=one.path,
        body=tuple(body),
        query=tuple(query),
        ignored=frozenset(ignored),
        counted=frozenset(counted),
        ids=tuple(_id(prefix) for prefix in one.ids),
    )


def _split(text: str, kinds: Iterable[str]) -> tuple[str, str]:
    for kind in kinds:
        rest = text.removeprefix(kind)
        if rest != text and rest[:1] in ("", ".", "["):
            return kind, rest
    raise BadRuleError(f"{text!r} begins with none of {', '.join(kinds)}")


def _field(text: str, rest: str) -> str:
    name = rest.removeprefix(".")
    if rest and (not name or rest[:1] != "."):
        raise BadRuleError(f"{text!r} names no field of the query", "write query.name or query")
    return name or "*"


def _steps(text: str, rest: str) -> Steps:
    try:
        return parse(rest)
    except ValueError as error:
        raise BadRuleError(f"{text!r} is no path: {error}") from None


def _header(text: str, rest: str) -> bytes:
    name = rest.removeprefix(".").lower().encode()
    if not name or rest[:1] != ".":
        raise BadRuleError(f"{text!r} names no header")
    if name in CREDENTIAL_HEADERS:
        raise BadRuleError(
            f"{text!r} is a credential, which no cassette holds",
            "leave it out: requests that differ in a credential alone are the same",
        )
    return name


def _id(prefix: str) -> str:
    if len(prefix) < _SHORTEST_ID or len(prefix.split()) != 1 or prefix != prefix.strip():
        raise BadRuleError(
            f"{prefix!r} is too short, or has a space in it, for what ids begin with",
            'write two characters or more, as in ids = ["task-"]',
        )
    return prefix
