"""Fork a recorded run: replay its command, with one step changed when it comes.

Owns which exchange a step is, and where the fork is kept. Has no rules of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from agentvcr.boundary import Boundary
from agentvcr.cassette.journal import check_new
from agentvcr.cassette.reader import fork_of, load_run
from agentvcr.errors import AgentVCRError, BadOptionError
from agentvcr.model.exchange import Exchange
from agentvcr.model.run import Run
from agentvcr.model.step import Step
from agentvcr.model.summary import ReplaySummary
from agentvcr.providers import read
from agentvcr.providers.body import response_content
from agentvcr.replaying.fork import CAN_ASK_OTHERWISE, Fork
from agentvcr.replaying.patches import Patch, parse
from agentvcr.replaying.replayer import OnMiss
from agentvcr.session.command import folder_far_from
from agentvcr.session.replaying import Replay, check_apart, command_of, kept_as, replayed
from agentvcr.session.sealing import seal_recording
from agentvcr.steps.path import each_step, find_step

Edit = Callable[[str], str | None]
"""Gives a text as somebody has edited it; None where nothing was changed."""


def fork_command(  # noqa: PLR0913  (the options of the command line)
    path: Path,
    argv: Sequence[str] | None = None,
    *,
    at: str,
    patches: Sequence[str] = (),
    edit: Edit | None = None,
    target: Path | None = None,
    on_miss: OnMiss = "nearest",
    live: Sequence[str] = (),
    force: bool = False,
    trust: bool = False,
    announce: Callable[[Sequence[str], str], None] | None = None,
) -> ReplaySummary | None:
    """Run a cassette's command again with one step changed, and compare with the cassette.

    Args:
        path: The cassette.
        argv: Another command to run in place of the recorded one.
        at: The step: its path or number.
        patches: What to change of it, each as FIELD=VALUE.
        edit: Shows what the step said to somebody, who changes it.
        target: Where to keep the fork; by default beside the cassette, as `.fork.avcr`.
        on_miss: What to do about a request that no recorded exchange answers.
        live: `HOST:PORT` of services that stay live.
        force: Write over an existing `target`.
        trust: Run the recorded command also of a cassette from elsewhere.
        announce: Called with the command before it runs, and with its folder where the cassette
            lies outside this project.

    Returns:
        How it went; None where nothing was edited, and so nothing was run.

    Raises:
        AgentVCRError: The cassette has no such step, nothing can be changed so, or nothing run.
    """
    recorded = load_run(path)
    command, cwd = command_of(recorded, path, argv, trust=trust)
    place = target or fork_of(path)
    check_apart(place, path, what="a fork cannot be kept in the cassette that it is a fork of")
    step, exchange = exchange_at(recorded, at)
    wanted = [parse(one) for one in patches]
    check_new(place, force=force or target is None)
    Boundary(tuple(live))
    said = [what_is_said(exchange)] if edit is not None else []
    fork_at(exchange, [*wanted, *said], on_miss)  # all that is wrong is told before an edit
    changed = [edited(one, edit) for one in said if edit is not None]
    if edit is not None and changed == said:
        return None
    with kept_for_errors(changed):
        fork = fork_at(exchange, [*wanted, *changed], on_miss)
        replay = Replay(recorded, on_miss=on_miss, pace=0.0, live=live, fork=fork)
        with kept_as(place, is_new=target is not None, force=force) as journal:
            if announce is not None:
                announce(command, folder_far_from(path, cwd))
            summary, _ = replayed(replay, journal, command, cwd, path=path, kept=place)
    if summary.broken is None:
        seal_recording(place)
    return told(summary, step, fork)


@contextmanager
def kept_for_errors(changed: Sequence[Patch]) -> Iterator[None]:
    """Keep what somebody edited in a file, which the error names, where nothing came of it."""
    try:
        yield
    except AgentVCRError as error:
        for one in changed:
            handle, name = tempfile.mkstemp(prefix="agentvcr-edited-", suffix=".txt")
            with open(handle, "wb") as file:  # noqa: PTH123  (a descriptor)
                file.write(one.value.encode())
            error.cure = f"{error.cure}; the edited text is kept in {name}".removeprefix("; ")
        raise


def fork_at(exchange: Exchange, patches: Sequence[Patch], on_miss: OnMiss) -> Fork:
    """Make the fork.

    Raises:
        BadOptionError: Nothing is to be changed, or not so.
    """
    asks_otherwise = on_miss == "live" and any(one.is_of_request for one in patches)
    if asks_otherwise and not all(one.is_of_request for one in patches):
        raise BadOptionError(
            "of one step either what is asked is changed or what is answered: "
            "a changed request is answered by the real service",
            where="--on-miss live",
            cure="change one of the two, or what is asked in one fork and its answer in the next",
        )
    if asks_otherwise and exchange.client not in CAN_ASK_OTHERWISE:
        raise BadOptionError(
            f"a request of {exchange.client} cannot be changed on its way",
            where=f"--on-miss live, exchange {exchange.number}",
            cure="change its answer, or the program itself and replay it with --on-miss live",
        )
    if not patches:
        raise BadOptionError(
            "a fork changes something",
            where="the command line",
            cure="say what with --set FIELD=VALUE, or with --edit",
        )
    return Fork(exchange, patches)


def told(summary: ReplaySummary, step: Step, fork: Fork) -> ReplaySummary:
    """Say in a summary what was changed; that the step never came is a divergence."""
    if fork.is_reached:
        changed = tuple(f"{step.id}: {one.field}" for one in fork.patches)
        return msgspec.structs.replace(summary, changed=changed)
    missed = f"nothing: the program did not ask what step {step.id} asked"
    return msgspec.structs.replace(summary, changed=(missed,), exit_status=4)


def exchange_at(recorded: Run, at: str) -> tuple[Step, Exchange]:
    """Find the exchange of a step: its own, or the only one within it.

    Raises:
        NoSuchStepError: No step has that path or number.
        BadOptionError: It has none, or several.
    """
    step = find_step(recorded, at)
    if step.exchange is not None:
        return step, step.exchange
    inner = [
        one
        for one in each_step(recorded)
        if one.exchange is not None and one.id.startswith(f"{step.id}/")
    ]
    if len(inner) == 1 and inner[0].exchange is not None:
        return inner[0], inner[0].exchange
    names = ", ".join(one.id for one in inner[:_MOST_NAMED])
    raise BadOptionError(
        f"step {step.id} asked {len(inner) or 'nothing'}{' times' * bool(inner)}",
        where=f"--at {at}",
        cure=f"name one of its steps: {names}" if names else "name a step that asked something",
    )


_MOST_NAMED = 5


def edited(said: Patch, edit: Edit) -> Patch:
    """Have somebody edit what an exchange answered; gives the same where they changed nothing."""
    after = edit(said.value)
    return said if after is None else Patch(said.field, after)


def what_is_said(exchange: Exchange) -> Patch:
    """Give the field that holds what an answer says, as the change that leaves it as it is.

    Raises:
        BadOptionError: It is nothing that could be edited.
    """
    response = exchange.response
    conversation = read(exchange)
    answer = conversation.answer if conversation else None
    if answer is not None and answer.message.text:
        return Patch("response.text", answer.message.text)
    if answer is not None and answer.message.tool_calls:
        return Patch("response.tool_calls[0].arguments", answer.message.tool_calls[0].arguments)
    try:
        return Patch("response.body", response_content(response).decode() if response else "")
    except UnicodeDecodeError:
        raise BadOptionError(
            f"exchange {exchange.number} answered with bytes that are no text",
            where="--edit",
            cure="change it with --set",
        ) from None
