"""Convert cassettes of other tools into ours, and ours into what other tools read.

Owns which files are meant, where each result goes, and what becomes of each.
Does not know another tool's format (`interop`) and takes no credential out (`recording`).

An import is a recording of a run that is over: the same recorder takes down what was asked and
answered, so that what is redacted and what is found again is the same. It depends on the file and
the user's key alone, so that importing twice gives the same bytes.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal, TextIO

from agentvcr import __version__
from agentvcr.boundary import Unbounded
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.pack import Progress
from agentvcr.cassette.reader import EXTENSION, load_run
from agentvcr.cassette.seal import seal
from agentvcr.errors import (
    AgentVCRError,
    BadOptionError,
    CassetteForeignError,
    CassetteMissingError,
    TargetExistsError,
    TargetUnwritableError,
)
from agentvcr.inside.exchange import Forward, Request
from agentvcr.interop.foreign import Exported, Foreign, Interaction
from agentvcr.interop.vcrpy_yaml import read_cassette, write_cassette
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rules import BUILT_IN
from agentvcr.model.imported import Imported, ImportedFile, ImportTotals
from agentvcr.model.text import storable
from agentvcr.recording.recorder import Recorder
from agentvcr.redaction.key import user_key
from agentvcr.redaction.redactor import Redactor
from agentvcr.reporters import jsonl
from agentvcr.session.in_place import check_target, in_place_of
from agentvcr.session.sealing import kind_of_step
from agentvcr.steps.events import events
from agentvcr.steps.path import ROOT_LANE, each_step

Form = Literal["yaml", "jsonl"]
"""What a run is exported as."""

_IN_A_TREE: Final = (".yaml", ".yml", ".yaml.gz", ".yml.gz")
"""Endings of the files that a folder is searched for."""
_DROPPED: Final = (".yaml.gz", ".yml.gz", ".json.gz", ".yaml", ".yml", ".json")
"""Endings that the cassette's own takes the place of."""
_CLIENT: Final = "vcrpy"
_ORIGIN_NS: Final = 1
"""Where the run's clock begins. Not 0, which the recorder takes for "now"."""
_NS_PER_MS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000
_LATEST_NS: Final = 1 << 62
"""The latest start that a cassette can say."""


class _Plan:
    """One file to be imported: from where, to where, and how large it is."""

    def __init__(self, source: Path, target: Path) -> None:
        self.source = source
        self.target = target
        self.size = source.stat().st_size if source.is_file() else 0


