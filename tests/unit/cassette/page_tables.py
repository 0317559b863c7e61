"""The tables of docs/reference/cassette-format.md: fields of records, and what fits in them.

Owns the shapes of records, for `page_reader`. Written from the page, and knows no code of AgentVCR.
"""

import msgspec


class Damage(Exception):  # noqa: N818  (the page's word)
    """Raised where a file is not as the page says."""


def check(fits, what):
    if not fits:
        raise Damage(what)


HEAD = "at_us:count status:int reason:bytes http_version:bytes headers:pair*"
END = "at_us:count kind:end failure_type:text? failure_message:text?"
ASKED = "client:text at_us:count method:text url:text headers:pair*"
SPECS = {
    1: "run_id:text started_at_ns:wall argv:text* cwd:text agentvcr:text platform:text rules:text "
    "environment:map",
    2: "at_us:count exit_status:int? signal:int?",
    3: "index:count pid:int parent_pid:int lane:text argv:text* python:text at_us:count",
    4: "index:count at_us:count",
    5: f"number:count process:count lane:text {ASKED} fingerprint:8 raw_hash:0or8 internal:bool "
    "served_from:count? body_size:count place:text=",
    6: "number:count data:piece",
    7: f"number:count {HEAD}",
    8: "number:count after_us:count* sizes:count* data:piece more:bool",
    9: f"number:count {END}",
    10: "process:count stream:stream at_us:count data:bytes",
    11: "kind:text at_us:count process:count text:text count:count",
    12: "path:text name:text kind:text agent:text? process:count lane:text at_us:count after:count "
    "content:bytes",
    13: "path:text at_us:count content:bytes failure_type:text? failure_message:text?",
    14: "kind:text process:count lane:text data:bytes",
    64: "first:count sizes:count* data:bytes",
    65: "sizes:count* data:bytes",
    66: "first:count gaps:count* lanes:text* lane:count* kinds:text* kind:count* internal:count* "
    "places:text*= place:count*=",
    **dict.fromkeys((67, 68), "data:bytes"),
    69: "story:count* blobs:blobs* rows:rows* keys:keys* last_began_us:count",
    "row": f"lane:text number:count process:count {ASKED} internal:bool served_from:count? "
    "answer:answer? closing:closing? request_body:recipe response_body:recipe place:text=",
    "answer": f"{HEAD} chunks_after_us:count* sizes:count*",
    "closing": END,
    "blobs": "at:count first:count many:count",
    "rows": "at:count lane:text number:count many:count",
    "keys": "keys:count prints:count hashes:count first:count many:count",
}
KINDS = {
    "text": lambda value: isinstance(value, str),
    "bytes": lambda value: isinstance(value, bytes),
    "piece": lambda value: isinstance(value, bytes) and len(value) <= 1 << 20,
    "8": lambda value: isinstance(value, bytes) and len(value) == 8,
    "0or8": lambda value: isinstance(value, bytes) and len(value) in (0, 8),
    "int": lambda value: type(value) is int,
    "count": lambda value: type(value) is int and 0 <= value <= 1 << 53,
    "wall": lambda value: type(value) is int and 0 <= value <= 1 << 62,
    "bool": lambda value: isinstance(value, bool),
    "map": lambda value: isinstance(value, dict) and fits([*value, *value.values()], "text*"),
    "pair": lambda value: fits(value, "bytes*") and len(value) == 2,
    "recipe": lambda value: fits(value, "count*" if isinstance(value, list) else "bytes"),
    "stream": ("stdin", "stdout", "stderr").__contains__,
    "end": ("eof", "closed", "abandoned", "cancelled", "failed", "cut").__contains__,
}


def fits(value, kind):
    if kind in KINDS:
        return KINDS[kind](value)
    if kind in SPECS:  # a later version appends; an earlier one ends before what has a default
        kinds = [name.split(":")[1] for name in SPECS[kind].split()]
        least = sum(kind[-1] != "=" for kind in kinds)
        return isinstance(value, list) and len(value) >= least and all(map(fits, value, kinds))
    if kind[-1] in "?=":
        return (kind[-1] == "?" and value is None) or fits(value, kind[:-1])
    return isinstance(value, list) and all(fits(one, kind[:-1]) for one in value)


def named(kind, values):
    fields = [field.split(":") for field in SPECS[kind].split()]
    found = {name: one for (name, _), one in zip(fields, values, strict=False)}
    missing = [(name, what) for name, what in fields[len(values) :] if what[-1] == "="]
    return found | {name: [] if "*" in what else "" for name, what in missing}


def decoded(encoded, kind):
    """Give a msgpack array as its fields by name."""
    try:
        values = msgspec.msgpack.decode(encoded)
    except (msgspec.MsgspecError, RecursionError, TypeError, ValueError) as error:
        raise Damage(str(error)) from error
    check(fits(values, kind), f"no {kind}")
    return named(kind, values)
