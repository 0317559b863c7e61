"""Sum up a run: a line a step, a line or two for the whole.

Owns what a step is called in words, and every total. Does not draw (`reporters`).
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from agentvcr.model.exchange import is_call
from agentvcr.model.results import (
    CassetteRow,
    NoteRow,
    Outline,
    RunState,
    RunSummary,
    StepRow,
    Totals,
)
from agentvcr.providers import dialect_of, mcp, model_of
from agentvcr.steps.path import each_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.model.conversation import Answer
    from agentvcr.model.exchange import Exchange, Request
    from agentvcr.model.run import NamedStep, Run
    from agentvcr.model.step import Step

NS_PER_MS = 1_000_000
FIRST_ERROR_STATUS = 400
ARGUMENTS_LENGTH = 60
"""Characters of a call's arguments that its one line holds at most."""
RESULT_LENGTH = 200
"""Characters of an answer that its one line holds at most."""


def outline(run: Run) -> Outline:
    """Give a run as one line a step, with what else was seen."""
    rows = tuple(map(row, each_step(run)))
    counts: Counter[tuple[str, str]] = Counter()
    for note in run.notes:
        counts[note.kind, note.text] += note.count
    notes = [NoteRow(kind=kind, text=text, count=count) for (kind, text), count in counts.items()]
    return Outline(run=summary(run, rows), steps=rows, notes=tuple(notes))


def cassette_row(name: str, size: int, run: Run) -> CassetteRow:
    """Give a cassette in one line; `size` is that of its file."""
    rows = list(map(row, each_step(run)))
    exchanges = len(run.exchanges)
    return CassetteRow(name=name, size=size, run=summary(run, rows), exchanges=exchanges)


def row(step: Step) -> StepRow:
    """Give a step in one line."""
    if step.named is not None:
        return _named_row(step, step.named)
    exchange = exchange_of(step)
    response, ending = exchange.response, exchange.ending
    dialect = dialect_of(exchange.request)
    answer = dialect.read_answer(response) if dialect and response else None
    return StepRow(
        id=step.id,
        number=step.number,
        kind=step.kind,
        lane=step.lane,
        agent=step.agent,
        parent=step.parent,
        action=_action(exchange, answer, step.kind),
        result=_result(exchange, answer),
        status=response.status if response else None,
        ending=ending.kind if ending else None,
        error=ending.failure.type if ending and ending.failure else None,
        began_ms=exchange.began_ns / NS_PER_MS,
        latency_ms=(ending.at_ns - exchange.began_ns) / NS_PER_MS if ending else None,
        input_tokens=answer.input_tokens if answer else None,
        output_tokens=answer.output_tokens if answer else None,
        internal=exchange.internal,
        served_from=exchange.served_from,
    )


def _named_row(step: Step, named: NamedStep) -> StepRow:
    ended_ns, failure = named.ended_ns, named.failure
    ending = None if ended_ns is None else "failed" if failure else "done"
    words = [failure.type if failure else "", shortened(named.output)]
    if ended_ns is None:
        words[0] = "in progress"
    return StepRow(
        id=step.id,
        number=step.number,
        kind=step.kind,
        lane=step.lane,
        agent=step.agent,
        parent=step.parent,
        action=named.name,
        result=": ".join(word for word in words if word)[:RESULT_LENGTH],
        status=None,
        ending=ending,
        error=failure.type if failure else None,
        began_ms=named.began_ns / NS_PER_MS,
        latency_ms=None if ended_ns is None else (ended_ns - named.began_ns) / NS_PER_MS,
        input_tokens=None,
        output_tokens=None,
    )


def shortened(content: bytes) -> str:
    """Give a JSON value in one short line: a text as it is, anything else as JSON."""
    text = content[: 8 * RESULT_LENGTH].decode("utf-8", "ignore")
    if text.startswith('"') and len(text) < 8 * RESULT_LENGTH:
        try:
            text = msgspec.json.decode(content, type=str)
        except msgspec.MsgspecError:
            return text
    return " ".join(text.split())[:RESULT_LENGTH]


def exchange_of(step: Step) -> Exchange:
    """Give the exchange that a step is.

    Raises:
        ValueError: The step is one that the program named.
    """
    if step.exchange is None:
        raise ValueError(f"step {step.id} is not an exchange")
    return step.exchange


def summary(run: Run, rows: Sequence[StepRow]) -> RunSummary:
    """Give a run in a line or two; `rows` are its steps."""
    started = datetime.fromtimestamp(run.info.started_at_ns // 1_000_000_000, UTC)
    outcome = run.outcome
    return RunSummary(
        path=run.path,
        run_id=run.info.run_id,
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        command=run.info.argv,
        duration_ms=outcome.at_ns / NS_PER_MS if outcome else None,
        exit_status=outcome.exit_status if outcome else None,
        signal=outcome.signal if outcome else None,
        state=_state(run),
        totals=Totals(
            steps=len(rows),
            llm=sum(step.kind == "llm" for step in rows),
            tool=sum(step.kind == "tool" for step in rows),
            input_tokens=sum(step.input_tokens or 0 for step in rows),
            output_tokens=sum(step.output_tokens or 0 for step in rows),
        ),
    )


def _state(run: Run) -> RunState:
    if any(note.kind == "damage" for note in run.notes):
        return "damaged"
    if run.torn_bytes:
        return "torn"
    return "unfinished" if run.outcome is None else "complete"


def _action(exchange: Exchange, answer: Answer | None, kind: str) -> str:
    request = exchange.request
    if is_call(exchange):
        arguments = shortened(request.body)
        cut = f"{arguments[:ARGUMENTS_LENGTH]}…" if len(arguments) > ARGUMENTS_LENGTH else arguments
        return f"{tool_of(request)}({cut})"
    if kind == "llm":
        return model_of(request) or (answer.model if answer else "") or "(no model named)"
    said = mcp.read_said(request)
    if said is not None:
        called = mcp.title(said)
        most = len(said.target) + ARGUMENTS_LENGTH + 2
        is_long = said.is_tool_call and len(called) > most
        return f"{called[: most - 1]}…)" if is_long else called
    return f"{request.method} {address(request.url)}"


def tool_of(request: Request) -> str:
    """Give the name of the recorded function that a call is of."""
    return request.url.partition(":")[2]


def address(url: str) -> str:
    """Shorten a URL to its host and path: no credentials, no query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    host = parts.netloc.rpartition("@")[2]
    return f"{host}{parts.path}" if host else url


def _result(exchange: Exchange, answer: Answer | None) -> str:
    """Say in a few words what came of an exchange: an ending out of the ordinary comes first."""
    ending = exchange.ending
    said = None if answer or is_call(exchange) else mcp.read_said(exchange.request)
    words = []
    if ending is None:
        words.append("in flight")
    elif ending.failure:
        words.append(ending.failure.type)
    elif ending.kind != "eof" and not (said and ending.kind == "closed"):  # once it has its answer
        words.append(ending.kind)
    if is_call(exchange):
        words.append(shortened(exchange.response.body) if exchange.response else "")
    elif exchange.response and said:
        words.append(mcp.read_result(exchange.response))
    elif exchange.response and (answer is None or exchange.response.status >= FIRST_ERROR_STATUS):
        words.append(str(exchange.response.status))
    if answer:
        words.append(_said(answer))
    return ": ".join(word for word in words if word)[:RESULT_LENGTH]


def _said(answer: Answer) -> str:
    message = answer.message
    if answer.error:
        return answer.error
    calls = ", ".join(f"{call.name}({call.arguments})" for call in message.tool_calls)
    return calls or " ".join(message.text.split()) or " ".join(message.thinking.split())
