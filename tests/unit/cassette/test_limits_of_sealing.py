"""What cannot be sealed stays a journal, and what is hard to seal is sealed all the same."""

import sys
import threading

import pytest

from agentvcr.cassette import format as fmt
from agentvcr.cassette import sealed as sealed_module
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.cassette.sealed import SealedFile
from agentvcr.errors import CassetteDamagedError, TargetUnwritableError
from agentvcr.model.exchange import Failure
from agentvcr.session.sealing import seal_recording
from tests.unit.build import EVENTS, chat, exchange, request, response, run
from tests.unit.recorded import write_journal


def whole(path):
    return load_run(path).exchanges[:]


def test_an_event_stream_longer_than_a_frame_is_sealed(tmp_path):
    path = tmp_path / "a.avcr"
    data = b"".join(b"data: {%d}\n\n" % number for number in range(800_000))
    assert len(data) > fmt.MAX_FRAME
    write_journal(path, run(exchange(request("{}"), response(data, headers=EVENTS))))
    before = whole(path)
    seal(path)
    assert whole(path) == before


def test_an_exchange_that_no_frame_holds_leaves_the_journal(tmp_path):
    path = tmp_path / "a.avcr"
    headers = ((b"a", b"x" * 3_900_000),)
    failure = Failure(type="a.B", message="y" * 3_900_000)
    asked, said = request("{}", headers=headers), response(b"", headers=headers)
    write_journal(path, run(exchange(asked, said, kind="failed", failure=failure), chat("b")))
    data, before = path.read_bytes(), whole(path)
    with pytest.raises(TargetUnwritableError, match="cannot be packed"):
        seal(path)
    assert "cannot be packed" in (seal_recording(path) or "")
    assert (path.read_bytes(), whole(path)) == (data, before)
    assert [one.name for one in tmp_path.iterdir()] == ["a.avcr"]


def test_a_body_that_repeats_itself_beyond_what_a_reader_takes_leaves_the_journal(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, run(exchange(request(bytes(40 << 20)), None)))
    with pytest.raises(TargetUnwritableError, match="repeats itself"):
        seal(path)
    assert len(whole(path)[0].request.body) == 40 << 20


def test_a_frame_of_zeros_in_the_middle_of_a_journal_is_damage_and_no_end(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, run(chat("a"), chat("b")), each=True)
    data = bytearray(path.read_bytes())
    with path.open("rb") as file:
        file.seek(len(fmt.JOURNAL))
        reader = JournalReader(file)
        places = [reader.offset for _ in reader]
    middle = places[len(places) // 2]
    data[middle : middle + fmt.FRAME.size] = bytes(fmt.FRAME.size)
    path.write_bytes(data)
    with pytest.raises(CassetteDamagedError, match="zeros"):
        load_run(path)


def test_threads_that_read_one_file_each_get_what_they_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(sealed_module, "_KEPT", 1)
    monkeypatch.setattr("agentvcr.cassette.pack.GROUP", 2_000)
    monkeypatch.setattr("agentvcr.cassette.pack.ONE_FRAME", 0)
    path = tmp_path / "a.avcr"
    write_journal(path, run(*(chat(f"{number} " * 400) for number in range(60))))
    expected = whole(path)
    seal(path)
    wrong: list[object] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def read(file, first):
        try:
            for turn in range(150):
                want = expected[(first + 7 * turn) % len(expected)]
                if file.numbered(want.number) != want:
                    wrong.append(want.number)
        except BaseException as error:  # noqa: BLE001 - told by the thread that looks
            wrong.append(error)

    with SealedFile(path) as file:
        threads = [threading.Thread(target=read, args=(file, 9 * one)) for one in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sys.setswitchinterval(interval)
    assert wrong == []
