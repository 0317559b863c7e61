"""Key a cassette anew: the rules of the project take the place of those that it was made by.

Owns what is told of that, and that the cassette is there as it was or as it is to be. Makes no hash
(`matching`) and writes no byte (`cassette`).
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agentvcr.cassette.frames import RecordTooLargeError
from agentvcr.cassette.holding import held
from agentvcr.cassette.opening import open_cassette
from agentvcr.cassette.pack import Progress
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.rewriting import Hashes, NewKeys, rewrite
from agentvcr.errors import BadOptionError, TargetUnwritableError
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rules import BUILT_IN, each_rule, name_rule
from agentvcr.model.exchange import Key
from agentvcr.model.rekeyed import Merged, RekeyedCassette
from agentvcr.model.rules import Rules
from agentvcr.model.run import Run
from agentvcr.model.text import storable
from agentvcr.session.declared import project_fingerprinter, stored
from agentvcr.session.in_place import check_target, in_place_of
from agentvcr.session.keying import is_keyed_by


def rekey_cassette(
    path: Path, target: Path | None = None, *, force: bool = False, progress: Progress
) -> RekeyedCassette:
    """Write a cassette with the fingerprints, and the rules, that the project configures now.

    Args:
        path: The cassette, sealed or a journal that is not being written.
        target: Where to write; in its own place by default.
        force: Write over what lies at `target`.
        progress: Told how much of how much is done.

    Raises:
        BadOptionError: The configuration makes no sense, or `target` is the cassette itself.
        CassetteBusyError: It is being recorded or sealed.
        AgentVCRError: It cannot be read, or not be written.
    """
    fingerprinter = project_fingerprinter()
    open_cassette(path)[0].close()  # says so where it is none
    if target is not None:
        if target.exists() and target.samefile(path):
            raise BadOptionError(
                "the cassette would be written over itself",
                where=f"-o {target}",
                cure="leave out -o: it is then replaced once the new one is whole",
            )
        check_target(target, force=force)
    with held(path):
        run = load_run(path)
        before = run.exchanges.list_keys()
        hashes = dict(_hashes(run, before, fingerprinter, progress))
        result = _told(run, before, hashes, target or path, fingerprinter)
        if target is None and result.changed == 0 and is_keyed_by(run, fingerprinter):
            return result
        keys = NewKeys(rules=BUILT_IN, declared=stored(fingerprinter), hashes=hashes)
        _write(path, target, keys)
    return msgspec.structs.replace(result, is_new=True)


def _hashes(
    run: Run, before: Sequence[Key], fingerprinter: Fingerprinter, progress: Progress
) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    for done, key in enumerate(before):
        progress(done, len(before))
        made = fingerprinter.identify_again(run.exchanges.numbered(key.number).request)
        yield key.number, (made.fingerprint, made.raw_hash)


def _write(path: Path, target: Path | None, keys: NewKeys) -> None:
    place = target or path
    try:
        with in_place_of(place, is_held=target is None) as beside:
            rewrite(path, beside, keys)
            shutil.copymode(path, beside)
    except RecordTooLargeError as error:
        raise TargetUnwritableError(
            f"{place} cannot be written: {error} is more than a reader takes",
            where=str(place),
            cure="declare fewer rules",
        ) from None


def _told(
    run: Run,
    before: Sequence[Key],
    hashes: Hashes,
    place: Path,
    fingerprinter: Fingerprinter,
) -> RekeyedCassette:
    rules = fingerprinter.rules
    return RekeyedCassette(
        path=run.path,
        written_to=storable(place),
        exchanges=len(before),
        changed=sum(one.fingerprint != hashes[one.number][0] for one in before),
        rules=sum(len(one.ignore) + len(one.count) + len(one.ids) for one in (rules, *rules.at)),
        is_new=False,
        merged=tuple(_merged(before, hashes)),
        idle=tuple(_idle(run, before, rules)),
        torn_bytes=run.torn_bytes,
    )


def _idle(run: Run, before: Sequence[Key], rules: Rules) -> Iterator[str]:
    """Name the rules that change nothing of any request here: mistyped ones, mostly.

    A header that is left out is one that would count else.
    """
    singles = list(each_rule(rules))
    counted = {header for one in singles for header in one.count}
    left = [one for one in singles if counted.isdisjoint(one.ignore)]
    by_rule = [(one, Fingerprinter(Rules(at=(one,)))) for one in left]
    built_in = Fingerprinter()
    for key in before:
        if not by_rule:
            return
        request = run.exchanges.numbered(key.number).request
        plain = built_in.identify_again(request).fingerprint
        by_rule = [one for one in by_rule if one[1].identify_again(request).fingerprint == plain]
    yield from (name_rule(one) for one, _ in by_rule)


def _merged(before: Sequence[Key], hashes: Hashes) -> Iterator[Merged]:
    """Find the requests of a lane that differed, and differ no more."""
    same: dict[tuple[str, bytes], list[Key]] = defaultdict(list)
    for key in before:
        if not key.internal:
            same[key.lane, hashes[key.number][0]].append(key)
    for (lane, _), keys in same.items():
        if len({one.fingerprint for one in keys}) > 1:
            yield Merged(lane=lane, numbers=tuple(one.number for one in keys))
