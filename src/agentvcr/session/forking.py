"""Fork a recorded run: replay its command, with one step changed when it comes.

Owns which exchange a step is, and where the fork is kept. Has no rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from agentvcr.cassette.reader import fork_of, load_run
from agentvcr.errors import BadOptionError
from agentvcr.model.exchange import Exchange
from agentvcr.model.run import Run
from agentvcr.model.step import Step
from agentvcr.model.summary import ReplaySummary
from agentvcr.providers import read
from agentvcr.providers.body import response_content
from agentvcr.replaying.fork import Fork
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
    if edit is not None:
        changed = edited(exchange, edit)
        if changed is None:
            return None
        wanted.append(changed)
    fork = fork_at(exchange, wanted)
    replay = Replay(recorded, on_miss=on_miss, pace=0.0, live=live, fork=fork)
    with kept_as(place, is_new=target is not None, force=force) as journal:
        if announce is not None:
            announce(command, folder_far_from(path, cwd))
        summary, _ = replayed(replay, journal, command, cwd, path=path, kept=place)
    if summary.broken is None:
        seal_recording(place)
    return told(summary, step, fork)


def fork_at(exchange: Exchange, patches: Sequence[Patch]) -> Fork:
    """Make the fork.

    Raises:
        BadOptionError: Nothing is to be changed, or not so.
    """
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


def edited(exchange: Exchange, edit: Edit) -> Patch | None:
    """Have somebody edit what an exchange answered; None where they changed nothing."""
    before, field = said(exchange)
    after = edit(before)
    return None if after is None or after == before else Patch(field, after)


def said(exchange: Exchange) -> tuple[str, str]:
    """Give what an answer says, and the field that holds it.

    Raises:
        BadOptionError: It is nothing that could be edited.
    """
    response = exchange.response
    conversation = read(exchange)
    answer = conversation.answer if conversation else None
    if answer is not None and answer.message.text:
        return answer.message.text, "response.text"
    if answer is not None and answer.message.tool_calls:
        return answer.message.tool_calls[0].arguments, "response.tool_calls[0].arguments"
    try:
        return response_content(response).decode() if response else "", "response.body"
    except UnicodeDecodeError:
        raise BadOptionError(
            f"exchange {exchange.number} answered with bytes that are no text",
            where="--edit",
            cure="change it with --set",
        ) from None