def import_cassettes(
    sources: Sequence[Path],
    target: Path | None = None,
    *,
    into: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import cassettes of vcrpy: files, and folders with all that lies below them.

    A file that cannot be imported is told in the result, and the others go on.

    Args:
        sources: Files and folders.
        target: The cassette to write, or for more than one file the folder to write them in, where
            each tree is mirrored. By default each cassette lies beside its file.
        into: `target` is a folder also for one file.
        force: Write over existing cassettes.
        progress: Told how much of how much is done, after each file.

    Raises:
        CassetteMissingError: A folder holds nothing that could be imported.
        TargetUnwritableError: More than one file would go into one that exists.
        AgentVCRError: There is one file and no more, and it could not be imported.
    """
    plans = _plans(sources, target, into=into)
    alone = len(sources) == 1 and not sources[0].is_dir()
    key = user_key()
    total, done = sum(plan.size for plan in plans), 0
    files: list[ImportedFile] = []
    taken: dict[Path, Path] = {}
    for plan in plans:
        try:
            _check_first(plan, taken)
            files.append(_imported(plan, key, force=force))
        except AgentVCRError as error:
            if alone:
                raise
            files.append(_refused(plan, error))
        done += plan.size
        if progress is not None:
            progress(done, total)
    return Imported(totals=_totals(files), files=tuple(files))


# --- which files, and where to --------------------------------------------------------------------


def _plans(sources: Sequence[Path], target: Path | None, *, into: bool) -> list[_Plan]:
    many = len(sources) > 1 or any(source.is_dir() for source in sources)
    if target is not None and many and target.exists() and not target.is_dir():
        raise TargetUnwritableError(
            f"{target} is no folder, and more than one file may come",
            where=f"-o {target}",
            cure="name a folder, or import the files one by one",
        )
    inside = many or into or (target is not None and target.is_dir())
    plans: dict[Path, _Plan] = {}
    for source in sources:
        if source.is_dir():
            found = [_Plan(one, path_beside(_moved(one, source, target))) for one in _below(source)]
        elif target is None or inside:
            found = [_Plan(source, path_beside(_moved(source, source.parent, target)))]
        else:
            found = [_Plan(source, target)]
        for plan in found:  # a file may be named twice, or lie in a folder that is named too
            plans.setdefault(plan.source.resolve(), plan)
    return list(plans.values())


def _below(folder: Path) -> list[Path]:
    found = [one for one in folder.rglob("*") if one.name.endswith(_IN_A_TREE) and one.is_file()]
    if not found:
        raise CassetteMissingError(
            f"there is no file of YAML in {folder}",
            where=f"{folder} and the folders below it",
            cure="name a folder with cassettes of vcrpy, or a file",
        )
    return sorted(found)


def _moved(source: Path, root: Path, target: Path | None) -> Path:
    return source if target is None else target / source.relative_to(root)


def path_beside(path: Path) -> Path:
    """Name the cassette that lies beside a file."""
    ending = next((one for one in _DROPPED if path.name.endswith(one)), "")
    return path.with_name(path.name.removesuffix(ending) + EXTENSION)


def _check_first(plan: _Plan, taken: dict[Path, Path]) -> None:
    """Refuse what cannot go well, before anything is read.

    Raises:
        CassetteForeignError: It is no file: a pipe, say, which can be read once only.
        TargetExistsError: Another file of this import has become that cassette.
        BadOptionError: It would be written over itself.
    """
    source, target = plan.source, plan.target
    if source.exists() and not source.is_file():
        raise CassetteForeignError(
            f"{source} cannot be imported: it is no regular file",
            where=str(source),
            cure="write it into a file first",
        )
    _check_not_itself(source, target)
    place = target.resolve()
    if place in taken:
        raise TargetExistsError(
            f"{target} was made from {taken[place].name} just now",
            where=str(source),
            cure="import this file alone, with another name: -o NAME.avcr",
        )
    taken[place] = source


def _check_not_itself(source: Path, target: Path) -> None:
    try:
        same = source.samefile(target)
    except OSError:
        return  # one of them is not there
    if same:
        raise BadOptionError(
            f"{source} would be written over itself",
            where=f"-o {target}",
            cure="choose another name with -o",
        )


# --- one file -------------------------------------------------------------------------------------


def _imported(plan: _Plan, key: bytes, *, force: bool) -> ImportedFile:
    check_target(plan.target, force=force)
    foreign = read_cassette(plan.source)
    with in_place_of(plan.target) as beside:
        credentials = _record(foreign, plan.source, beside, key)
        seal(beside, kind_of=kind_of_step)
        size = beside.stat().st_size
    return ImportedFile(
        source=storable(plan.source),
        target=storable(plan.target),
        flavour=foreign.flavour,
        exchanges=len(foreign.interactions),
        credentials=credentials,
        bytes_before=plan.size,
        bytes_after=size,
        load_ms_before=round(foreign.parse_ms, 3),
        load_ms_after=_load_ms(plan.target),
        notes=foreign.notes,
    )


def _load_ms(path: Path) -> float:
    """Measure how long reading a cassette takes, with every exchange of it."""
    began_ns = time.perf_counter_ns()
    for _ in load_run(path).exchanges:
        pass
    return round((time.perf_counter_ns() - began_ns) / 1e6, 3)


def _record(foreign: Foreign, source: Path, journal: Path, key: bytes) -> int:
    """Record what is told as if it happened; says how many credentials were replaced."""
    # No credential of this environment is learned: the same file gives the same cassette anywhere.
    recorder = Recorder(
        Journal(journal, force=True),
        Redactor(key),
        boundary=Unbounded(),
        fingerprinter=Fingerprinter(),
        origin_ns=_ORIGIN_NS,
    )
    at_ns = _ORIGIN_NS
    try:
        recorder.add(_beginning(foreign, source))
        for number, interaction in enumerate(foreign.interactions, 1):
            at_ns = _ORIGIN_NS + number * _NS_PER_MS
            _play(recorder, interaction, at_ns)
    finally:
        recorder.close(0, None, at_ns)
    if isinstance(recorder.broken, OSError):
        raise recorder.broken
    if recorder.broken is not None:
        raise CassetteForeignError(
            f"{source.name} cannot be imported: {recorder.broken} is more than a cassette takes",
            where=str(source),
            cure="leave that exchange out",
        )
    return recorder.redactor.count


def _beginning(foreign: Foreign, source: Path) -> fmt.RunBegin:
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return fmt.RunBegin(
        run_id=digest[:16],
        started_at_ns=_first_date_ns(foreign.interactions),
        argv=(),
        cwd=".",
        agentvcr=__version__,
        platform="",
        rules=BUILT_IN,
        environment={},
    )


def _first_date_ns(interactions: Iterable[Interaction]) -> int:
    """Find when the first answer that has a date was given; 0 where none has."""
    for one in interactions:
        for name, value in one.response.headers:
            if name.lower() == b"date" and (found := _date_ns(value.decode("latin-1"))):
                return found
    return 0


def _date_ns(text: str) -> int:
    try:
        date = parsedate_to_datetime(text)
        if date.tzinfo is None:  # not the time zone of this machine
            date = date.replace(tzinfo=UTC)
        found = int(date.timestamp()) * _NS_PER_S
    except (ValueError, TypeError, OverflowError, LookupError):
        return 0
    return found if 0 < found < _LATEST_NS else 0


def _play(recorder: Recorder, interaction: Interaction, at_ns: int) -> None:
    """Tell the recorder one exchange as an interceptor does, all of it at one moment."""
    asked, answered = interaction.request, interaction.response
    headers = list(asked.headers)
    decision = recorder.begin(
        Request(asked.method, asked.url, headers, asked.body, ROOT_LANE, _CLIENT, at_ns=at_ns)
    )
    sink = recorder.recorded_sink(decision) if isinstance(decision, Forward) else None
    if sink is None:
        raise RuntimeError("the recorder left out an exchange of an import")
    sink.head(
        answered.status, list(answered.headers), answered.reason, answered.http_version, at_ns
    )
    if answered.body:
        sink.chunk(answered.body, at_ns)
    sink.end_as("eof", None, at_ns)


# --- what became of all ---------------------------------------------------------------------------


def _refused(plan: _Plan, error: AgentVCRError) -> ImportedFile:
    return ImportedFile(
        source=storable(plan.source),
        target=storable(plan.target),
        bytes_before=plan.size,
        error=storable(error),
        slug=error.slug,
    )


def _totals(files: Sequence[ImportedFile]) -> ImportTotals:
    done = [one for one in files if one.error is None]
    notes: Counter[str] = Counter()
    for one in done:
        for note in one.notes:
            words, _, times = note.rpartition(": ")
            notes[words] += int(times)
    return ImportTotals(
        imported=len(done),
        refused=len(files) - len(done),
        exchanges=sum(one.exchanges for one in done),
        credentials=sum(one.credentials for one in done),
        bytes_before=sum(one.bytes_before for one in done),
        bytes_after=sum(one.bytes_after for one in done),
        load_ms_before=_sum_ms(one.load_ms_before for one in done),
        load_ms_after=_sum_ms(one.load_ms_after for one in done),
        notes=tuple(f"{words}: {times}" for words, times in notes.most_common()),
    )


def _sum_ms(times: Iterable[float | None]) -> float:
    return round(sum(one or 0.0 for one in times), 3)


# --- and out again --------------------------------------------------------------------------------


def export_run(path: Path, form: Form, out: TextIO) -> Exported:
    """Write a cassette's run for other tools, one exchange at a time.

    Raises:
        AgentVCRError: The cassette cannot be read.
    """
    run = load_run(path)
    if form == "yaml":
        return write_cassette(run, out)
    jsonl.render(events(run, each_step(run)), out)
    return Exported(written=len(run.exchanges), left_out=(), notes=())


def export_to_file(path: Path, form: Form, target: Path, *, force: bool = False) -> Exported:
    """Write a cassette's run for other tools into a file, whole or not at all.

    Raises:
        AgentVCRError: The cassette cannot be read, or the file not written.
    """
    _check_not_itself(path, target)
    check_target(target, force=force)
    with in_place_of(target) as beside, beside.open("w", encoding="utf-8", newline="\n") as out:
        return export_run(path, form, out)
