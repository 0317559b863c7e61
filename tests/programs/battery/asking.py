"""How a case asks, and how it tells what it was told: everything that the client shows.

Not a program by itself. Owns the addresses, which are variables. An exception is told by its class
and its words.
"""

import hashlib
import os
import re

from tests.programs.battery.client import Ask

URL = os.environ.get("BASE_URL", "")
OTHER = os.environ.get("OTHER_URL", "")
FULL = os.environ.get("FULL_URL", "")
REFUSED = os.environ.get("REFUSED_URL", "")
TLS = os.environ.get("TLS_URL", "")
H2 = os.environ.get("H2_URL", "")
PROXY = os.environ.get("PROXY_URL", "")
CA = os.environ.get("CA_FILE", "")
MOST_SHOWN = 2000
JSON = {"Content-Type": "application/json"}


def needs(*abilities):
    """Name what a client must be able to do for a case."""

    def mark(case):
        case.needs = set(abilities)
        return case

    return mark


def shown(answer, body=None):
    """An answer as JSON has it: everything that the client shows."""
    body = answer.body if body is None else body
    text = body.decode("latin-1")
    if len(text) > MOST_SHOWN:
        alike = re.sub(rb"#\d+#", b"##", body)  # the number is shown, and not hashed
        text = f"{len(body)} bytes, {hashlib.sha256(alike).hexdigest()}, {text[:100]}"
    return {"status": answer.status, "headers": answer.headers, "body": text}


def named(error):
    """An exception: its class in full, and its words, but for addresses in memory."""
    kind, words = type(error), re.sub(r" at 0x[0-9a-f]+", "", str(error))
    return {"error": f"{kind.__module__}.{kind.__qualname__}", "words": words}


async def told(client, url, **more):
    """Ask for one answer and read it whole; or say what became of it."""
    try:
        return shown(await client.ask(Ask(url=url, **more)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the program sees
        return named(error)


async def streamed(client, url, most=None, **more):
    """Read one answer in pieces, `most` of them at most; and what broke off."""
    seen = {"pieces": []}
    try:
        async with client.stream(Ask(url=url, **more)) as answer:
            seen = {"status": answer.status, "headers": answer.headers, **seen}
            async for piece in answer.pieces:
                seen["pieces"].append(piece.decode("latin-1"))
                if len(seen["pieces"]) == most:
                    break
    except Exception as error:  # noqa: BLE001 - as above
        seen.update(named(error))
    if "pieces" in client.without:
        seen["pieces"] = "".join(seen["pieces"])
    return seen


async def from_pieces(client, url):
    """The whole of an answer, streamed where the client can."""
    if "streams" in client.without:
        return await told(client, url)
    return await streamed(client, url)
