"""The keys of the configuration and their types; the words for what does not fit them.

Owns both. Does not read files (`loading`), and does not know what a rule means (`matching`).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agentvcr.model.verdict import DifferenceKind, Weight

_UNKNOWN: Final = "extra_forbidden"


class _Strict(BaseModel):
    """Every key is known, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Rules(_Strict):
    """What is left out of a request's identity, what is taken in, and what ids look like."""

    ignore: list[str] = []
    count: list[str] = []
    ids: list[str] = []


class _RulesAt(_Rules):
    """The same for some hosts and paths."""

    host: str = ""
    path: str = ""


class _Matching(_Rules):
    """The rules of matching."""

    at: list[_RulesAt] = []


class _Test(_Strict):
    """What each verdict of `agentvcr test` leads to."""

    benign: Literal["fail", "pass"] = "fail"
    regression: Literal["fail", "warn"] = "fail"
    treat: dict[DifferenceKind, Weight] = {}


class _Tables(_Strict):
    """All there is."""

    matching: _Matching = _Matching()
    test: _Test = _Test()


class Misfit(Exception):  # noqa: N818  (it is caught where it is made into one of ours)
    """What was told does not fit: which key it is, what is wrong with it, and a better one."""

    def __init__(self, key: str, what: str, cure: str) -> None:
        """Keep the three."""
        super().__init__(what)
        self.key = key
        self.what = what
        self.cure = cure


def checked(told: dict[str, Any]) -> dict[str, Any]:
    """Check what a file says, and give it with everything that it leaves out.

    Raises:
        Misfit: Something in it does not fit; the first such thing.
    """
    try:
        return _Tables.model_validate(told).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        raise _misfit(first["loc"], first["type"], first["msg"]) from None


def _misfit(place: tuple[str | int, ...], kind: str, message: str) -> Misfit:
    key = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in place)[1:]
    if kind != _UNKNOWN:
        words = message[:1].lower() + message[1:]
        return Misfit(key, f"{key}: {words}", "write it as docs/reference/configuration.md shows")
    known = _known(place[:-1])
    close = get_close_matches(str(place[-1]), known, 1)
    cure = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
    return Misfit(key, f"{key} is no key of the configuration", cure)


def _known(place: Sequence[str | int]) -> list[str]:
    """Name the keys of a table."""
    tables: dict[tuple[str, ...], type[BaseModel]] = {
        (): _Tables,
        ("matching",): _Matching,
        ("test",): _Test,
        ("matching", "at"): _RulesAt,
    }
    names = tuple(one for one in place if isinstance(one, str))
    return list(tables[names].model_fields)
